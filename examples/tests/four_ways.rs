//! One piece of code, tested in four ways. `docs/testing.md` shows these programs.

mod shown;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use etcd_harness::{Cluster, eventually};
use event_codec::Json;
use event_core::testing::TestValue;
use event_core::{BoxWatcher, Error, ErrorKind, MemoryValue, ReaderExt, ValueReader, WatcherExt};
use event_etcd::{EtcdStore, Options};

// docs: the code
#[derive(Default)]
struct Pool {
    size: AtomicU32,
    bad_limits: AtomicU32,
}

async fn keep_size(pool: Arc<Pool>, limit: impl ValueReader<u32>) {
    let mut watcher = limit.watch();
    loop {
        match watcher.get().await {
            Ok(limit) => pool.size.store(limit, Ordering::SeqCst),
            Err(error) if error.is_closed() => return,
            Err(_) => _ = pool.bad_limits.fetch_add(1, Ordering::SeqCst),
        }
    }
}
// docs: end

// docs: memory
#[tokio::test]
async fn the_pool_has_the_size_of_the_limit() {
    let (pool, limit) = (Arc::new(Pool::default()), MemoryValue::new(10));
    let reader = limit.reader();
    drop(limit); // the code takes the last version, then the end
    keep_size(Arc::clone(&pool), reader).await;
    assert_eq!(pool.size.load(Ordering::SeqCst), 10);
}

#[tokio::test]
async fn a_bad_limit_is_counted() {
    let (pool, limit) = (Arc::new(Pool::default()), MemoryValue::empty());
    limit.fail(Error::new(ErrorKind::Decode, "expected a number"));
    let reader = limit.reader();
    drop(limit);
    keep_size(Arc::clone(&pool), reader).await;
    assert_eq!(pool.bad_limits.load(Ordering::SeqCst), 1);
}
// docs: end

// docs: by hand
#[tokio::test]
async fn a_bad_limit_changes_nothing() {
    let (pool, limit) = (Arc::new(Pool::default()), TestValue::new());
    let task = tokio::spawn(keep_size(Arc::clone(&pool), limit.reader()));

    limit.publish(10);
    limit.handled().await;
    assert_eq!(pool.size.load(Ordering::SeqCst), 10);

    limit.fail(Error::new(ErrorKind::Decode, "expected a number"));
    limit.handled().await;
    assert_eq!(pool.bad_limits.load(Ordering::SeqCst), 1);
    assert_eq!(pool.size.load(Ordering::SeqCst), 10);

    limit.close();
    task.await.unwrap();
}
// docs: end

// docs: mock
mockall::mock! {
    Limit {}

    impl ValueReader<u32> for Limit {
        type Watcher = BoxWatcher<u32>;
        fn watch(&self) -> BoxWatcher<u32>;
    }
}

#[tokio::test]
async fn the_limit_is_watched_once() {
    let pool = Arc::new(Pool::default());
    let mut limit = MockLimit::new();
    limit.expect_watch().times(1).returning(|| MemoryValue::new(10).watch().boxed());
    keep_size(Arc::clone(&pool), limit).await;
    assert_eq!(pool.size.load(Ordering::SeqCst), 10);
}
// docs: end

// docs: etcd
#[tokio::test]
async fn the_limit_comes_from_etcd() {
    let cluster = Cluster::start(1).await; // a server of its own, which ends with the test
    let store = EtcdStore::connect(cluster.endpoints(), Options::new()).await.unwrap();
    let pool = Arc::new(Pool::default());
    let limit = store.value("limit").decode(Json::<u32>::new());
    let task = tokio::spawn(keep_size(Arc::clone(&pool), limit));

    cluster.client().await.put("limit", "10", None).await.unwrap();
    let has_limit = async || pool.size.load(Ordering::SeqCst) == 10;
    eventually(Duration::from_secs(10), "the pool has the limit", has_limit).await;

    store.close();
    task.await.unwrap();
}
// docs: end

/// The page shows what is tested here, and nothing else.
#[test]
fn the_page_shows_these_programs() {
    let (source, page) = (include_str!("four_ways.rs"), include_str!("../../docs/testing.md"));
    shown::assert_shown(page, source, 5);
}
