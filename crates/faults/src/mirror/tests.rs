//! Maps that are wrong: each has to be noticed.

use std::task::{Context, Poll};

use etcd_harness::Cluster;
use event_core::{Error, MapReader, MemoryStore, StoreExt};

use super::*;

const FOLDER: &str = "map/";
const SOON: Duration = Duration::from_secs(5);

type Changes = Poll<Result<Change<Bytes, Entry>, Error>>;

/// A watcher of which some changes are dropped.
struct Without<W> {
    watcher: W,
    drops: fn(&Change<Bytes, Entry>) -> bool,
}

impl<W: MapWatcher<Bytes, Entry>> MapWatcher<Bytes, Entry> for Without<W> {
    fn poll_change(&mut self, cx: &mut Context<'_>) -> Changes {
        loop {
            match self.watcher.poll_change(cx) {
                Poll::Ready(Ok(change)) if (self.drops)(&change) => {}
                other => return other,
            }
        }
    }
}

/// A watcher that says after each change that it has no more.
struct OneByOne<W> {
    watcher: W,
    pauses: bool,
}

impl<W: MapWatcher<Bytes, Entry>> MapWatcher<Bytes, Entry> for OneByOne<W> {
    fn poll_change(&mut self, cx: &mut Context<'_>) -> Changes {
        self.pauses = !self.pauses;
        if self.pauses {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.watcher.poll_change(cx)
    }
}

fn nothing(_: &Change<Bytes, Entry>) -> bool {
    false
}

/// A store in memory and an etcd, in which the same was written.
struct Both {
    _cluster: Cluster,
    client: Client,
    store: MemoryStore,
}

impl Both {
    async fn start() -> Self {
        let cluster = Cluster::start(1).await;
        let both =
            Self { client: cluster.client().await, _cluster: cluster, store: MemoryStore::new() };
        both.catch_up().await;
        both.put("a", "1").await;
        both.put("b", "1").await;
        both
    }

    /// A new etcd is at revision 1, and a new store in memory at 0.
    async fn catch_up(&self) {
        let put = self.client.kv_client().put("other", "x", None).await.expect("a put");
        let revision = put.header().expect("a header").revision();
        while self.store.set("other", "x").is_some_and(|at| at < revision) {}
    }

    async fn put(&self, key: &str, value: &'static str) {
        let key = format!("{FOLDER}{key}");
        self.client.kv_client().put(key.as_str(), value, None).await.expect("a put");
        self.store.set(key, value);
    }

    async fn delete(&self, key: &str) {
        let key = format!("{FOLDER}{key}");
        self.client.kv_client().delete(key.as_str(), None).await.expect("a delete");
        self.store.delete(key);
    }

    async fn mirror(&self, drops: fn(&Change<Bytes, Entry>) -> bool) -> Mirror {
        let watcher = Without { watcher: self.store.map("map").watch(), drops };
        let mirror = Mirror::start(watcher);
        assert!(mirror.synced(SOON).await);
        mirror
    }

    async fn differences(&self, mirror: &Mirror) -> usize {
        mirror.differences(&self.client, FOLDER, Duration::from_millis(300)).await
    }
}

#[tokio::test]
async fn a_map_that_is_right_does_not_differ() {
    let both = Both::start().await;
    let mirror = both.mirror(nothing).await;
    both.put("a", "2").await;
    both.delete("b").await;
    both.put("c", "1").await;
    assert_eq!(both.differences(&mirror).await, 0);
}

#[tokio::test]
async fn a_delete_that_is_lost_is_noticed() {
    let both = Both::start().await;
    let mirror = both.mirror(|change| matches!(change, Change::Delete { .. })).await;
    both.delete("b").await;
    assert_eq!(both.differences(&mirror).await, 1);
}

#[tokio::test]
async fn a_put_that_is_lost_is_noticed() {
    let both = Both::start().await;
    let mirror =
        both.mirror(|change| matches!(change, Change::Put { key, .. } if key == "c")).await;
    both.put("c", "1").await;
    assert_eq!(both.differences(&mirror).await, 1);
}

/// The same bytes at another revision: the last put is lost, and only the revision shows it.
#[tokio::test]
async fn a_version_that_is_lost_is_noticed() {
    let both = Both::start().await;
    let mirror = both.mirror(nothing).await;
    let put = both.client.kv_client().put(format!("{FOLDER}a"), "1", None).await;
    put.expect("a put");
    assert_eq!(both.differences(&mirror).await, 1);
}

#[tokio::test]
async fn a_map_that_is_never_synced_is_noticed() {
    let both = Both::start().await;
    let watcher =
        Without { watcher: both.store.map("map").watch(), drops: |change| change.is_synced() };
    let mirror = Mirror::start(watcher);
    assert_eq!(both.differences(&mirror).await, 1);
}

fn put_group(store: &MemoryStore, value: &'static str) {
    store.apply(|step| {
        for key in group(7) {
            step.set(format!("{FOLDER}{key}"), value);
        }
    });
}

async fn halves_of(
    watcher: impl MapWatcher<Bytes, Entry> + Send + 'static,
    store: &MemoryStore,
) -> u64 {
    let mirror = Mirror::start(watcher);
    assert!(mirror.synced(SOON).await);
    put_group(store, "1");
    put_group(store, "2");
    store.set(mark(FOLDER), "1");
    assert!(mirror.marked(1, SOON).await.is_some());
    mirror.figures().halves
}

#[tokio::test]
async fn whole_steps_are_whole() {
    let store = MemoryStore::new();
    assert_eq!(halves_of(store.map("map").watch(), &store).await, 0);
}

#[tokio::test]
async fn half_a_step_is_noticed() {
    let store = MemoryStore::new();
    let watcher = OneByOne { watcher: store.map("map").watch(), pauses: false };
    assert!(halves_of(watcher, &store).await > 0);
}

/// One of the group's keys is missing for ever.
#[tokio::test]
async fn a_group_in_part_is_noticed() {
    let store = MemoryStore::new();
    let drops = |change: &Change<Bytes, Entry>| match change {
        Change::Put { key, .. } => key == group(7)[2].as_bytes(),
        _ => false,
    };
    let watcher = Without { watcher: store.map("map").watch(), drops };
    assert!(halves_of(watcher, &store).await > 0);
}

#[test]
fn an_older_version_is_noticed() {
    let mut seen = Seen::default();
    let put = |revision| {
        let key = Bytes::from_static(b"key");
        let value = Entry::present(key.clone(), revision, Bytes::from_static(b"value"));
        Change::Put { key, value }
    };
    seen.take(vec![put(5)]);
    seen.take(vec![Change::Delete { key: Bytes::from_static(b"key") }]);
    assert_eq!(seen.figures.backward, 0);
    seen.take(vec![put(4)]);
    assert_eq!(seen.figures.backward, 1);
}
