//! 100,000 puts on one key while nobody looks; then, from the waking until the last value is taken.
//!
//! Asleep is a watcher that is not polled, by hand a stream that is not read; or a connection that is
//! held back meanwhile, and the waking is its release. There ours is measured with a detection bound
//! longer than the sleep too, for the connection to live and the store to overtake what is in it; with
//! the default bound the store has given it up, and connects anew.
//!
//! All sleep through the same puts, and wake one after the other.
//!
//! By hand a stream that is not read does not last: the HTTP/2 library ends the whole connection when too
//! many small frames lie unread (`too_many_data_frames`). So that one connects anew, reads and watches,
//! as the loop of the other works does; how often is told.

use std::time::{Duration, Instant};

use etcd_client::{Client, Error, WatchOptions, WatchStream};
use etcd_harness::Proxy;
use event_core::{ValueReader, WatcherExt};
use event_etcd::{EtcdStore, Options, UpstreamWatcher};
use futures_util::stream::{self, StreamExt};
use measure::{Role, median};
use tokio::time::{sleep, timeout};

use crate::keys;
use crate::run::Run;
use crate::server::Server;

const KEY: &str = "key";
const BYTES: usize = 16;
const BOUND: Duration = Duration::from_secs(120);
const PATIENT: Duration = Duration::from_secs(300);
const UNDER_WAY: usize = 64;
/// The default bound of detection is 5 s: a sleep that is longer, whatever the puts take.
const SLEEP: Duration = Duration::from_secs(8);
/// How long the loop by hand waits before it connects again.
const PAUSE: Duration = Duration::from_millis(10);

/// A sleeper, and the proxy that holds its connection back.
struct Sleeper {
    held: bool,
    who: (&'static str, Role),
    proxy: Proxy,
    kind: Kind,
    times: Vec<f64>,
    /// How often it had to connect anew.
    lost: u32,
}

enum Kind {
    Ours(UpstreamWatcher),
    Raw(Box<WatchStream>, String),
}

pub(crate) async fn measure(run: &mut Run) {
    let (puts, rounds) = (run.size(100_000, 2000), run.size(3, 1));
    let server = Server::start().await;
    let mut last = 1;
    put(&server.writer, last).await;
    let mut sleepers = [
        Sleeper::ours(&server, "ours", false, Options::new()).await,
        Sleeper::raw(&server, false).await,
        Sleeper::ours(
            &server,
            "ours, connection kept",
            true,
            Options::new().liveness_timeout(PATIENT),
        )
        .await,
        Sleeper::ours(&server, "ours, default bound", true, Options::new()).await,
        Sleeper::raw(&server, true).await,
    ];
    for round in 0..rounds {
        for sleeper in sleepers.iter().filter(|sleeper| sleeper.held) {
            sleeper.proxy.hold();
        }
        let slept = sleep(run.size(SLEEP, Duration::ZERO));
        (last, ()) = tokio::join!(put_many(&server.writer, last, puts), slept);
        for at in 0..sleepers.len() {
            let at = (at + round) % sleepers.len();
            sleepers[at].wake(last).await;
        }
    }
    for held in [false, true] {
        let state = if held { "behind a held connection" } else { "while asleep" };
        let work = format!("many puts on one key {state}, the last value");
        for sleeper in sleepers.iter_mut().filter(|sleeper| sleeper.held == held) {
            let took = median(&mut sleeper.times);
            run.add_as(&work, Some(puts as usize), sleeper.who, took, "ms");
            if let Kind::Raw(..) = sleeper.kind {
                let work = format!("many puts on one key {state}, connections lost by hand");
                let who = (sleeper.who.0, Role::Peer);
                run.add_as(&work, Some(puts as usize), who, f64::from(sleeper.lost), "");
            }
        }
    }
}

impl Sleeper {
    async fn ours(server: &Server, name: &'static str, held: bool, options: Options) -> Self {
        let proxy = Proxy::start(server.node().address());
        let store = EtcdStore::connect([proxy.endpoint()], options).await.expect("a store");
        let kind = Kind::Ours(store.value(KEY).watch());
        Self::new(held, (name, Role::Ours), proxy, kind).awake().await
    }

    async fn raw(server: &Server, held: bool) -> Self {
        let proxy = Proxy::start(server.node().address());
        let (stream, _) = read_and_watch(&proxy.endpoint()).await.expect("a watch");
        let endpoint = proxy.endpoint();
        let who = ("raw, one stream", Role::Peer);
        Self::new(held, who, proxy, Kind::Raw(Box::new(stream), endpoint))
    }

    fn new(held: bool, who: (&'static str, Role), proxy: Proxy, kind: Kind) -> Self {
        Self { held, who, proxy, kind, times: Vec::new(), lost: 0 }
    }

    /// Follows: has taken the first value.
    async fn awake(mut self) -> Self {
        timeout(BOUND, self.kind.take(1)).await.expect("a first value");
        self
    }

    async fn wake(&mut self, last: u32) {
        let woken = Instant::now();
        self.proxy.release();
        let taken = timeout(BOUND, self.kind.take(last)).await;
        self.lost += taken.expect("the last value arrives");
        self.times.push(woken.elapsed().as_secs_f64() * 1e3);
    }
}

impl Kind {
    /// Takes what comes until it is this generation, and tells how often it had to connect anew.
    async fn take(&mut self, last: u32) -> u32 {
        match self {
            Self::Ours(watcher) => {
                let is_last = |entry: &event_core::Entry| {
                    entry.value().is_some_and(|value| keys::generation(value) == last)
                };
                watcher.get_if(is_last).await.expect("the store goes on");
                0
            }
            Self::Raw(stream, endpoint) => {
                let mut ended = 0;
                loop {
                    let Ok(Some(response)) = stream.message().await else {
                        ended += 1;
                        let generation;
                        (**stream, generation) = reconnect(endpoint).await;
                        if generation == last {
                            return ended;
                        }
                        continue;
                    };
                    let mut kvs = response.events().iter().filter_map(etcd_client::Event::kv);
                    if kvs.any(|kv| keys::generation(kv.value()) == last) {
                        return ended;
                    }
                }
            }
        }
    }
}

async fn reconnect(endpoint: &str) -> (WatchStream, u32) {
    loop {
        sleep(PAUSE).await;
        if let Ok(connected) = read_and_watch(endpoint).await {
            return connected;
        }
    }
}

/// A watch from after a read, and the generation that was read.
async fn read_and_watch(endpoint: &str) -> Result<(WatchStream, u32), Error> {
    let mut client = Client::connect([endpoint], None).await?;
    let got = client.get(KEY, None).await?;
    let start = got.header().map_or(0, etcd_client::ResponseHeader::revision) + 1;
    let generation = got.kvs().first().map_or(0, |kv| keys::generation(kv.value()));
    let options = WatchOptions::new().with_start_revision(start);
    Ok((client.watch(KEY, Some(options)).await?, generation))
}

/// Makes so many puts, 64 in flight, and then one more, which is the last.
async fn put_many(writer: &Client, last: u32, puts: u32) -> u32 {
    let all = (1..puts).map(|put_at| put(writer, last + put_at));
    stream::iter(all).buffer_unordered(UNDER_WAY).collect::<()>().await;
    put(writer, last + puts).await;
    last + puts
}

async fn put(writer: &Client, generation: u32) {
    let value = keys::value(generation, BYTES);
    writer.kv_client().put(KEY, value, None).await.expect("a put");
}
