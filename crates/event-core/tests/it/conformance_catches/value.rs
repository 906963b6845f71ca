//! A small value, right but for one bug.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;
use std::thread;
use std::time::Duration;

use event_core::conformance::{Gate, Subject};
use event_core::{Refresh, ValueReader};

use super::bug::Bug;
use super::watcher::WrongWatcher;

/// A value whose writes arrive a moment later, as those of a server do.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) bug: Bug,
    pub(super) gate: Gate,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(super) struct State {
    /// All versions; `None` is an error. A cursor is a number of versions.
    pub(super) versions: Vec<Option<u64>>,
    /// Written, and not arrived yet.
    on_their_way: VecDeque<u64>,
    pub(super) has_ended: bool,
    pub(super) watchers: Vec<Registered>,
    next_id: usize,
    /// The cursor that the last watcher left.
    pub(super) cached: usize,
    pub(super) is_upstream_open: bool,
    /// The wakers of dropped watchers.
    pub(super) left_behind: Vec<Waker>,
}

/// What the value knows of a live watcher.
pub(super) struct Registered {
    pub(super) id: usize,
    pub(super) cursor: usize,
    pub(super) wakers: Vec<Waker>,
    /// The task that was woken by the newest version.
    pub(super) woken: Option<Waker>,
}

impl Value {
    pub(super) fn new(bug: Bug) -> (WrongReader, Self) {
        let value = Self { bug, gate: Gate::default(), state: Arc::default() };
        (WrongReader { value: value.clone(), alive: Arc::new(()) }, value)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Value {
    /// Publishes a version and wakes the watchers.
    fn publish(&self, version: Option<u64>) {
        self.state().versions.push(version);
        self.wake_all();
    }

    /// Publishes what was written.
    fn arrive(&self) {
        loop {
            let Some(version) = self.state().on_their_way.pop_front() else { return };
            self.publish(Some(version));
        }
    }

    fn wake_all(&self) {
        let mut state = self.state();
        let mut all = Vec::new();
        for watcher in &mut state.watchers {
            watcher.woken = watcher.wakers.last().cloned();
            all.append(&mut watcher.wakers);
        }
        drop(state);
        all.into_iter().for_each(Waker::wake);
    }
}

impl State {
    pub(super) fn watcher(&mut self, id: usize) -> &mut Registered {
        self.watchers.iter_mut().find(|watcher| watcher.id == id).expect("a live watcher")
    }
}

impl Subject for Value {
    async fn set(&mut self, version: u64) {
        self.arrive();
        self.publish(Some(version));
    }

    async fn write(&mut self, version: u64) {
        self.state().on_their_way.push_back(version);
        let value = self.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(10));
            value.arrive();
        });
    }

    async fn spoil(&mut self) -> bool {
        self.arrive();
        self.publish(None);
        true
    }

    async fn end(&mut self) -> bool {
        self.state().has_ended = true;
        self.wake_all();
        true
    }

    async fn held(&mut self) -> usize {
        let state = self.state();
        match self.bug {
            Bug::HasAnUpstreamForEachWatcher => state.watchers.len(),
            _ => usize::from(state.is_upstream_open),
        }
    }

    fn gate(&self) -> Option<Gate> {
        Some(self.gate.clone())
    }
}

pub(super) struct WrongReader {
    value: Value,
    alive: Arc<()>,
}

impl ValueReader<u64> for WrongReader {
    type Watcher = WrongWatcher;

    fn watch(&self) -> WrongWatcher {
        let mut state = self.value.state();
        let id = state.next_id;
        state.next_id += 1;
        state.is_upstream_open = true;
        state.watchers.push(Registered { id, cursor: 0, wakers: Vec::new(), woken: None });
        drop(state);
        WrongWatcher::new(self.value.clone(), id, Arc::downgrade(&self.alive))
    }

    fn refresh(&self) -> Refresh {
        if self.value.bug != Bug::RefreshesTooSoon {
            self.value.arrive();
        }
        Refresh::nothing()
    }
}
