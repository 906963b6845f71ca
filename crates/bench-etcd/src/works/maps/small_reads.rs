//! How long a read of another key takes while a map is loaded on the same connection.
//!
//! The floor is the same read while nothing is loaded. By hand, the range is read in one answer.

use std::fmt::Debug;
use std::time::Instant;

use etcd_client::{Client, GetOptions};
use event_core::{MapReader, MapWatcherExt, ReaderExt, ValueReader};
use event_etcd::{EtcdStore, Options};
use measure::{Role, percentile};

use crate::maps::keys::{self, PREFIX};
use crate::run::Run;
use crate::server::Server;

const OTHER: &str = "other";

pub(crate) async fn measure(run: &mut Run) {
    let (keys, rounds) = (run.size(100_000, 1000), run.size(10, 2));
    let server = Server::start().await;
    keys::write_all(&server.writer, keys, 1).await;
    server.writer.kv_client().put(OTHER, "x", None).await.expect("a put");
    let (mut ours, mut raw, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        beside_ours(&server, &mut ours).await;
        by_hand(&server, &mut raw, &mut alone).await;
    }
    for (percent, name) in [(50, "median"), (99, "p99"), (100, "longest")] {
        let work = format!("a read of another key while a map is loaded, {name}");
        for (who, times) in [
            (("ours", Role::Ours), &mut ours),
            (("raw, one read", Role::Peer), &mut raw),
            (("while nothing is loaded", Role::Floor), &mut alone),
        ] {
            run.add_as(&work, Some(keys), who, percentile(times, percent), "ms");
        }
    }
}

async fn beside_ours(server: &Server, times: &mut Vec<f64>) {
    let store = EtcdStore::connect([server.endpoint()], Options::new()).await.expect("a store");
    let other = store.value(OTHER);
    let _watched = other.watch();
    other.get().await.expect("the key is read");
    let mut map = store.map(PREFIX).watch();
    let loading = tokio::spawn(async move { map.wait_until_synced().await });
    while !loading.is_finished() {
        timed(times, other.refresh()).await;
    }
    loading.await.expect("no panic").expect("the map is read");
}

async fn by_hand(server: &Server, times: &mut Vec<f64>, alone: &mut Vec<f64>) {
    let client = Client::connect([server.endpoint()], None).await.expect("a client");
    let mut other = client.kv_client();
    let mut all = client.kv_client().max_decoding_message_size(usize::MAX);
    for _ in 0..100 {
        timed(alone, other.get(OTHER, None)).await;
    }
    let options = GetOptions::new().with_prefix();
    let loading = tokio::spawn(async move { all.get(PREFIX, Some(options)).await });
    while !loading.is_finished() {
        timed(times, other.get(OTHER, None)).await;
    }
    loading.await.expect("no panic").expect("the range is read");
}

async fn timed<T, E: Debug>(times: &mut Vec<f64>, read: impl Future<Output = Result<T, E>>) {
    let start = Instant::now();
    read.await.expect("the key is read");
    times.push(start.elapsed().as_secs_f64() * 1e3);
}
