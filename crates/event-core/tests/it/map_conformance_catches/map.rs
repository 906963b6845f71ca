//! A small map, right but for one bug.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use event_core::conformance::maps::MapSubject;
use event_core::{Change, Error, ErrorKind, MapReader, MapWatcher};

/// One bug each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bug {
    /// Right in all.
    None,
    /// A watcher is synced before the backend has read the range.
    SyncsTooSoon,
    /// A watcher is synced before it has yielded all.
    SyncsFirst,
    /// A watcher of an empty map is never synced.
    ForgetsTheEmptyMap,
    /// A watcher is synced each time that it has yielded all.
    SyncsAgain,
    /// Each watcher yields every version.
    QueuesVersions,
    /// A version is yielded twice.
    RepeatsVersions,
    /// A watcher is woken once only.
    WakesOnce,
    /// A deletion is not yielded.
    ForgetsDeletes,
    /// A deletion is yielded though the key was made anew.
    QueuesDeletes,
    /// A step is applied key by key.
    SplitsSteps,
    /// The keys come in their own order.
    SortsKeys,
    /// An error is not yielded.
    SwallowsErrors,
    /// An error ends the map.
    EndsWithAnError,
    /// After an error the key yields nothing.
    StopsAfterAnError,
    /// A change counts as taken by the task that it woke.
    LosesWithACancelledWait,
    /// A pending poll wakes its task.
    WakesItself,
    /// A watcher waits while another one is more than 15 changes behind.
    WaitsForASlowSibling,
    /// A watcher waits for ever when the map has ended.
    ForgetsTheEnd,
    /// The end comes before the last changes.
    EndsTooSoon,
    /// A dropped watcher leaves its waker behind.
    KeepsWakers,
}

#[derive(Clone)]
pub(super) struct Map {
    bug: Bug,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// All changes. A cursor is a number of them.
    history: Vec<(u64, What)>,
    is_synced: bool,
    has_ended: bool,
    watchers: Vec<Registered>,
    next_id: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Is(u64),
    Bad,
    Gone,
}

struct Registered {
    id: usize,
    cursor: usize,
    waker: Option<Waker>,
    woken: Option<Waker>,
    is_alive: bool,
}

impl Map {
    pub(super) fn new(bug: Bug) -> (Reader, Self) {
        let map = Self { bug, state: Arc::default() };
        (Reader(map.clone()), map)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn wake_all(&self) {
        let mut state = self.state();
        let mut wakers = Vec::new();
        for watcher in &mut state.watchers {
            if self.bug == Bug::WakesOnce && watcher.woken.is_some() {
                continue;
            }
            watcher.woken = watcher.waker.clone().or(watcher.woken.take());
            if watcher.is_alive {
                wakers.extend(watcher.waker.take());
            }
        }
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn publish(&self, changes: &[(u64, What)]) {
        let mut state = self.state();
        for (key, what) in changes {
            let is_there = state.history.iter().rev().find(|(other, _)| other == key);
            if *what != What::Gone || is_there.is_some_and(|(_, what)| *what != What::Gone) {
                state.history.push((*key, *what));
            }
        }
        drop(state);
        self.wake_all();
    }
}

impl MapSubject for Map {
    type Key = u64;

    fn key(&self, number: u64) -> u64 {
        number
    }

    async fn apply(&mut self, step: &[(u64, Option<u64>)]) {
        let of = |(key, version): &(u64, Option<u64>)| (*key, version.map_or(What::Gone, What::Is));
        let changes: Vec<_> = step.iter().map(of).collect();
        self.publish(&changes);
    }

    async fn sync(&mut self) -> bool {
        self.state().is_synced = true;
        self.wake_all();
        true
    }

    async fn spoil(&mut self, key: u64) -> bool {
        self.publish(&[(key, What::Bad)]);
        true
    }

    async fn end(&mut self) -> bool {
        self.state().has_ended = true;
        self.wake_all();
        true
    }

    async fn held(&mut self) -> usize {
        self.state().watchers.iter().filter(|watcher| watcher.is_alive).count()
    }
}

pub(super) struct Reader(Map);

impl MapReader<u64, u64> for Reader {
    type Watcher = Watcher;

    fn watch(&self) -> Watcher {
        let mut state = self.0.state();
        let id = state.next_id;
        state.next_id += 1;
        state.watchers.push(Registered { id, cursor: 0, waker: None, woken: None, is_alive: true });
        let map = self.0.clone();
        Watcher { map, id, yielded: BTreeMap::new(), is_synced: false, pauses: 0 }
    }
}

pub(super) struct Watcher {
    map: Map,
    id: usize,
    /// The newest version of each key that it has yielded, and its number.
    yielded: BTreeMap<u64, (usize, What)>,
    is_synced: bool,
    /// How often it has stopped in the middle of a step.
    pauses: usize,
}

impl Watcher {
    /// The next change behind the cursor: (number, key, what).
    fn next(&self, state: &State, cursor: usize) -> Option<(usize, u64, What)> {
        let history = state.history.iter().enumerate().skip(cursor);
        let mut changes = history.map(|(at, (key, what))| (at, *key, *what));
        let is_newest =
            |at: usize, key: u64| !state.history[at + 1..].iter().any(|(other, _)| *other == key);
        match self.map.bug {
            Bug::QueuesVersions => changes.next(),
            Bug::QueuesDeletes => {
                changes.find(|(at, key, what)| *what == What::Gone || is_newest(*at, *key))
            }
            Bug::SortsKeys => {
                let newer = |(at, key, _): &(usize, u64, What)| {
                    is_newest(*at, *key)
                        && self.yielded.get(key).is_none_or(|(yielded, _)| yielded < at)
                };
                let all = state.history.iter().enumerate();
                let all = all.map(|(at, (key, what))| (at, *key, *what));
                all.filter(newer).min_by_key(|(_, key, _)| *key)
            }
            _ => changes.find(|(at, key, _)| is_newest(*at, *key)),
        }
    }

    fn take(&mut self, state: &mut State) -> Option<Result<Change<u64, u64>, Error>> {
        let bug = self.map.bug;
        loop {
            let cursor = state.watchers.iter().find(|watcher| watcher.id == self.id)?.cursor;
            if bug == Bug::SyncsFirst && state.is_synced && !self.is_synced {
                self.is_synced = true;
                return Some(Ok(Change::Synced));
            }
            let Some((at, key, what)) = self.next(state, cursor) else {
                let is_empty = bug == Bug::ForgetsTheEmptyMap && self.yielded.is_empty();
                let may_sync = (state.is_synced || bug == Bug::SyncsTooSoon) && !is_empty;
                if may_sync && !self.is_synced {
                    self.is_synced = true;
                    return Some(Ok(Change::Synced));
                }
                return None;
            };
            // In the middle of a step it pauses once.
            if bug == Bug::SplitsSteps && self.is_synced && at % 5 == 2 && self.pauses < at {
                self.pauses = at;
                return None;
            }
            let before = self.yielded.insert(key, (at, what));
            let entry = state.watchers.iter_mut().find(|watcher| watcher.id == self.id)?;
            entry.cursor = at + 1;
            if bug == Bug::RepeatsVersions && at % 10 == 9 && before.is_none_or(|it| it.0 != at) {
                entry.cursor = at;
            }
            if bug == Bug::SyncsAgain {
                self.is_synced = false;
            }
            let was_there = before.is_some_and(|(_, what)| what != What::Gone);
            let was_bad = before.is_some_and(|(_, what)| what == What::Bad);
            match what {
                What::Gone if !was_there || bug == Bug::ForgetsDeletes => {}
                What::Gone => return Some(Ok(Change::Delete { key })),
                What::Bad if bug == Bug::SwallowsErrors => {}
                What::Bad if bug == Bug::EndsWithAnError => return Some(Err(Error::closed())),
                What::Bad => {
                    let error = Error::new(ErrorKind::Decode, "spoilt");
                    return Some(Ok(Change::Failed { key, error }));
                }
                What::Is(_) if bug == Bug::StopsAfterAnError && was_bad => {}
                What::Is(value) => return Some(Ok(Change::Put { key, value })),
            }
        }
    }

    fn has_to_wait(&self, state: &State) -> bool {
        let newest = state.history.len();
        let is_slow =
            |other: &Registered| other.is_alive && other.cursor > 0 && other.cursor + 15 < newest;
        let mut others = state.watchers.iter().filter(|other| other.id != self.id);
        self.map.bug == Bug::WaitsForASlowSibling && others.any(is_slow)
    }
}

impl MapWatcher<u64, u64> for Watcher {
    fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<Result<Change<u64, u64>, Error>> {
        let (bug, map) = (self.map.bug, self.map.clone());
        let mut state = map.state();
        let newest = state.history.len();
        let entry = state.watchers.iter_mut().find(|watcher| watcher.id == self.id).unwrap();
        let woke_another = bug != Bug::WakesOnce
            && entry.woken.take().is_some_and(|woken| !woken.will_wake(cx.waker()));
        if bug == Bug::LosesWithACancelledWait && woke_another {
            entry.cursor = newest;
        }
        if state.has_ended && bug == Bug::EndsTooSoon {
            return Poll::Ready(Err(Error::closed()));
        }
        let change = if self.has_to_wait(&state) { None } else { self.take(&mut state) };
        if let Some(change) = change {
            return Poll::Ready(change);
        }
        if state.has_ended && bug != Bug::ForgetsTheEnd {
            return Poll::Ready(Err(Error::closed()));
        }
        if bug == Bug::WakesItself {
            cx.waker().wake_by_ref();
        }
        let entry = state.watchers.iter_mut().find(|watcher| watcher.id == self.id).unwrap();
        entry.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut state = self.map.state();
        let keeps = self.map.bug == Bug::KeepsWakers;
        let entry = state.watchers.iter_mut().find(|watcher| watcher.id == self.id).unwrap();
        entry.is_alive = false;
        if !keeps {
            state.watchers.retain(|watcher| watcher.id != self.id);
        }
    }
}
