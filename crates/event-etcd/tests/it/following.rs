//! One key on one node, as the original's own suite has it.

use etcd_harness::Cluster;
use event_codec::{DecoderExt, Json, Utf8};
use event_core::{Entry, ErrorKind, ReaderExt, ValueReader, WatcherExt};
use tokio::time::timeout;

use crate::support::{BOUND, delete, next, one_node, put, text, until};

#[tokio::test]
async fn a_value_set_before_watching_is_the_first() {
    let (_cluster, client, store) = one_node().await;
    let revision = put(&client, "key", "a").await;
    let entry = next(&mut store.value("key").watch()).await.unwrap();
    assert_eq!((&entry.key[..], entry.revision()), (&b"key"[..], Some(revision)));
    assert_eq!(entry.value().unwrap(), "a");
}

#[tokio::test]
async fn a_value_set_while_watching_arrives() {
    let (_cluster, client, store) = one_node().await;
    let mut watcher = store.value("key").watch();
    assert_eq!(text(&mut watcher).await, None, "an entry says that there is nothing yet");
    for value in ["a", "b", "c"] {
        put(&client, "key", value).await;
        assert_eq!(text(&mut watcher).await.as_deref(), Some(value));
    }
}

#[tokio::test]
async fn a_typed_watcher_of_a_key_that_is_not_there_waits_for_it() {
    let (_cluster, client, store) = one_node().await;
    let value = store.value("key").decode(Utf8);
    let (mut early, other) = (value.watch(), put(&client, "another", "x"));
    other.await;
    store.value("key").refresh().await.unwrap();
    assert!(early.try_get().is_none(), "never there: a decoder without a default waits");
    put(&client, "key", "a").await;
    assert_eq!(next(&mut early).await.unwrap(), "a");
}

#[tokio::test]
async fn a_deletion_and_a_new_creation_are_versions() {
    let (_cluster, client, store) = one_node().await;
    put(&client, "key", "a").await;
    let mut watcher = store.value("key").decode(Utf8).watch();
    let mut optional = store.value("key").decode(Utf8.optional()).watch();
    assert_eq!(next(&mut watcher).await.unwrap(), "a");
    assert_eq!(next(&mut optional).await.unwrap().as_deref(), Some("a"));
    let revision = delete(&client, "key").await;
    let error = next(&mut watcher).await.unwrap_err();
    assert_eq!((error.kind(), error.revision()), (ErrorKind::Deleted, Some(revision)));
    assert_eq!(next(&mut optional).await.unwrap(), None);
    // E6: the same value, and the key's own version starts at 1 again.
    put(&client, "key", "a").await;
    assert_eq!(next(&mut watcher).await.unwrap(), "a");
    assert_eq!(next(&mut optional).await.unwrap().as_deref(), Some("a"));
}

#[tokio::test]
async fn a_key_that_was_deleted_before_it_is_watched_is_never_seen() {
    let (_cluster, client, store) = one_node().await;
    put(&client, "key", "a").await;
    assert_eq!(next(&mut store.value("key").watch()).await.unwrap().value().cloned().unwrap(), "a");
    delete(&client, "key").await;
    let entry = next(&mut store.value("key").watch()).await.unwrap();
    assert_eq!(entry, Entry::never_seen("key"), "nothing was seen of it by this watch");
}

#[tokio::test]
async fn a_put_between_the_read_and_the_watch_is_not_lost() {
    let (_cluster, client, store) = one_node().await;
    for round in 0..100 {
        let key = format!("key-{round}");
        let mut watcher = store.value(&key).watch();
        let writes = async {
            for value in 0..=(round % 7) {
                put(&client, &key, value.to_string()).await;
            }
        };
        let last = (round % 7).to_string();
        tokio::join!(writes, until(&mut watcher, &last));
    }
}

#[tokio::test]
async fn of_a_thousand_puts_that_nobody_reads_the_last_one_arrives() {
    let (_cluster, client, store) = one_node().await;
    let mut watcher = store.value("key").watch();
    assert_eq!(text(&mut watcher).await, None);
    for i in 0..=1000 {
        put(&client, "key", i.to_string()).await;
    }
    store.value("key").refresh().await.unwrap();
    assert_eq!(text(&mut watcher).await.as_deref(), Some("1000"), "at once, with none in between");
    assert!(watcher.try_get().is_none());
}

#[tokio::test]
async fn after_a_refresh_a_get_reflects_what_another_member_took() {
    let cluster = Cluster::start(3).await;
    let (reads, writes) = (cluster.follower().await, cluster.leader().await);
    let (store, client) = (crate::support::store([reads.endpoint()]).await, writes.client().await);
    let value = store.value("key");
    let mut watchers = [value.watch(), value.watch()];
    for round in 0..100 {
        put(&client, "key", round.to_string()).await;
        timeout(BOUND, value.refresh()).await.expect("it does not hang").unwrap();
        for watcher in &mut watchers {
            let newest = watcher.try_get().expect("at once").unwrap().value().cloned().unwrap();
            assert_eq!(newest, round.to_string().as_bytes());
        }
    }
}

#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
struct Config {
    limit: u32,
}

#[tokio::test]
async fn what_a_decoder_refuses_is_an_error_once_and_the_next_good_version_arrives() {
    let (_cluster, client, store) = one_node().await;
    let sane = |config: &Config| if config.limit < 100 { Ok(()) } else { Err("limit is above 99") };
    let config =
        store.namespace("app/").value("config").decode(Json::<Config>::new().validate(sane));
    let mut watcher = config.watch();
    for (value, wanted) in [
        (r#"{"limit": 1}"#, Ok(Config { limit: 1 })),
        (r#"{"limit": "many"}"#, Err(ErrorKind::Decode)),
        (r#"{"limit": 2}"#, Ok(Config { limit: 2 })),
        (r#"{"limit": 200}"#, Err(ErrorKind::Invalid)),
        ("{", Err(ErrorKind::Decode)),
        (r#"{"limit": 3}"#, Ok(Config { limit: 3 })),
    ] {
        put(&client, "app/config", value).await;
        let version = next(&mut watcher).await;
        if let Err(error) = &version {
            assert_eq!(error.key(), Some(&b"app/config"[..]), "the full key");
            assert!(!format!("{error:?}").contains("many"), "{error:?}");
        }
        assert_eq!(version.map_err(|error| error.kind()), wanted, "{value}");
    }
}

#[tokio::test]
async fn a_pending_get_that_is_dropped_loses_nothing() {
    let (_cluster, client, store) = one_node().await;
    let mut watcher = store.value("key").watch();
    assert_eq!(text(&mut watcher).await, None);
    for i in 0..50 {
        // The put is on its way while the get is polled and dropped.
        tokio::select! {
            biased;
            entry = watcher.get() => panic!("nothing was put: {entry:?}"),
            () = std::future::ready(()) => {}
        }
        put(&client, "key", i.to_string()).await;
        assert_eq!(text(&mut watcher).await, Some(i.to_string()));
    }
}

#[tokio::test]
async fn a_namespace_is_a_view_and_views_nest() {
    let (_cluster, client, store) = one_node().await;
    put(&client, "/app/eu/port", "80").await;
    for view in [store.namespace("/app/eu/"), store.namespace("/app/").namespace("eu/")] {
        let entry = next(&mut view.value("port").watch()).await.unwrap();
        assert_eq!(entry.key, "/app/eu/port", "the full key");
        assert_eq!(entry.value().unwrap(), "80");
    }
}

#[tokio::test]
async fn a_client_that_the_program_has_serves_too() {
    let (_cluster, client, _) = one_node().await;
    put(&client, "key", "a").await;
    let store = event_etcd::EtcdStore::from_client(client.clone()).unwrap();
    let mut watcher = store.value("key").watch();
    assert_eq!(text(&mut watcher).await.as_deref(), Some("a"));
    put(&client, "key", "b").await;
    assert_eq!(text(&mut watcher).await.as_deref(), Some("b"));
}

#[tokio::test]
async fn a_watcher_goes_on_when_the_handles_that_made_it_are_gone() {
    let (_cluster, client, store) = one_node().await;
    let mut watcher = store.value("key").watch();
    drop(store);
    put(&client, "key", "a").await;
    until(&mut watcher, "a").await;
}

#[tokio::test]
async fn a_store_that_is_closed_ends_its_watchers_and_starts_none() {
    let (_cluster, client, store) = one_node().await;
    put(&client, "key", "a").await;
    let (mut ahead, mut behind) = (store.value("key").watch(), store.value("key").watch());
    assert_eq!(text(&mut ahead).await.as_deref(), Some("a"));
    store.close();
    assert!(next(&mut ahead).await.unwrap_err().is_closed());
    assert_eq!(text(&mut behind).await.as_deref(), Some("a"), "the last version first");
    assert!(next(&mut behind).await.unwrap_err().is_closed());
    let mut late = store.value("key").watch();
    assert!(next(&mut late).await.unwrap_err().is_closed());
    let refresh = timeout(BOUND, store.value("key").refresh()).await.expect("it does not hang");
    assert!(refresh.unwrap_err().is_closed());
}

#[test]
fn watchers_end_with_the_runtime_that_the_store_lives_in() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    };
    let (inside, outside) = (runtime(), runtime());
    let (cluster, client, store) = outside.block_on(one_node());
    let theirs = inside.block_on(crate::support::store(cluster.endpoints()));
    drop(store);
    let mut watcher = theirs.value("key").watch();
    outside.block_on(async {
        put(&client, "key", "a").await;
        until(&mut watcher, "a").await;
    });
    drop(inside);
    outside.block_on(async {
        let end = next(&mut watcher).await.unwrap_err();
        assert!(end.is_closed() && end.to_string().contains("runtime of the store ended"), "{end}");
        assert!(next(&mut watcher).await.unwrap_err().is_closed());
    });
}
