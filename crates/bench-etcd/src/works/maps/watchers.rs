//! From before a put until all of 1000 watchers of its map have the change, each in a task of its own.
//!
//! The floor is the fan-out of a map in memory to as many tasks, and the time from a put to one watcher. The peer is
//! what one would write by hand: one watch, whose changes are sent on a `tokio::sync::broadcast`.

use std::sync::Arc;
use std::time::Instant;

use etcd_client::{Client, WatchOptions};
use event_core::{Bytes, Change, MapReader, MapWatcherExt, MemoryMap};
use event_etcd::{EtcdStore, Options};
use measure::{Role, median};
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use crate::board::Board;
use crate::keys::value;
use crate::run::Run;
use crate::server::Server;
use crate::works::put_to_get::Follower;

const WORK: &str = "a map, a put until all watchers have it";
const BYTES: usize = 100;
const KEY: &str = "key";
/// What the channel by hand holds for a slow watcher.
const BUFFER: usize = 1024;

/// Watchers that are told of each change.
struct Audience {
    who: (&'static str, Role),
    source: Source,
    board: Arc<Board>,
    times: Vec<f64>,
    tasks: JoinSet<()>,
}

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
    let upstream = server.watches().await;
    let mut audiences = [ours, by_hand(&server, watchers).await, in_memory(watchers)];
    for audience in &mut audiences {
        audience.tell(&server, 1).await;
        audience.times.clear();
    }
    let mut one = Follower::ours(&server, "one").await;
    let mut alone = Vec::new();
    for round in 0..rounds {
        for at in 0..audiences.len() {
            let at = (at + round as usize) % audiences.len();
            audiences[at].tell(&server, 2 + round).await;
        }
        alone.push(one.median(&server, 5).await / 1e3);
    }
    let size = Some(watchers);
    for audience in &mut audiences {
        // All that is in memory lacks the put.
        let put = match audience.source {
            Source::Folder(_) => 0.0,
            Source::Memory(_) => median(&mut alone),
        };
        run.add_as(WORK, size, audience.who, median(&mut audience.times) + put, "ms");
    }
    let ours = ("ours", Role::Ours);
    run.add_as("a map, watches at the server", size, ours, upstream, "");
}

impl Audience {
    fn new(who: (&'static str, Role), source: Source, watchers: usize) -> Self {
        let board = Arc::new(Board::new(watchers));
        Self { who, source, board, times: Vec::new(), tasks: JoinSet::new() }
    }

    /// Makes a version, and waits until all have it.
    async fn tell(&mut self, server: &Server, generation: u32) {
        self.board.want(generation);
        let version = value(generation, BYTES);
        let start = Instant::now();
        match &self.source {
            Source::Folder(folder) => {
                let key = format!("{folder}{KEY}");
                server.writer.kv_client().put(key, version, None).await.expect("a put");
            }
            Source::Memory(map) => map.insert(KEY.into(), version.into()),
        }
        self.board.complete().await;
        self.times.push(start.elapsed().as_secs_f64() * 1e3);
    }
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
