//! A key that is written so often while its stream stands still that the server has to replay (E9).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use etcd_client::Client;
use etcd_harness::{Cluster, Proxy};
use event_core::ValueReader;
use event_etcd::{EtcdStore, Options};

use crate::support::{BOUND, put, until};

/// The server replays 1000 puts each 100 ms: these take two seconds, and so does a value after them.
const PUTS: u64 = 20_000;
/// Far less than that, and far more than it takes.
const SOON: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn the_last_of_many_values_and_the_next_one_arrive_before_the_server_could_replay_the_others()
{
    let cluster = Cluster::start(1).await;
    let proxy = Proxy::start(cluster.node(0).address());
    let client = cluster.client().await;
    // However long the puts take, the connection is kept.
    let options = Options::new().liveness_timeout(BOUND * 3);
    let store = EtcdStore::connect([proxy.endpoint()], options).await.unwrap();
    let mut watcher = store.value("key").watch();
    put(&client, "key", "first").await;
    until(&mut watcher, "first").await;
    proxy.hold();
    put_many(&client, PUTS).await;
    put(&client, "key", "last").await;
    proxy.release();
    let took = until(&mut watcher, "last").await;
    assert!(took < SOON, "the last value took {took:?}");
    put(&client, "key", "next").await;
    let took = until(&mut watcher, "next").await;
    assert!(took < SOON, "the next value took {took:?}");
}

/// Puts so often, many at once.
async fn put_many(client: &Client, puts: u64) {
    let left = Arc::new(AtomicU64::new(puts));
    let writers: Vec<_> = (0..128)
        .map(|_| {
            let (client, left) = (client.clone(), Arc::clone(&left));
            tokio::spawn(async move {
                let take = |left: u64| left.checked_sub(1);
                while let Ok(number) = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                {
                    put(&client, "key", number.to_string()).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("a put is taken");
    }
}
