//! What a store promises whatever a server does, and how it is compared with the truth.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use event_core::upstream::UpstreamHealth;
use event_core::{CauseKind, Health, HealthState, MapReader, ValueReader, WatcherExt};
use event_etcd::{EtcdStore, Options};
use hostile_etcd::{Behaviour, Cluster, Counts, Member};
use rustix::time::{ClockId, clock_gettime};
use tokio::time::{sleep, timeout};

use super::followed_map::{self, FollowedMap, follow_map, write_map};

pub(super) const LIVENESS: Duration = Duration::from_millis(500);
/// How long a store may be live and stale.
const LIE: Duration = LIVENESS.saturating_mul(2);
/// For a machine that has other work too.
const MARGIN: Duration = Duration::from_millis(300);
/// How long the store has nothing but the hostile member.
const ALONE: Duration = Duration::from_millis(1600);
/// The keys. A store that reads one key and one that reads several ask in different ways.
pub(super) const KEYS: [&str; 2] = ["key", "other"];

/// What a store does with one hostile member, and then with an honest one.
pub(super) struct Trial {
    behaviour: Behaviour,
    /// Whether the member is honest until the store is live.
    turns: bool,
    /// The kind of the cause that health has to show.
    names: Option<CauseKind>,
    /// Whether the store follows a map, and not keys.
    is_of_map: bool,
}

impl Trial {
    /// The member is hostile from the first connection on.
    pub(super) fn from_the_start(behaviour: Behaviour) -> Self {
        Self { behaviour, turns: false, names: None, is_of_map: false }
    }

    /// The member turns hostile when the store is live. The connection stays.
    pub(super) fn once_live(behaviour: Behaviour) -> Self {
        Self { turns: true, ..Self::from_the_start(behaviour) }
    }

    /// Health has to name a protocol violation.
    pub(super) fn named(self) -> Self {
        self.names(CauseKind::ProtocolViolation)
    }

    /// Health has to name this.
    pub(super) fn names(self, kind: CauseKind) -> Self {
        Self { names: Some(kind), ..self }
    }

    /// The store follows a map. Its keys are deleted, too.
    pub(super) fn of_map(self) -> Self {
        Self { is_of_map: true, ..self }
    }

    pub(super) async fn run(self) {
        let cluster = Cluster::new();
        let first = if self.turns { Behaviour::honest() } else { self.behaviour.clone() };
        let hostile = Member::start(&cluster, first);
        let honest = Member::start_refusing(&cluster, Behaviour::honest());
        let store = connect([&hostile, &honest]).await;
        let mut watched = if self.is_of_map {
            Watched::start_map(&store, &cluster)
        } else {
            Watched::start(&store, &cluster)
        };
        if self.turns {
            watched.arrives("the first versions").await;
            hostile.behave(self.behaviour);
        } else {
            sleep(LIVENESS / 2).await;
        }

        let (before, cpu) = (hostile.counts(), thread_time());
        watched.put();
        sleep(ALONE).await;
        let cpu = thread_time().saturating_sub(cpu);
        let asked = since(before, hostile.counts());
        watched.require(cpu < ALONE / 5, || format!("it took {cpu:?} of CPU in {ALONE:?}"));
        watched
            .require(asked.connections <= 10, || format!("it connected without pause: {asked:?}"));
        let requests = asked.ranges + asked.txns + asked.creates + asked.progress_requests;
        watched.require(requests <= 200, || format!("it asked without pause: {asked:?}"));

        // An honest member comes.
        honest.accept();
        watched.put();
        watched.arrives("the version that an honest member has").await;

        // The hostile member is honest again, and the only one.
        hostile.behave(Behaviour::honest());
        honest.refuse();
        watched.put();
        watched.arrives("the version after the member became honest").await;

        let named = self.names.is_none_or(|kind| watched.causes().contains(&kind));
        let causes = watched.causes();
        watched.require(named, || format!("health named {causes:?} only"));
        watched.finish();
    }
}

pub(super) async fn connect<'a>(members: impl IntoIterator<Item = &'a Member>) -> EtcdStore {
    let options = Options::new().liveness_timeout(LIVENESS).connect_timeout(LIVENESS);
    let endpoints = members.into_iter().map(Member::endpoint);
    EtcdStore::connect(endpoints, options).await.expect("the endpoints are well formed")
}

/// A store whose versions and health are compared with the truth all the time.
pub(super) struct Watched {
    cluster: Cluster,
    store: EtcdStore,
    seen: Arc<Mutex<Seen>>,
    failures: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The number that was written last to all keys.
    pub(super) truth: u64,
    /// What is known of the map, if the store follows one.
    pub(super) map: Option<FollowedMap>,
    /// The newest number that was published, for each key.
    taken: [Option<u64>; 2],
    state: Option<HealthState>,
    causes: Vec<CauseKind>,
    /// Since when the store has been live and stale.
    lying: Option<Instant>,
    longest_lie: Duration,
    stalls: u32,
    /// What was published and may not be.
    pub(super) wrong: Vec<String>,
}

impl Seen {
    fn is_stale(&self) -> bool {
        if let Some(map) = &self.map {
            return !map.is_as_written(self.truth);
        }
        self.taken.iter().any(|taken| *taken != Some(self.truth))
    }

    /// Notes since when the store has been live and stale, after a change of either.
    pub(super) fn look(&mut self) {
        let now = Instant::now();
        if let Some(since) = self.lying {
            self.longest_lie = self.longest_lie.max(now - since);
        }
        let is_lying = self.state == Some(HealthState::Live) && self.is_stale();
        self.lying = if is_lying { self.lying.or(Some(now)) } else { None };
    }
}

impl Watched {
    fn new(store: &EtcdStore, cluster: &Cluster, seen: Seen) -> Self {
        let (cluster, store) = (cluster.clone(), store.clone());
        Self { cluster, store, seen: Arc::new(Mutex::new(seen)), failures: Vec::new() }
    }

    /// Watches all keys. Each has a first version.
    pub(super) fn start(store: &EtcdStore, cluster: &Cluster) -> Self {
        let watched = Self::new(store, cluster, Seen::default());
        let seen = Arc::clone(&watched.seen);
        watched.put();
        for (index, key) in KEYS.into_iter().enumerate() {
            tokio::spawn(follow(store.clone(), index, key, Arc::clone(&seen)));
        }
        tokio::spawn(follow_health(store.health(), seen));
        watched
    }

    /// Watches a map of several pages.
    pub(super) fn start_map(store: &EtcdStore, cluster: &Cluster) -> Self {
        let map = Some(FollowedMap::default());
        let watched = Self::new(store, cluster, Seen { map, ..Seen::default() });
        let seen = Arc::clone(&watched.seen);
        watched.put();
        let map = followed_map::map_of(store);
        tokio::spawn(follow_health(map.health(), Arc::clone(&seen)));
        tokio::spawn(follow_map(map.watch(), seen));
        watched
    }

    /// Writes the next number to all keys.
    pub(super) fn put(&self) {
        let mut seen = self.seen.lock().unwrap();
        seen.truth += 1;
        if seen.map.is_some() {
            write_map(&self.cluster, seen.truth);
            return seen.look();
        }
        for key in KEYS {
            self.cluster.put(key, format!("{key}:{}", seen.truth));
        }
        seen.look();
    }

    /// Waits until all keys have what was written last, and health is live.
    pub(super) async fn arrives(&mut self, what: &str) {
        let arrived = async {
            loop {
                {
                    let seen = self.seen.lock().unwrap();
                    if !seen.is_stale() && seen.state == Some(HealthState::Live) {
                        return;
                    }
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        // Connecting, reading and every backoff in between: a member that is overloaded is kept for four times the
        // liveness timeout. Twice, since a busy machine may let the first try of the other member time out.
        if timeout(LIVENESS * 20, arrived).await.is_err() {
            let seen = self.seen.lock().unwrap();
            let (truth, taken, state) = (seen.truth, seen.taken, seen.state);
            let map = seen.map.as_ref().map(|map| map.differs_from(truth)).unwrap_or_default();
            self.failures.push(format!(
                "{what} did not arrive: {truth} was written, {taken:?} is published, health is {state:?}{map}"
            ));
        }
    }

    pub(super) fn require(&mut self, holds: bool, or: impl FnOnce() -> String) {
        if !holds {
            self.failures.push(or());
        }
    }

    /// How often health became stalled.
    pub(super) fn stalls(&self) -> u32 {
        self.seen.lock().unwrap().stalls
    }

    pub(super) fn causes(&self) -> Vec<CauseKind> {
        self.seen.lock().unwrap().causes.clone()
    }

    pub(super) fn finish(mut self) {
        let seen = {
            let mut seen = self.seen.lock().unwrap();
            seen.look();
            std::mem::take(&mut *seen)
        };
        let lie = seen.longest_lie;
        self.require(lie < LIE + MARGIN, || format!("it was live and stale for {lie:?}"));
        self.require(seen.wrong.is_empty(), || format!("it published {:?}", seen.wrong));
        self.store.close();
        let mut text = String::new();
        for failure in &self.failures {
            let _ = write!(text, "\n  * {failure}");
        }
        assert!(self.failures.is_empty(), "{text}\n  causes: {:?}", seen.causes);
    }
}

async fn follow(store: EtcdStore, index: usize, key: &'static str, seen: Arc<Mutex<Seen>>) {
    let mut watcher = store.value(key).watch();
    drop(store);
    loop {
        let entry = match watcher.get().await {
            Ok(entry) => entry,
            Err(error) if error.is_closed() => return,
            Err(error) => {
                seen.lock().unwrap().wrong.push(format!("{key}: {error:#}"));
                continue;
            }
        };
        let mut seen = seen.lock().unwrap();
        let text = entry.value().map(|value| String::from_utf8_lossy(value).into_owned());
        let number = text.as_deref().and_then(|text| text.strip_prefix(key)?.strip_prefix(':'));
        match number.and_then(|number| number.parse().ok()) {
            Some(number) if seen.taken[index].is_none_or(|taken| taken < number) => {
                seen.taken[index] = Some(number);
            }
            // The same number may come again with another revision, if the member lies about revisions.
            Some(number) if seen.taken[index] == Some(number) => {}
            _ => {
                let last = seen.taken[index];
                seen.wrong.push(format!("{key} = {text:?} after {last:?}"));
            }
        }
        seen.look();
    }
}

async fn follow_health(health: UpstreamHealth, seen: Arc<Mutex<Seen>>) {
    let mut health = health.watch();
    while let Ok(health) = health.get().await {
        let mut seen = seen.lock().unwrap();
        let Health { state, cause, .. } = health;
        seen.stalls += u32::from(state == HealthState::Stalled);
        seen.state = Some(state);
        if let Some(kind) = cause.map(|cause| cause.kind())
            && seen.causes.last() != Some(&kind)
        {
            seen.causes.push(kind);
        }
        seen.look();
    }
}

pub(super) fn since(before: Counts, now: Counts) -> Counts {
    Counts {
        connections: now.connections - before.connections,
        streams: now.streams - before.streams,
        ranges: now.ranges - before.ranges,
        txns: now.txns - before.txns,
        creates: now.creates - before.creates,
        cancels: now.cancels - before.cancels,
        progress_requests: now.progress_requests - before.progress_requests,
        authentications: now.authentications - before.authentications,
        member_lists: now.member_lists - before.member_lists,
    }
}

/// The CPU time of this thread. A test has one thread, and the servers have others.
fn thread_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().expect("time is not negative")
}
