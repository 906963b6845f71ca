//! From before a put until all of 1000 watchers of its map have the change, each in a task of its own.
//!
//! The floor is the fan-out of a map in memory to as many tasks, and the time from a put to one watcher. The peer is
//! what one would write by hand: one watch, whose changes are sent on a `tokio::sync::broadcast`.

use std::sync::Arc;

use etcd_client::{Client, WatchOptions};
use event_core::{Bytes, Change, MapReader, MapWatcherExt, MemoryMap};
use event_etcd::{EtcdStore, Options};
use measure::{Role, median};
use tokio::sync::broadcast;

use crate::keys::value;
use crate::run::Run;
use crate::server::Server;
use crate::works::audience;
use crate::works::put_to_get::Follower;

const WORK: &str = "a map, a put until all watchers have it";
const BYTES: usize = 100;
const KEY: &str = "key";
/// What the channel by hand holds for a slow watcher.
const BUFFER: usize = 1024;

type Audience = audience::Audience<Source>;

/// Where a change comes from.
enum Source {
    /// Is put in this folder.
    Folder(&'static str),
    Memory(MemoryMap<Bytes, Bytes>),
}

pub(crate) async fn measure(run: &mut Run) {
    let (watchers, rounds) = (run.size(1000, 100), run.size(200_u32, 5));
    let server = Server::start().await;
    let ours = ours(&server, watchers).await;
    let mut audiences = [ours, by_hand(&server, watchers).await, in_memory(watchers)];
    for audience in &mut audiences {
        publish(audience, &server, 1).await;
        audience.warmed_up();
    }
    let mut one = Follower::ours(&server, "one").await;
    let mut alone = Vec::new();
    for round in 0..rounds {
        for at in 0..audiences.len() {
            let at = (at + round as usize) % audiences.len();
            publish(&mut audiences[at], &server, 2 + round).await;
        }
        alone.push(one.median(&server, 5).await / 1e3);
    }
    let size = Some(watchers);
    for audience in &mut audiences {
        let put = match audience.source {
            Source::Folder(_) => 0.0,
            Source::Memory(_) => median(&mut alone),
        };
        audience.report(run, WORK, watchers, put);
    }
    let ours = ("ours", Role::Ours);
    // One is the loop's by hand, one that of the follower that is alone.
    let upstream = server.watches().await - 2.0;
    run.add_as("a map, watches at the server", size, ours, upstream, "");
}

async fn publish(audience: &mut Audience, server: &Server, generation: u32) {
    let version = value(generation, BYTES);
    let make = async |source: &Source| match source {
        Source::Folder(folder) => {
            let key = format!("{folder}{KEY}");
            server.writer.kv_client().put(key, version, None).await.expect("a put");
        }
        Source::Memory(map) => map.insert(KEY.into(), version.into()),
    };
    audience.publish(generation, make).await;
}

async fn ours(server: &Server, watchers: usize) -> Audience {
    let store = EtcdStore::connect([server.endpoint()], Options::new()).await.expect("a store");
    let map = store.map("ours/");
    let mut audience = Audience::new(("ours", Role::Ours), Source::Folder("ours/"), watchers);
    for at in 0..watchers {
        let (mut watcher, board) = (map.watch(), Arc::clone(&audience.board));
        audience.tasks.spawn(async move {
            while let Ok(change) = watcher.change().await {
                if let Change::Put { value, .. } = change {
                    board.take(at, value.value().map_or(&[][..], |value| value));
                }
            }
        });
    }
    map.watch().wait_until_synced().await.expect("the map is read");
    audience
}

fn in_memory(watchers: usize) -> Audience {
    let map = MemoryMap::new();
    let who = ("a map in memory + one put", Role::Floor);
    let mut audience = Audience::new(who, Source::Memory(map.clone()), watchers);
    for at in 0..watchers {
        let (mut watcher, board) = (map.watch(), Arc::clone(&audience.board));
        audience.tasks.spawn(async move {
            while let Ok(change) = watcher.change().await {
                if let Change::Put { value, .. } = change {
                    board.take(at, &value);
                }
            }
        });
    }
    audience
}

async fn by_hand(server: &Server, watchers: usize) -> Audience {
    let who = ("raw, tokio::sync::broadcast", Role::Peer);
    let mut audience = Audience::new(who, Source::Folder("raw/"), watchers);
    let mut client = Client::connect([server.endpoint()], None).await.expect("a client");
    let options = WatchOptions::new().with_prefix();
    let mut stream = client.watch("raw/", Some(options)).await.expect("a watch");
    let (sender, _) = broadcast::channel::<(Bytes, Bytes)>(BUFFER);
    for at in 0..watchers {
        let (mut receiver, board) = (sender.subscribe(), Arc::clone(&audience.board));
        audience.tasks.spawn(async move {
            while let Ok((_, value)) = receiver.recv().await {
                board.take(at, &value);
            }
        });
    }
    audience.tasks.spawn(async move {
        while let Ok(Some(response)) = stream.message().await {
            for kv in response.0.events.into_iter().filter_map(|event| event.kv) {
                let _ = sender.send((kv.key.into(), kv.value.into())); // all watchers live
            }
        }
    });
    audience
}
