//! Servers that contradict their own protocol, or say nothing.
//!
//! Each test states one thing that is wrong, and [`Trial::run`] holds the store to the same promises: it does
//! not panic, it is never live and stale for long, it publishes nothing that was not written, what it asks for
//! is bounded, and it gets the newest version from the first member that is honest.

/// Makes a test of each trial.
macro_rules! trials {
    ($($(#[$doc:meta])* $name:ident: $trial:expr;)*) => {
        $($(#[$doc])* #[tokio::test] async fn $name() {
            Box::pin($trial.run()).await;
        })*
    };
}

mod alone;
mod followed_map;
mod hooks;
mod lost;
mod map_pages;
mod map_watches;
mod trial;

use std::time::Duration;

use etcd_client::proto::{PbRangeResponse, PbWatchResponse};
use event_core::{ValueReader, WatcherExt};
use event_etcd::{EtcdStore, Options};
use hostile_etcd::{Answer, Behaviour, Cluster, Member, StreamMode, WatchCreateRequest};
use tokio::time::{sleep, timeout};
use tonic::Code;

use self::alone::{alone, resident};
use self::hooks::{
    GARBAGE, always_compacted, empty, event_revision, events, garbage, header_revision,
    read_revision, responses,
};
use self::trial::{KEYS, LIVENESS, Trial, Watched, connect, since};
use crate::support::{BOUND, HealthExt};

trials! {
    /// The trial itself finds no fault with a store that has nothing to notice.
    nothing_that_is_wrong: Trial::from_the_start(Behaviour::honest());

    // Watches.
    a_create_that_is_never_answered:
        Trial::from_the_start(Behaviour::honest().create(|_, _| vec![]));
    a_create_that_is_answered_twice:
        Trial::from_the_start(Behaviour::honest().create(|_, honest| vec![honest.clone(), honest]))
            .named();
    a_create_that_is_refused_without_a_reason:
        Trial::from_the_start(Behaviour::honest().create(|_, mut honest| {
            honest.canceled = true;
            vec![honest]
        }));
    a_create_that_is_answered_with_a_negative_id:
        Trial::from_the_start(Behaviour::honest().create(|_, mut honest| {
            honest.watch_id = -7;
            vec![honest]
        })).named();
    creates_that_are_all_answered_with_one_id:
        Trial::from_the_start(Behaviour::honest().create(|_, mut honest| {
            honest.watch_id = 5;
            vec![honest]
        }).event(|mut honest| {
            honest.watch_id = 5;
            vec![honest]
        })).named();
    a_watch_that_is_canceled_as_soon_as_it_is_created:
        Trial::from_the_start(Behaviour::honest().create(|_, honest| {
            let canceled = PbWatchResponse { created: false, canceled: true, ..honest.clone() };
            vec![honest, canceled]
        }));
    a_watch_whose_start_is_always_compacted:
        Trial::from_the_start(always_compacted());
    a_cancel_of_a_watch_that_was_never_created:
        Trial::once_live(Behaviour::honest().event(|honest| {
            let canceled = PbWatchResponse {
                watch_id: 777,
                canceled: true,
                cancel_reason: "no reason".into(),
                ..PbWatchResponse::default()
            };
            vec![canceled, honest]
        }));

    // Events.
    events_for_a_watch_id_that_was_never_given:
        Trial::once_live(Behaviour::honest().event(|mut honest| {
            honest.watch_id = 9999;
            vec![honest]
        })).named();
    events_for_a_key_that_was_not_asked_for:
        Trial::once_live(events(|event| {
            if let Some(kv) = &mut event.kv {
                kv.key = b"unasked".to_vec();
            }
        })).named();
    events_without_a_key_value:
        Trial::once_live(events(|event| event.kv = None)).named();
    events_with_a_negative_revision: Trial::once_live(event_revision(-1)).named();
    events_with_revision_zero: Trial::once_live(event_revision(0)).named();
    events_with_the_largest_revision: Trial::once_live(event_revision(i64::MAX)).named();
    events_of_a_key_that_was_created_after_it_was_written:
        Trial::once_live(events(|event| {
            if let Some(kv) = &mut event.kv {
                kv.create_revision = kv.mod_revision + 1;
            }
        })).named();
    events_whose_revisions_decrease:
        Trial::once_live(Behaviour::honest().event(|honest| {
            let mut older = honest.clone();
            for kv in older.events.iter_mut().filter_map(|event| event.kv.as_mut()) {
                kv.mod_revision -= 1;
                kv.value = GARBAGE.into();
            }
            vec![honest, older]
        })).named();
    fragments_of_which_the_last_never_comes:
        Trial::once_live(Behaviour::honest().event(|mut honest| {
            honest.fragment = true;
            vec![honest]
        }));
    events_that_are_not_sent_while_reads_show_them:
        Trial::once_live(Behaviour::honest().event(|_| vec![]));

    // Reads.
    reads_with_a_negative_revision: Trial::from_the_start(read_revision(-1)).named();
    reads_with_revision_zero: Trial::from_the_start(read_revision(0)).named();
    reads_with_the_largest_revision: Trial::from_the_start(read_revision(i64::MAX)).named();
    reads_of_a_key_that_was_created_after_it_was_written:
        Trial::from_the_start(Behaviour::honest().read(|mut range| {
            range.kvs.iter_mut().for_each(|kv| kv.create_revision = kv.mod_revision + 1);
            range
        })).named();
    reads_of_a_key_that_was_written_a_negative_number_of_times:
        Trial::from_the_start(Behaviour::honest().read(|mut range| {
            range.kvs.iter_mut().for_each(|kv| kv.version = -1);
            range
        })).named();
    reads_of_another_key:
        Trial::from_the_start(Behaviour::honest().read(|range| {
            let kvs = vec![garbage("another")];
            PbRangeResponse { kvs, count: 1, ..range }
        })).named();
    reads_of_more_keys_than_one:
        Trial::from_the_start(Behaviour::honest().read(|mut range| {
            range.kvs.insert(0, garbage("another"));
            PbRangeResponse { count: 2, ..range }
        })).named();
    transactions_with_too_few_responses:
        Trial::from_the_start(responses(|responses| drop(responses.pop()))).named();
    transactions_with_too_many_responses:
        Trial::from_the_start(responses(|responses| responses.extend_from_within(..)))
            .named();
    transactions_with_the_responses_in_another_order:
        Trial::from_the_start(responses(|responses| responses.reverse())).named();
    transactions_with_empty_responses:
        Trial::from_the_start(responses(|responses| {
            for response in responses {
                response.response = None;
            }
        })).named();
    reads_that_are_never_answered: Trial::from_the_start(Behaviour::honest().never_reads());
    reads_that_always_fail:
        Trial::from_the_start(Behaviour::honest()
            .range(|_, _| Answer::fail(Code::Internal, "no reason"))
            .txn(|_, _| Answer::fail(Code::Internal, "no reason")));
    reads_that_are_always_too_many:
        Trial::from_the_start(Behaviour::honest()
            .range(|_, _| Answer::fail(Code::ResourceExhausted, "etcdserver: too many requests"))
            .txn(|_, _| Answer::fail(Code::ResourceExhausted, "etcdserver: too many requests")));

    // Headers.
    headers_with_a_negative_revision: Trial::from_the_start(header_revision(-1)).named();
    headers_with_the_largest_revision: Trial::from_the_start(header_revision(i64::MAX));

    // Streams.
    /// As a member does whose disk has stopped: the stream lives, and the member does not follow the cluster.
    progress_is_answered_and_reads_and_events_are_not:
        Trial::once_live(Behaviour::honest().never_reads().event(|_| vec![]));
    nothing_is_answered_any_more:
        Trial::once_live(Behaviour::honest().never_reads().event(|_| vec![]).progress(|_| vec![]));
    streams_that_are_never_read:
        Trial::from_the_start(Behaviour::honest().stream(StreamMode::ReadsOnly(0)));
    /// The stream looks alive, since progress is answered before it is asked for.
    streams_of_which_only_the_first_request_is_read:
        Trial::from_the_start(Behaviour::honest()
            .stream(StreamMode::ReadsOnly(1))
            .flood(LIVENESS / 10, empty(-1)));
    streams_that_end_at_once:
        Trial::from_the_start(Behaviour::honest().stream(StreamMode::EndsAtOnce));
    streams_that_end_after_the_first_answer:
        Trial::from_the_start(Behaviour::honest().stream(StreamMode::EndsAfterFirstAnswer));
    a_thousand_progress_answers_a_second_that_nobody_asked_for:
        Trial::from_the_start(Behaviour::honest().flood(Duration::from_millis(1), empty(-1)));
    endless_progress_answers_that_nobody_asked_for:
        Trial::from_the_start(Behaviour::honest().flood(Duration::ZERO, empty(-1)));
    endless_empty_responses_for_a_watch_that_was_never_created:
        Trial::from_the_start(Behaviour::honest().flood(Duration::ZERO, empty(777)));
}

/// As `etcd grpc-proxy` does.
#[tokio::test]
async fn a_member_that_never_answers_progress_is_live_and_is_not_left() {
    let cluster = Cluster::new();
    let member = Member::start(&cluster, Behaviour::honest().progress(|_| vec![]));
    let store = connect([&member]).await;
    let mut watched = Watched::start(&store, &cluster);
    watched.arrives("the first versions").await;
    let before = member.counts();
    for _ in 0..3 {
        sleep(LIVENESS * 3).await;
        watched.put();
        watched.arrives("a version after a silence").await;
    }
    let asked = since(before, member.counts());
    watched.require(asked.connections == 0, || format!("it connected again: {asked:?}"));
    let stalls = watched.stalls();
    watched.require(stalls == 0, || format!("health was stalled {stalls} times"));
    watched.finish();
}

/// As `etcd grpc-proxy` and kine do.
#[tokio::test]
async fn a_member_that_ignores_the_ids_that_the_client_chose_is_watched() {
    stays_connected(Behaviour::honest().numbers_watches()).await;
}

/// As `etcd grpc-proxy` does, where a key is watched already and another is not. The ids are in the order of
/// the requests all the same. The headers of some of these answers are empty.
#[tokio::test]
async fn creates_may_be_answered_in_another_order() {
    let slow_if_first = |request: &WatchCreateRequest| {
        if request.key == KEYS[0].as_bytes() { LIVENESS / 5 } else { Duration::ZERO }
    };
    let without_ids = |request: &WatchCreateRequest, mut honest: PbWatchResponse| {
        if let Some(header) = &mut honest.header {
            (header.cluster_id, header.member_id) = (0, 0);
            header.revision = request.start_revision;
        }
        vec![honest]
    };
    let behaviour =
        Behaviour::honest().numbers_watches().creates_take(slow_if_first).create(without_ids);
    stays_connected(behaviour).await;
}

/// Requires that a member with this behaviour is watched over one connection.
async fn stays_connected(behaviour: Behaviour) {
    let cluster = Cluster::new();
    let member = Member::start(&cluster, behaviour);
    let store = connect([&member]).await;
    let mut watched = Watched::start(&store, &cluster);
    for _ in 0..3 {
        watched.arrives("a version").await;
        watched.put();
    }
    watched.arrives("the last version").await;
    let counts = member.counts();
    watched.require(counts.connections == 1, || format!("it connected again: {counts:?}"));
    watched.finish();
}

#[tokio::test]
async fn another_cluster_at_the_same_address_is_published() {
    let cluster = Cluster::with_id(1);
    let member = Member::start(&cluster, Behaviour::honest());
    let store = connect([&member]).await;
    let mut watched = Watched::start(&store, &cluster);
    watched.arrives("the first versions").await;
    // The same data under another id, as after a restore.
    member.behave(Behaviour::honest().header(|mut header| {
        header.cluster_id = 2;
        header
    }));
    member.disconnect();
    watched.put();
    watched.arrives("the version of the other cluster").await;
    watched.finish();
}

/// With a user, where nobody has to log in, as Go's client does.
#[tokio::test]
async fn a_user_is_no_obstacle_where_authentication_is_not_enabled() {
    let cluster = Cluster::new();
    let member = Member::start(&cluster, Behaviour::honest());
    cluster.put("key", "value");
    let options = Options::new().liveness_timeout(LIVENESS).user("reader", "password");
    let store = EtcdStore::connect([member.endpoint()], options).await.unwrap();
    let entry = timeout(BOUND, store.value("key").watch().get()).await.expect("a version").unwrap();
    assert_eq!(entry.value().map(|value| value.to_vec()), Some(b"value".to_vec()));
    timeout(BOUND, store.health_live()).await.expect("live");
}

/// What the store would like to ask for must not pile up while the server reads nothing.
#[tokio::test]
async fn requests_that_a_server_does_not_take_are_bounded() {
    alone("requests_that_a_server_does_not_take_are_bounded", async || {
        let cluster = Cluster::new();
        cluster.put("key", "value");
        let behaviour =
            Behaviour::honest().stream(StreamMode::ReadsOnly(1)).flood(LIVENESS / 10, empty(-1));
        let member = Member::start(&cluster, behaviour);
        let store = connect([&member]).await;
        let mut watcher = store.value("key").watch();
        timeout(BOUND, watcher.get()).await.expect("a version").unwrap();
        let churn = async |rounds: usize| {
            for round in 0..rounds {
                // A key that is watched and left at once takes two requests.
                let watchers: Vec<_> = (0..50)
                    .map(|key| store.value(format!("{key:0>1000}-{round}")).watch())
                    .collect();
                let first = async {
                    for mut watcher in watchers {
                        let _ = timeout(Duration::from_millis(5), watcher.get()).await;
                    }
                };
                let _ = timeout(Duration::from_millis(20), first).await;
            }
        };
        churn(50).await;
        let before = resident();
        churn(200).await;
        let grown = resident().saturating_sub(before);
        assert!(grown < 4 << 20, "10,000 keys that came and went hold {grown} bytes");
    })
    .await;
}

/// What is read off a flood must not be kept.
#[tokio::test]
async fn a_flood_is_not_kept() {
    alone("a_flood_is_not_kept", async || {
        let cluster = Cluster::new();
        let behaviour = Behaviour::honest().flood(Duration::ZERO, empty(-1));
        let member = Member::start(&cluster, behaviour);
        let store = connect([&member]).await;
        let watched = Watched::start(&store, &cluster);
        sleep(LIVENESS).await;
        let before = resident();
        sleep(LIVENESS * 6).await;
        let grown = resident().saturating_sub(before);
        assert!(grown < 4 << 20, "it grew by {grown} bytes in {:?}", LIVENESS * 6);
        drop(watched);
    })
    .await;
}
