//! From before a put until all of many watchers of its key have it, decoded, each in a task of its own.
//!
//! The floor is the cell's own fan-out, to as many tasks, and the time from a put to one watcher. The peer
//! is what one would write by hand: one watch, which decodes and sends on a `tokio::sync::watch`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use etcd_client::{Client, WatchOptions};
use event_codec::Json;
use event_core::{
    Bytes, Decoder, Error, MemoryValue, ReaderExt, ValueReader, ValueWriter, WatcherExt,
};
use event_etcd::{EtcdStore, Options};
use measure::{Role, median};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::run::Run;
use crate::server::Server;
use crate::works::audience;
use crate::works::put_to_get::Follower;

const WORK: &str = "one key, a put until all watchers have it";

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Setting {
    /// Counts the puts, in ten digits, as the board reads it.
    generation: String,
    level: String,
    connections: u32,
}

/// Counts what it decodes.
struct Counting(Json<Setting>, Arc<AtomicU64>);

impl Decoder for Counting {
    type Output = Setting;

    fn decode(&self, bytes: &Bytes) -> Result<Setting, Error> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.decode(bytes)
    }
}

type Audience = audience::Audience<Source>;

/// Where a version comes from.
enum Source {
    /// Is put to this key.
    Key(&'static str),
    Memory(MemoryValue<Setting>),
}

pub(crate) async fn measure(run: &mut Run) {
    let (watchers, rounds) = (run.size(10_000, 1000), run.size(50_u32, 5));
    let server = Server::start().await;
    let decodes = Arc::new(AtomicU64::new(0));
    let ours = ours(&server, watchers, &decodes).await;
    let mut audiences = [ours, by_hand(&server, watchers).await, in_memory(watchers)];
    for audience in &audiences {
        audience.board.complete().await;
    }
    decodes.store(0, Ordering::Relaxed);
    let mut one = Follower::ours(&server, "one").await;
    let mut alone = Vec::new();
    for round in 0..rounds {
        for at in 0..audiences.len() {
            let at = (at + round as usize) % audiences.len();
            publish(&mut audiences[at], &server, 2 + round).await;
        }
        alone.push(one.median(&server, 10).await / 1e3);
    }

    let size = Some(watchers);
    for audience in &mut audiences {
        let put = match audience.source {
            Source::Key(_) => 0.0,
            Source::Memory(_) => median(&mut alone),
        };
        audience.report(run, WORK, watchers, put);
    }
    let ours = ("ours", Role::Ours);
    // One is the loop's by hand, one that of the follower that is alone.
    let upstream = server.watches().await - 2.0;
    let count = u32::try_from(decodes.load(Ordering::Relaxed)).map_or(f64::NAN, f64::from);
    run.add_as("one key, decodes a version", size, ours, count / f64::from(rounds), "");
    run.add_as("one key, watches at the server", size, ours, upstream, "");
}

fn watched<R>(mut audience: Audience, value: &R, watchers: usize) -> Audience
where
    R: ValueReader<Setting, Watcher: Send + 'static>,
{
    for at in 0..watchers {
        let (mut watcher, board) = (value.watch(), Arc::clone(&audience.board));
        audience.tasks.spawn(async move {
            while let Ok(setting) = watcher.get().await {
                board.take(at, setting.generation.as_bytes());
            }
        });
    }
    audience
}

async fn publish(audience: &mut Audience, server: &Server, generation: u32) {
    let make = async |source: &Source| match source {
        Source::Key(key) => put(server, key, generation).await,
        Source::Memory(value) => value.set(setting(generation)),
    };
    audience.publish(generation, make).await;
}

async fn ours(server: &Server, watchers: usize, decodes: &Arc<AtomicU64>) -> Audience {
    put(server, "ours", 1).await;
    let store = EtcdStore::connect([server.endpoint()], Options::new()).await.expect("a store");
    let value = store.value("ours").decode(Counting(Json::new(), Arc::clone(decodes)));
    let audience = Audience::new(("ours", Role::Ours), Source::Key("ours"), watchers);
    watched(audience, &value, watchers)
}

fn in_memory(watchers: usize) -> Audience {
    let value = MemoryValue::new(setting(1));
    let reader = value.reader();
    let who = ("the cell's fan-out + one put", Role::Floor);
    watched(Audience::new(who, Source::Memory(value), watchers), &reader, watchers)
}

async fn by_hand(server: &Server, watchers: usize) -> Audience {
    put(server, "raw", 1).await;
    let who = ("raw, tokio::sync::watch", Role::Peer);
    let mut audience = Audience::new(who, Source::Key("raw"), watchers);
    let mut client = Client::connect([server.endpoint()], None).await.expect("a client");
    let got = client.get("raw", None).await.expect("a read");
    let start = got.header().expect("a header").revision() + 1;
    let first = serde_json::from_slice(got.kvs()[0].value()).expect("a setting");
    let options = WatchOptions::new().with_start_revision(start);
    let mut stream = client.watch("raw", Some(options)).await.expect("a watch");
    let (sender, receiver) = watch::channel::<Setting>(first);
    for watcher in 0..watchers {
        let (mut receiver, board) = (receiver.clone(), Arc::clone(&audience.board));
        receiver.mark_changed();
        audience.tasks.spawn(async move {
            while receiver.changed().await.is_ok() {
                let setting = receiver.borrow_and_update().clone();
                board.take(watcher, setting.generation.as_bytes());
            }
        });
    }
    audience.tasks.spawn(async move {
        while let Ok(Some(response)) = stream.message().await {
            if let Some(kv) = response.events().last().and_then(etcd_client::Event::kv) {
                sender.send_replace(serde_json::from_slice(kv.value()).expect("a setting"));
            }
        }
    });
    audience
}

async fn put(server: &Server, key: &str, generation: u32) {
    let document = serde_json::to_vec(&setting(generation)).expect("a setting is JSON");
    server.writer.kv_client().put(key, document, None).await.expect("a put");
}

fn setting(generation: u32) -> Setting {
    let generation = format!("{generation:010}");
    Setting { generation, level: "debug".to_owned(), connections: 100 }
}
