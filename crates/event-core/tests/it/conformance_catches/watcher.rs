//! A watcher of the small value, right but for one bug.

use std::sync::Weak;
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use event_core::{Error, ErrorKind, Watcher};

use super::bug::Bug;
use super::value::{Registered, State, Value};

pub(super) struct WrongWatcher {
    value: Value,
    id: usize,
    reader: Weak<()>,
    /// The thread that started this watcher.
    home: ThreadId,
    is_odd_poll: bool,
    takes: usize,
    /// How often it said that the value is closed.
    closed: usize,
    has_failed: bool,
}

impl WrongWatcher {
    pub(super) fn new(value: Value, id: usize, reader: Weak<()>) -> Self {
        let home = thread::current().id();
        Self { value, id, reader, home, is_odd_poll: false, takes: 0, closed: 0, has_failed: false }
    }

    /// A version, if it is newer than the one taken last.
    fn take(&mut self, state: &mut State) -> Option<Result<u64, Error>> {
        let (bug, newest, cached) = (self.value.bug, state.versions.len(), state.cached);
        let is_alone = state.watchers.len() == 1;
        let watcher = state.watcher(self.id);
        if bug == Bug::GoesBack && is_alone && self.takes == 30 {
            self.takes += 1;
            return state.versions[newest - 2].map(Ok);
        }
        if watcher.cursor == newest {
            return None;
        }
        let taken = match bug {
            Bug::StartsWithAStaleVersion if watcher.cursor == 0 && cached > 0 => cached,
            Bug::QueuesVersions if watcher.cursor > 0 => watcher.cursor + 1,
            _ => newest,
        };
        watcher.cursor = taken;
        self.takes += 1;
        if bug == Bug::RepeatsAVersion && is_alone && self.takes == 30 {
            watcher.cursor -= 1;
        }
        match (state.versions[taken - 1], bug) {
            (Some(version), _) => return Some(Ok(version)),
            (None, Bug::SwallowsErrors) => return None,
            (None, Bug::EndsWithAnError) => return Some(Err(Error::closed())),
            (None, Bug::RepeatsErrors) => state.watcher(self.id).cursor -= 1,
            (None, Bug::StopsAfterAnError) => self.has_failed = true,
            (None, _) => {}
        }
        Some(Err(Error::new(ErrorKind::Decode, "spoilt")))
    }

    fn close(&mut self, state: &mut State) -> Poll<Result<u64, Error>> {
        self.closed += 1;
        if self.value.bug == Bug::OpensAgain && self.closed == 3 {
            state.watcher(self.id).cursor -= 1;
        }
        Poll::Ready(Err(Error::closed()))
    }

    /// Whether it waits, whatever versions there are.
    fn must_wait(&self, state: &State) -> bool {
        let newest = state.versions.len();
        let is_slow = |other: &Registered| other.cursor > 0 && other.cursor + 15 < newest;
        match self.value.bug {
            Bug::StopsWithItsReader => self.reader.strong_count() == 0,
            Bug::StopsAfterAnError => self.has_failed,
            Bug::WaitsForASlowSibling => {
                state.watchers.iter().any(|other| other.id != self.id && is_slow(other))
            }
            _ => false,
        }
    }

    /// Returns when no newer version has come for a while: longer than a busy machine holds up the
    /// thread that writes, since that looks like a pause.
    fn wait_for_a_pause(&self) {
        const PAUSE: Duration = Duration::from_millis(40);
        let newest = || self.value.state().versions.len();
        let mut seen = self.value.state().watcher(self.id).cursor;
        while seen != newest() {
            seen = newest();
            thread::sleep(PAUSE);
        }
    }

    fn register(&self, state: &mut State, waker: &Waker) {
        let bug = self.value.bug;
        if bug == Bug::KeepsSixWakers {
            let waiting = state.watchers.iter_mut().filter(|watcher| !watcher.wakers.is_empty());
            let mut others: Vec<_> = waiting.filter(|watcher| watcher.id != self.id).collect();
            if others.len() >= 6 {
                others[0].wakers.clear();
            }
        }
        let wakers = &mut state.watcher(self.id).wakers;
        match bug {
            Bug::WakesTheFirstTask if !wakers.is_empty() => return,
            Bug::KeepsEachWaker => wakers.retain(|kept| !kept.will_wake(waker)),
            _ => wakers.clear(),
        }
        wakers.push(waker.clone());
    }
}

impl Watcher<u64> for WrongWatcher {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<u64, Error>> {
        let (bug, value) = (self.value.bug, self.value.clone());
        if bug == Bug::NeverReturns {
            sleep_for_ever();
        }
        self.is_odd_poll = !self.is_odd_poll;
        let yields = bug == Bug::YieldsNowAndThen && self.is_odd_poll;
        if yields || bug == Bug::WakesItself {
            cx.waker().wake_by_ref();
        }
        if yields {
            return Poll::Pending;
        }
        if bug == Bug::TakesUntilTheWriterPauses && thread::current().id() != self.home {
            self.wait_for_a_pause();
        }

        if bug != Bug::LocksDuringAPoll {
            value.gate.pass();
        }
        let mut state = value.state();
        if bug == Bug::LocksDuringAPoll {
            value.gate.pass();
        }
        let newest = state.versions.len();
        let watcher = state.watcher(self.id);
        let woke_another = watcher.woken.take().is_some_and(|woken| !woken.will_wake(cx.waker()));
        if bug == Bug::LosesWithACancelledGet && woke_another {
            watcher.cursor = newest;
        }
        if bug == Bug::EndsBeforeTheLastVersion && state.has_ended {
            return self.close(&mut state);
        }
        let version = if self.must_wait(&state) { None } else { self.take(&mut state) };
        if let Some(version) = version {
            return Poll::Ready(version);
        }
        if state.has_ended && bug != Bug::ForgetsTheEnd {
            return self.close(&mut state);
        }
        if bug == Bug::RegistersTooLate && thread::current().id() != self.home {
            drop(state);
            thread::sleep(Duration::from_millis(1));
            state = value.state();
        }
        self.register(&mut state, cx.waker());
        Poll::Pending
    }
}

fn sleep_for_ever() -> ! {
    loop {
        thread::park();
    }
}

impl Drop for WrongWatcher {
    fn drop(&mut self) {
        let mut state = self.value.state();
        if self.value.bug == Bug::KeepsTheWakersOfDroppedWatchers {
            let wakers = std::mem::take(&mut state.watcher(self.id).wakers);
            state.left_behind.extend(wakers);
        }
        state.watchers.retain(|watcher| watcher.id != self.id);
        if state.watchers.is_empty() {
            state.cached = state.versions.len();
            state.is_upstream_open = self.value.bug == Bug::HoldsUpstreamForEver;
        }
    }
}
