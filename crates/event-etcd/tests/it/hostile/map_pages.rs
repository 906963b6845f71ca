//! The same for a map: the pages of its range.

use std::sync::Mutex;

use etcd_client::proto::{PbKeyValue, PbRangeResponse};
use event_core::{
    CauseKind, Health, HealthState, MapReaderExt, ReaderExt, ValueReader, WatcherExt,
};
use event_etcd::{EtcdStore, Options};
use hostile_etcd::{Answer, Behaviour, Cluster, Member, RangeRequest};
use tokio::time::{sleep, timeout};
use tonic::Code;

use super::alone::{alone, resident};
use super::followed_map::{FOLDER, KEYS, map_of, write_map};
use super::hooks::garbage;
use super::trial::{LIVENESS, Trial, Watched, connect, since};
use crate::support::{BOUND, HealthExt};

/// A hook for the pages of a range.
fn pages(
    change: impl Fn(&RangeRequest, &mut PbRangeResponse) + Send + Sync + 'static,
) -> Behaviour {
    Behaviour::honest().range(move |request, mut honest| {
        if is_page(request) {
            change(request, &mut honest);
        }
        Answer::Send(honest)
    })
}

fn is_page(request: &RangeRequest) -> bool {
    !request.range_end.is_empty()
}

/// A hook for the pages after the first one of a read.
fn later_pages(
    change: impl Fn(&RangeRequest, &mut PbRangeResponse) + Send + Sync + 'static,
) -> Behaviour {
    pages(move |request, page| {
        if request.revision > 0 {
            change(request, page);
        }
    })
}

/// A hook for the pages that are not answered but fail.
fn pages_fail(code: Code, message: &'static str) -> Behaviour {
    Behaviour::honest().range(move |request, honest| {
        if is_page(request) { Answer::fail(code, message) } else { Answer::Send(honest) }
    })
}

fn set_revision(page: &mut PbRangeResponse, revision: i64) {
    if let Some(header) = &mut page.header {
        header.revision = revision;
    }
}

/// The key of a page, in full.
fn in_folder(key: &str) -> PbKeyValue {
    garbage(&format!("{FOLDER}{key}"))
}

const COMPACTED: &str = "etcdserver: mvcc: required revision has been compacted";

/// The page that a server sends whatever the page is that it is asked for.
fn always_the_first_page() -> Behaviour {
    let first = Mutex::new(None);
    pages(move |_, page| {
        let first = first.lock().unwrap().get_or_insert_with(|| page.clone()).clone();
        *page = PbRangeResponse { header: page.header, ..first };
    })
}

trials! {
    /// The trial itself finds no fault with a store that has nothing to notice.
    nothing_that_is_wrong: Trial::from_the_start(Behaviour::honest()).of_map();

    // Pages.
    pages_with_the_keys_in_another_order:
        Trial::from_the_start(pages(|_, page| page.kvs.reverse())).of_map().named();
    pages_with_a_key_before_the_range:
        Trial::from_the_start(pages(|_, page| page.kvs.insert(0, garbage("map")))).of_map().named();
    pages_with_a_key_after_the_range:
        Trial::from_the_start(pages(|_, page| page.kvs.push(garbage("map0")))).of_map().named();
    later_pages_with_a_key_of_an_earlier_page:
        Trial::from_the_start(later_pages(|_, page| page.kvs.insert(0, in_folder("base-0000"))))
            .of_map()
            .named();
    pages_that_repeat_a_key:
        Trial::from_the_start(pages(|_, page| page.kvs.extend(page.kvs.last().cloned())))
            .of_map()
            .named();
    pages_that_are_all_the_first_one:
        Trial::from_the_start(always_the_first_page()).of_map().named();
    pages_that_have_more_and_are_empty:
        Trial::from_the_start(pages(|_, page| {
            page.kvs.clear();
            page.more = true;
        })).of_map().named();
    later_pages_of_an_older_revision:
        Trial::from_the_start(later_pages(|request, page| set_revision(page, request.revision - 1)))
            .of_map()
            .names(CauseKind::HistoryReset);
    later_pages_with_keys_of_a_newer_revision:
        Trial::from_the_start(later_pages(|request, page| {
            for kv in &mut page.kvs {
                kv.mod_revision = request.revision + 1;
            }
        })).of_map().named();
    later_pages_of_another_cluster:
        Trial::from_the_start(later_pages(|_, page| {
            if let Some(header) = &mut page.header {
                header.cluster_id += 1;
            }
        })).of_map();
    pages_without_a_header:
        Trial::from_the_start(pages(|_, page| page.header = None)).of_map().named();
    pages_of_a_negative_revision:
        Trial::from_the_start(pages(|_, page| set_revision(page, -1))).of_map().named();
    pages_with_keys_of_a_negative_revision:
        Trial::from_the_start(pages(|_, page| {
            page.kvs.iter_mut().for_each(|kv| kv.mod_revision = -1);
        })).of_map().named();
    pages_that_are_never_answered:
        Trial::from_the_start(Behaviour::honest().range(|request, honest| {
            if is_page(request) { Answer::Never } else { Answer::Send(honest) }
        })).of_map();
    pages_whose_revision_is_always_compacted:
        Trial::from_the_start(pages_fail(Code::OutOfRange, COMPACTED)).of_map().named();
    pages_that_are_always_too_many:
        Trial::from_the_start(pages_fail(Code::ResourceExhausted, "etcdserver: too many requests"))
            .of_map()
            .names(CauseKind::ResourceExhausted);
    pages_that_fail_without_a_known_reason:
        Trial::from_the_start(pages_fail(Code::DataLoss, "no reason"))
            .of_map()
            .names(CauseKind::Unreachable);
}

/// A compaction between any two pages: the third time, the range is read at once.
#[tokio::test]
async fn later_pages_that_are_always_compacted_are_not_asked_for_without_end() {
    let cluster = Cluster::new();
    let compacted = Behaviour::honest().range(|request, honest| match request.revision {
        0 => Answer::Send(honest),
        _ => Answer::fail(Code::OutOfRange, COMPACTED),
    });
    let member = Member::start(&cluster, compacted);
    let store = connect([&member]).await;
    let mut watched = Watched::start_map(&store, &cluster);
    watched.arrives("the first step").await;
    let counts = member.counts();
    watched.require(counts.connections == 1, || format!("it connected again: {counts:?}"));
    // Two pages twice, and then all at once. The rest are probes.
    watched.require(counts.ranges <= 10, || format!("it asked without pause: {counts:?}"));
    watched.finish();
}

/// A page with more keys than were asked for is as good as several.
#[tokio::test]
async fn a_server_may_ignore_the_limit_of_a_page() {
    let cluster = Cluster::new();
    let all = cluster.clone();
    let ignores = Behaviour::honest().range(move |request, mut honest| {
        if is_page(request) {
            honest.kvs = all.range(&RangeRequest { limit: 0, ..request.clone() }).kvs;
            honest.more = false;
        }
        Answer::Send(honest)
    });
    let member = Member::start(&cluster, ignores);
    let store = connect([&member]).await;
    let mut watched = Watched::start_map(&store, &cluster);
    watched.arrives("the first step").await;
    watched.put();
    watched.arrives("the next step").await;
    let counts = member.counts();
    watched.require(counts.connections == 1, || format!("it connected again: {counts:?}"));
    watched.finish();
}

/// The range is to blame, and not the member: another member would not help.
#[tokio::test]
async fn pages_that_are_always_too_large_are_a_refusal_of_the_map() {
    let cluster = Cluster::new();
    let too_large = pages_fail(Code::ResourceExhausted, "message larger than max");
    let member = Member::start(&cluster, too_large);
    let store = connect([&member]).await;
    let mut watched = Watched::start_map(&store, &cluster);
    let map = map_of(&store);
    let is_refused = |health: &Health| {
        health.cause.as_ref().is_some_and(|cause| cause.kind() == CauseKind::TooLarge)
    };
    let mut health = map.health().watch();
    let refused = timeout(BOUND, health.get_if(is_refused)).await.expect("in time").unwrap();
    assert_eq!(refused.state, HealthState::Stalled);
    let before = member.counts();
    sleep(LIVENESS * 3).await;
    let asked = since(before, member.counts());
    watched.require(asked.ranges <= 30, || format!("it asked without pause: {asked:?}"));
    member.behave(Behaviour::honest());
    watched.put();
    watched.arrives("the map of an honest member").await;
    watched.finish();
}

/// An empty key is in no range of etcd's.
#[tokio::test]
async fn a_page_with_a_million_empty_keys_is_a_violation() {
    alone("map_pages::a_page_with_a_million_empty_keys_is_a_violation", async || {
        let cluster = Cluster::new();
        let member = Member::start(&cluster, Behaviour::honest());
        let million = vec![PbKeyValue::default(); 1_000_000];
        member.behave(pages(move |_, page| page.kvs.clone_from(&million)));
        // A page of that size takes a debug build a while.
        let options = Options::new().liveness_timeout(BOUND / 2);
        let store = EtcdStore::connect([member.endpoint()], options).await.unwrap();
        let mut watched = Watched::start_map(&store, &cluster);
        timeout(BOUND, store.health_stalled(CauseKind::ProtocolViolation)).await.expect("in time");
        let before = (member.counts(), resident());
        sleep(LIVENESS * 3).await;
        let asked = since(before.0, member.counts());
        watched.require(asked.ranges <= 5, || format!("it asked without pause: {asked:?}"));
        member.behave(Behaviour::honest());
        watched.put();
        watched.arrives("the map of an honest member").await;
        let grown = resident().saturating_sub(before.1);
        watched.require(grown < 64 << 20, || format!("{grown} bytes are kept"));
        watched.finish();
    })
    .await;
}

/// Pages of one key each, without end: each key is in the range, and after the one before. A map may be as large as that,
/// so its pages are read on, but it is not synced and not live.
#[tokio::test]
async fn endless_pages_are_no_map() {
    let cluster = Cluster::new();
    write_map(&cluster, 1);
    let member = Member::start(
        &cluster,
        pages(|request, page| {
            let last = request.key.strip_prefix(FOLDER.as_bytes()).unwrap_or_default();
            let last = String::from_utf8_lossy(last);
            let last: u64 = last.trim_end_matches('\0').parse().unwrap_or(0);
            page.kvs = vec![in_folder(&format!("{:012}", last + 1))];
            page.more = true;
        }),
    );
    let store = connect([&member]).await;
    let map = map_of(&store);
    let mut snapshot = map.snapshot();
    assert!(timeout(LIVENESS * 4, &mut snapshot).await.is_err(), "it is not synced");
    assert!(member.counts().ranges > 10, "the pages are asked for");
    let health = map.health().get().await.unwrap();
    assert_eq!(health.state, HealthState::Connecting);
    // The same read would believe what it has.
    member.behave(Behaviour::honest());
    member.disconnect();
    let snapshot = timeout(BOUND, snapshot).await.expect("the map of an honest member").unwrap();
    assert_eq!(snapshot.len(), KEYS);
}
