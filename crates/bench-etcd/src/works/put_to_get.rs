//! From before a put until the watcher of its key has the value, one put at a time.
//!
//! Each contender has its own key and connection, and takes its turns. With one key both raw ways are
//! the same loop, so it is there twice: how far the two differ is noise.

use std::time::{Duration, Instant};

use etcd_client::{Client, WatchOptions};
use event_core::{ValueReader, WatcherExt};
use event_etcd::{EtcdStore, Options};
use measure::{Role, median, percentile};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::keys;
use crate::run::Run;
use crate::server::Server;

const BOUND: Duration = Duration::from_secs(10);
const BYTES: usize = 100;

/// A follower of one key.
pub(super) struct Follower {
    who: &'static str,
    role: Role,
    key: String,
    seen: mpsc::Receiver<(u32, Instant)>,
    generation: u32,
    _tasks: JoinSet<()>,
}

pub(crate) async fn measure(run: &mut Run) {
    let (rounds, puts) = (run.size(12, 3), run.size(500, 50));
    let server = Server::start().await;
    let mut followers = [
        Follower::ours(&server, "one").await,
        Follower::raw(&server, "raw, one stream", "two").await,
        Follower::raw(&server, "raw, one stream, again", "three").await,
    ];
    compare(run, &server, "put to get", (rounds, puts), &mut followers).await;
}

/// Lets followers take turns in rounds of so many puts, and adds what each took.
pub(super) async fn compare(
    run: &mut Run,
    server: &Server,
    work: &str,
    (rounds, puts): (usize, usize),
    followers: &mut [Follower],
) {
    let (mut times, mut answers) = (vec![Vec::new(); followers.len()], Vec::new());
    for round in 0..=rounds {
        for at in 0..followers.len() {
            let at = (at + round) % followers.len();
            for _ in 0..puts {
                let (answer, seen) = followers[at].put(server).await;
                // The first round warms up.
                if round > 0 {
                    answers.push(answer);
                    times[at].push(seen);
                }
            }
        }
    }
    for (percent, name) in [(50, "median"), (99, "p99")] {
        let work = format!("{work}, {name}");
        for (follower, times) in followers.iter().zip(&mut times) {
            let who = (follower.who, follower.role);
            run.add_as(&work, None, who, percentile(times, percent), "us");
        }
        let answer = percentile(&mut answers, percent);
        run.add_as(&work, None, ("the put's answer", Role::Floor), answer, "us");
    }
}

impl Follower {
    pub(super) async fn ours(server: &Server, key: &str) -> Self {
        let store = EtcdStore::connect([server.endpoint()], Options::new()).await.expect("a store");
        let mut watcher = store.value(key).watch();
        let (told, seen) = mpsc::channel(16);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok(entry) = watcher.get().await {
                let generation = entry.value().map_or(0, |value| keys::generation(value));
                if told.send((generation, Instant::now())).await.is_err() {
                    return;
                }
            }
        });
        Self::new("ours", Role::Ours, key, seen, tasks).followed(server).await
    }

    async fn raw(server: &Server, who: &'static str, key: &str) -> Self {
        let mut client = Client::connect([server.endpoint()], None).await.expect("a client");
        let mut stream = client.watch(key, Some(WatchOptions::new())).await.expect("a watch");
        let (told, seen) = mpsc::channel(16);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok(Some(response)) = stream.message().await {
                for kv in response.events().iter().filter_map(etcd_client::Event::kv) {
                    let generation = keys::generation(kv.value());
                    if told.send((generation, Instant::now())).await.is_err() {
                        return;
                    }
                }
            }
        });
        Self::new(who, Role::Peer, key, seen, tasks).followed(server).await
    }

    pub(super) fn new(
        who: &'static str,
        role: Role,
        key: &str,
        seen: mpsc::Receiver<(u32, Instant)>,
        tasks: JoinSet<()>,
    ) -> Self {
        Self { who, role, key: key.to_owned(), seen, generation: 0, _tasks: tasks }
    }

    /// Has seen a first put.
    pub(super) async fn followed(mut self, server: &Server) -> Self {
        self.put(server).await;
        self
    }

    /// How long a put's answer took and how long the watcher, in microseconds.
    pub(super) async fn put(&mut self, server: &Server) -> (f64, f64) {
        self.generation += 1;
        let (mut kv, value) = (server.writer.kv_client(), keys::value(self.generation, BYTES));
        let start = Instant::now();
        kv.put(&*self.key, value, None).await.expect("a put");
        let answered = Instant::now();
        let seen = async {
            loop {
                let (generation, at) = self.seen.recv().await.expect("the follower goes on");
                if generation == self.generation {
                    return at;
                }
            }
        };
        let seen = timeout(BOUND, seen).await.expect("the follower sees each put");
        let micros = |end: Instant| end.saturating_duration_since(start).as_secs_f64() * 1e6;
        (micros(answered), micros(seen))
    }

    /// The median of so many puts, in microseconds.
    pub(super) async fn median(&mut self, server: &Server, puts: usize) -> f64 {
        let mut times = Vec::new();
        for _ in 0..puts {
            times.push(self.put(server).await.1);
        }
        median(&mut times)
    }
}
