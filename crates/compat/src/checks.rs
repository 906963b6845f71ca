//! The checks, in the order in which they run on a set-up.

use std::time::{Duration, Instant};

use event_core::{HealthState, ValueReader, WatcherExt};
use event_etcd::{EtcdStore, Options};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::{sleep, timeout};

use crate::{
    arguments::Pace,
    followed::Followed,
    map::map,
    row::Cell,
    set_up::{Running, SetUp},
    writer::Writer,
};

const KEY: &str = "/compat/key";
/// For a first value on a busy machine.
const FIRST: Duration = Duration::from_secs(10);
/// For a change while all is well.
pub(crate) const CHANGE: Duration = Duration::from_secs(1);
/// For a change after a program was restarted. A proxy may wait before it connects again.
pub(crate) const RESTARTED: Duration = Duration::from_secs(20);
/// For the first values of many keys.
pub(crate) const MANY: Duration = Duration::from_secs(30);
/// Twice the liveness timeout, and a second for a busy machine.
const LIE: Duration = Duration::from_secs(11);
/// For a write, on a machine whose disk has other work too.
const WRITTEN: Duration = Duration::from_secs(30);
/// How many keys are written at once.
pub(crate) const WRITES: usize = 32;

/// Runs all checks on a set-up.
pub(crate) async fn run(set_up: SetUp, pace: Pace) -> Vec<Cell> {
    let running = set_up.start().await;
    let checked = Checked::start(&running).await;
    let mut cells = vec![checked.first_value().await, checked.change("changed").await];
    cells.push(checked.idle(pace.idle).await);
    cells.push(checked.proxy_restarted().await);
    cells.push(checked.server_restarted().await);
    drop(checked);
    cells.push(many_keys(&running, pace.keys).await);
    cells.push(map(&running, pace.map_keys).await);
    cells
}

/// A set-up, and a store that follows one key.
struct Checked<'a> {
    running: &'a Running,
    store: EtcdStore,
    followed: Followed,
    started: Instant,
}

impl<'a> Checked<'a> {
    async fn start(running: &'a Running) -> Self {
        write(&running.writer().await, KEY, "first").await.expect("the first write is taken");
        let (store, started) = (connect(running).await, Instant::now());
        let followed = Followed::start(&store, KEY, "first");
        Self { running, store, followed, started }
    }

    async fn first_value(&self) -> Cell {
        self.cell(self.started, self.followed.arrives(FIRST).await)
    }

    async fn change(&self, value: &str) -> Cell {
        self.changed(value, CHANGE).await
    }

    /// Writes a value as soon as that is possible, and waits until it arrives.
    async fn changed(&self, value: &str, within: Duration) -> Cell {
        let writer = self.running.writer().await;
        if let Err(error) = write(&writer, KEY, value).await {
            return Cell::Failed(format!("not written: {error}"));
        }
        let written = Instant::now();
        self.followed.written(value);
        self.cell(written, self.followed.arrives(within).await)
    }

    /// Nothing is written for a while. The store keeps its connection, and health is live throughout.
    async fn idle(&self, idle: Duration) -> Cell {
        let (connections, _) = (self.running.connections(), self.followed.take_said());
        sleep(idle).await;
        let connections = self.running.connections() - connections;
        let said = self.followed.take_said();
        if connections > 0 || !said.is_empty() {
            let first = said.first().cloned().unwrap_or_default();
            let times = said.len();
            return Cell::Failed(format!(
                "{connections} connections, {times} times not live: {first}"
            ));
        }
        match self.change("after the silence").await {
            Cell::Passed(_) => Cell::Passed(format!("{:.0} s", idle.as_secs_f64())),
            failed => failed,
        }
    }

    async fn proxy_restarted(&self) -> Cell {
        if !self.running.has_proxy() {
            return Cell::Absent;
        }
        self.running.restart_proxy().await;
        self.changed("after the proxy", RESTARTED).await
    }

    async fn server_restarted(&self) -> Cell {
        self.running.restart_server().await;
        self.changed("after the server", RESTARTED).await
    }

    fn cell(&self, since: Instant, arrived: Result<(), String>) -> Cell {
        let lie = self.followed.longest_lie();
        match arrived {
            _ if lie > LIE => Cell::Failed(format!("live and stale for {lie:.1?}")),
            Ok(()) => Cell::took(since.elapsed()),
            Err(why) => Cell::Failed(why),
        }
    }
}

impl Drop for Checked<'_> {
    fn drop(&mut self) {
        self.store.close();
    }
}

/// Each of many keys gets its first value, the last one gets another, and the store keeps its connection.
async fn many_keys(running: &Running, keys: usize) -> Cell {
    let writer = running.writer().await;
    let name = |key: usize| format!("/compat/many/{key}");
    let written = stream::iter(0..keys)
        .map(|key| {
            let writer = &writer;
            async move { write(writer, &name(key), "first").await }
        })
        .buffer_unordered(WRITES);
    if let Err(error) = written.try_collect::<Vec<()>>().await {
        return Cell::Failed(format!("not written: {error}"));
    }

    let (store, started, connections) =
        (connect(running).await, Instant::now(), running.connections());
    let mut watchers: Vec<_> = (0..keys).map(|key| store.value(name(key)).watch()).collect();
    let mut had = 0;
    let firsts = async {
        for watcher in &mut watchers {
            while !watcher.get().await.is_ok_and(|entry| entry.value().is_some()) {}
            had += 1;
        }
        let live = |health: &event_core::Health| health.state == HealthState::Live;
        let _ = store.health().watch().get_if(live).await;
    };
    let arrived = timeout(MANY, firsts).await;
    let took = started.elapsed();
    let changed = async {
        write(&writer, &name(keys - 1), "second").await.ok()?;
        timeout(CHANGE * 2, watchers.last_mut()?.get()).await.ok()?.ok()
    };
    let changed = arrived.is_ok() && changed.await.is_some();
    let connections = running.connections() - connections;
    store.close();
    if arrived.is_err() {
        return Cell::Failed(format!("{had} of {keys} after {MANY:?}, {connections} connections"));
    }
    if !changed {
        return Cell::Failed("a change of the last key did not arrive".to_owned());
    }
    if connections > 1 {
        return Cell::Failed(format!("{connections} connections"));
    }
    Cell::took(took)
}

pub(crate) async fn connect(running: &Running) -> EtcdStore {
    let store = EtcdStore::connect([running.endpoint()], Options::new()).await;
    store.expect("the endpoint is well formed")
}

/// Writes a key, as soon as the server takes it.
pub(crate) async fn write(writer: &Writer, key: &str, value: &str) -> Result<(), String> {
    let start = Instant::now();
    loop {
        match timeout(WRITTEN, writer.put(key, value)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) if start.elapsed() > WRITTEN => return Err(error.to_string()),
            Ok(Err(_)) => sleep(Duration::from_millis(20)).await,
            Err(_) => return Err(format!("not within {WRITTEN:?}")),
        }
    }
}
