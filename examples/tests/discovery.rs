//! The example `discovery`: instances with leases in a real etcd, and a client that balances over them.

#[path = "../discovery/balance.rs"]
mod balance;
#[path = "../discovery/instance.rs"]
mod instance;
#[path = "../discovery/register.rs"]
mod register;

use std::collections::BTreeSet;
use std::time::Duration;

use etcd_harness::{Cluster, eventually};
use event_core::adapters::CurrentMap;
use event_core::{BoxMapReader, Bytes, MapReaderExt};
use event_etcd::{EtcdStore, Options};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use balance::{balanced, call, instances};
use instance::serve;
use register::Registration;

const BOUND: Duration = Duration::from_secs(20);
/// In seconds: the server may take it for more, as it does not go below the time of an election.
const TTL: i64 = 2;

/// An instance in this program.
struct Instance {
    tasks: Vec<JoinHandle<()>>,
    leave: oneshot::Sender<()>,
}

impl Instance {
    async fn start(cluster: &Cluster, name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let registration = Registration {
            etcd: cluster.endpoints().join(","),
            key: format!("services/web/{name}"),
            address: listener.local_addr().unwrap().to_string(),
            ttl: TTL,
        };
        let (leave, left) = oneshot::channel();
        let registers = tokio::spawn(async move {
            let mut registered = None;
            tokio::select! {
                () = registration.keep(&mut registered) => {}
                Ok(()) = left => {}
            }
            if let Some(registered) = registered {
                registered.leave().await.unwrap();
            }
        });
        let serves = tokio::spawn(async move { serve(listener, name).await });
        Self { tasks: vec![registers, serves], leave }
    }

    /// Its key stays until its lease ends.
    fn kill(self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn live(current: &CurrentMap<Bytes, String>, names: &[&str]) {
    let are_live = async || {
        let snapshot = current.snapshot();
        snapshot.iter().map(|(key, _)| &key[..]).eq(names.iter().map(|name| name.as_bytes()))
    };
    eventually(BOUND, "the list of live instances is right", are_live).await;
}

/// Calls fifty times, and expects an answer of each of these and of no other.
async fn answered_by(instances: &BoxMapReader<Bytes, String>, names: &[&str]) {
    let mut service = balanced(instances);
    let mut answered = BTreeSet::new();
    for _ in 0..50 {
        // An instance that is gone may be listed until its lease ends.
        let answer = timeout(BOUND, call(&mut service)).await;
        answered.extend(answer.expect("an instance is there"));
    }
    assert!(answered.iter().eq(names), "{answered:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_has_those_that_are_live_through_death_restart_and_a_lost_lease() {
    let cluster = Cluster::start(1).await;
    let store = EtcdStore::connect(cluster.endpoints(), Options::new()).await.unwrap();
    let web = instances(&store, "web");
    let current = web.current(); // while it lives, the list stays
    let _a = Instance::start(&cluster, "a").await;
    let b = Instance::start(&cluster, "b").await;
    live(&current, &["a", "b"]).await;
    answered_by(&web, &["a", "b"]).await;

    b.kill();
    live(&current, &["a"]).await;
    answered_by(&web, &["a"]).await;

    let node = cluster.node(0);
    node.kill();
    answered_by(&web, &["a"]).await; // the list stays while the server is away
    node.restart().await;
    let c = Instance::start(&cluster, "c").await;
    live(&current, &["a", "c"]).await;

    // The lease of `a` is lost, as after a long partition: it registers again.
    let mut client = cluster.client().await;
    let key = client.get("services/web/a", None).await.unwrap();
    let lease = key.kvs()[0].lease();
    client.lease_revoke(lease).await.unwrap();
    let registered_again = async || {
        let key = client.clone().get("services/web/a", None).await.unwrap();
        key.kvs().first().is_some_and(|kv| kv.lease() != lease)
    };
    eventually(BOUND, "a registers again", registered_again).await;
    live(&current, &["a", "c"]).await;
    answered_by(&web, &["a", "c"]).await;

    c.leave.send(()).unwrap();
    live(&current, &["a"]).await;
}
