//! From before a put until the watcher of its map has the change, one put at a time.

use std::time::Instant;

use etcd_client::{Client, WatchOptions};
use event_core::{Change, MapReader, MapWatcherExt};
use event_etcd::{EtcdStore, Options};
use measure::Role;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::keys::generation;
use crate::maps::keys::{self, PREFIX};
use crate::run::Run;
use crate::server::Server;
use crate::works::put_to_get::{Follower, compare};

pub(crate) async fn measure(run: &mut Run) {
    let (keys, rounds, puts) = (run.size(100_000, 1000), run.size(12, 3), run.size(300, 50));
    let server = Server::start().await;
    keys::write_all(&server.writer, keys, 1).await;
    let mut followers = [
        ours(&server, 1).await,
        raw(&server, "raw, a watch of the range", 2).await,
        raw(&server, "raw, a watch of the range, again", 3).await,
    ];
    compare(run, &server, "put to change of a map", (rounds, puts), &mut followers).await;
}

/// All of them follow all keys, and each looks for a key of its own.
async fn ours(server: &Server, key: usize) -> Follower {
    let store = EtcdStore::connect([server.endpoint()], Options::new()).await.expect("a store");
    let mut watcher = store.map(PREFIX).watch();
    watcher.wait_until_synced().await.expect("the map is read");
    let (sender, seen) = mpsc::channel(16);
    let name = keys::name(key);
    let relative = name[PREFIX.len()..].to_owned();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok(change) = watcher.change().await {
            let Change::Put { key, value } = change else { continue };
            if key != relative.as_bytes() {
                continue;
            }
            let generation = value.value().map_or(0, |value| generation(value));
            if sender.send((generation, Instant::now())).await.is_err() {
                return;
            }
        }
    });
    Follower::new("ours", Role::Ours, &name, seen, tasks).followed(server).await
}

async fn raw(server: &Server, who: &'static str, key: usize) -> Follower {
    let mut client = Client::connect([server.endpoint()], None).await.expect("a client");
    let options = WatchOptions::new().with_prefix();
    let mut stream = client.watch(PREFIX, Some(options)).await.expect("a watch");
    let (sender, seen) = mpsc::channel(16);
    let name = keys::name(key);
    let own = name.clone();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok(Some(response)) = stream.message().await {
            for kv in response.events().iter().filter_map(etcd_client::Event::kv) {
                let is_own = kv.key() == own.as_bytes();
                let seen = (generation(kv.value()), Instant::now());
                if is_own && sender.send(seen).await.is_err() {
                    return;
                }
            }
        }
    });
    Follower::new(who, Role::Peer, &name, seen, tasks).followed(server).await
}
