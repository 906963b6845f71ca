//! From before a lease with 1000 keys is revoked until its follower has all deletes, and in how many batches.
//!
//! The end of a lease deletes all its keys in one revision. By hand, nothing but the last event shows that these were
//! all.

use std::time::Instant;

use etcd_client::{Client, EventType, PutOptions, TxnOp, WatchOptions};
use event_core::{Change, MapReader, MapWatcherExt};
use event_etcd::{EtcdStore, Options};
use measure::{Role, median};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::count;
use crate::run::Run;
use crate::server::Server;

const SECONDS: i64 = 600;
const BATCH: usize = 100;

/// Changes of a kind that came at once: how many, whether they are deletes, and when.
type Batch = (usize, bool, Instant);

/// A follower of a folder of its own.
struct Follower {
    who: (&'static str, Role),
    folder: &'static str,
    batches: mpsc::Receiver<Batch>,
    times: Vec<f64>,
    steps: Vec<f64>,
    _tasks: JoinSet<()>,
}

pub(crate) async fn measure(run: &mut Run) {
    let (keys, rounds) = (run.size(1000, 100), run.size(21, 3));
    let server = Server::start().await;
    let mut followers = [
        Follower::ours(&server, "one/").await,
        Follower::raw(&server, "raw, its last event", "two/").await,
        Follower::raw(&server, "raw, its last event, again", "three/").await,
    ];
    for round in 0..rounds {
        for at in 0..followers.len() {
            let at = (at + round) % followers.len();
            followers[at].end(&server, keys).await;
        }
    }
    for follower in &mut followers {
        let work = "the end of a lease, until all deletes are seen";
        run.add_as(work, Some(keys), follower.who, median(&mut follower.times), "ms");
    }
    for follower in &mut followers {
        let work = "the end of a lease, in batches";
        run.add_as(work, Some(keys), follower.who, median(&mut follower.steps), "");
    }
}

impl Follower {
    async fn ours(server: &Server, folder: &'static str) -> Self {
        let store = EtcdStore::connect([server.endpoint()], Options::new()).await.expect("a store");
        let mut watcher = store.map(folder).watch();
        watcher.wait_until_synced().await.expect("the map is read");
        let (sender, batches) = mpsc::channel(16);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok(batch) = watcher.changes().await {
                let are_deletes = matches!(batch.first(), Some(Change::Delete { .. }));
                if sender.send((batch.len(), are_deletes, Instant::now())).await.is_err() {
                    return;
                }
            }
        });
        Self::new(("ours", Role::Ours), folder, batches, tasks)
    }

    async fn raw(server: &Server, who: &'static str, folder: &'static str) -> Self {
        let mut client = Client::connect([server.endpoint()], None).await.expect("a client");
        let options = WatchOptions::new().with_prefix();
        let mut stream = client.watch(folder, Some(options)).await.expect("a watch");
        let (sender, batches) = mpsc::channel(16);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok(Some(response)) = stream.message().await {
                let events = response.events();
                let Some(first) = events.first() else { continue };
                let are_deletes = first.event_type() == EventType::Delete;
                if sender.send((events.len(), are_deletes, Instant::now())).await.is_err() {
                    return;
                }
            }
        });
        Self::new((who, Role::Peer), folder, batches, tasks)
    }

    fn new(
        who: (&'static str, Role),
        folder: &'static str,
        batches: mpsc::Receiver<Batch>,
        tasks: JoinSet<()>,
    ) -> Self {
        Self { who, folder, batches, times: Vec::new(), steps: Vec::new(), _tasks: tasks }
    }

    /// Puts so many keys with a lease, and ends it once they are seen.
    async fn end(&mut self, server: &Server, keys: usize) {
        let mut lease = server.writer.lease_client();
        let id = lease.grant(SECONDS, None).await.expect("a lease").id();
        for first in (0..keys).step_by(BATCH) {
            let put = |key| {
                let options = PutOptions::new().with_lease(id);
                TxnOp::put(format!("{}{key:08}", self.folder), vec![b'v'; 100], Some(options))
            };
            let txn = (first..keys.min(first + BATCH)).map(put).collect::<Vec<_>>();
            let txn = etcd_client::Txn::new().and_then(txn);
            server.writer.kv_client().txn(txn).await.expect("a transaction");
        }
        self.take(keys, false).await;
        let start = Instant::now();
        lease.revoke(id).await.expect("the lease ends");
        let (last, batches) = self.take(keys, true).await;
        self.times.push(last.saturating_duration_since(start).as_secs_f64() * 1e3);
        self.steps.push(count(batches));
    }

    /// Waits for so many changes of a kind. Returns when the last came, and in how many batches they were.
    async fn take(&mut self, keys: usize, are_deletes: bool) -> (Instant, usize) {
        let (mut taken, mut batches) = (0, 0);
        loop {
            let (changes, is_kind, at) = self.batches.recv().await.expect("the follower goes on");
            if is_kind == are_deletes {
                taken += changes;
                batches += 1;
            }
            if taken >= keys {
                return (at, batches);
            }
        }
    }
}
