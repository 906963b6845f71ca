//! The one thread of a store: waits for notifications, reads files, and publishes what differs.
//!
//! Why a thread, and not a task? Reading a file blocks, whatever the runtime is. So the crate needs none.

mod backoff;
mod handover;
mod health;
mod look;
mod map;
mod notes;
mod root;
mod settling;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use event_core::upstream::{KeyId, Publisher, Requests, Slots};
use event_core::{Bytes, Cause, CauseKind, HealthState as State};

use crate::inbox::Inbox;
use crate::options::Options;
use crate::signal::Signal;
use crate::watches::{Watches, Who};
use handover::Handover;
use health::HealthState;
use map::Map;
use root::{Root, RootState};
use settling::{Settling, Times};
use standing::Standing;

/// How often it looks whether the directories are still the same ones, and at files with several names.
const CHECK: Duration = Duration::from_secs(5);
pub(crate) struct Driver {
    options: Options,
    publisher: Publisher,
    inbox: Arc<Inbox>,
    watches: Watches,
    root: Root,
    /// The root may have changed.
    root_is_dirty: bool,
    keys: Slots<Key>,
    maps: BTreeMap<KeyId, Map>,
    /// The keys and maps to look at now.
    dirty: BTreeMap<KeyId, Look>,
    /// The keys whose file is a mount of its own: its directory hears nothing of those who write it by another path.
    mounted: BTreeSet<KeyId>,
    /// The keys whose file has several names: its directory hears nothing of those who write it by another one.
    linked: BTreeSet<KeyId>,
    /// When to look at keys.
    due: BTreeSet<(Instant, KeyId)>,
    next_check: Instant,
    next_poll: Instant,
    health: HealthState,
    /// The revision of the newest version.
    revision: i64,
    /// It runs on the thread of notify, which can't wait for itself: nothing may be watched or unwatched.
    only_reads: bool,
}

/// How to look at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    /// Its bytes need not be read if the file looks as before.
    Poll,
    Read,
}

struct Key {
    name: Bytes,
    /// What its file depends on: links, and the file itself.
    chain: Vec<Arc<Path>>,
    /// Where the file system of its file is mounted, if it is not that of the store's directory.
    mount: Option<PathBuf>,
    settling: Settling,
    due: Option<Instant>,
    standing: Standing,
}

impl Driver {
    /// Starts the thread of a store. It ends with the upstream.
    pub(crate) fn start(root: PathBuf, options: Options, publisher: Publisher) -> io::Result<()> {
        let run = move || {
            let signal = Signal::new();
            Self::new(root, options, publisher, &signal).run(&signal);
        };
        thread::Builder::new().name("event-file".to_owned()).spawn(run).map(drop)
    }

    fn new(root: PathBuf, options: Options, publisher: Publisher, signal: &Arc<Signal>) -> Self {
        let inbox = Arc::new(Inbox::new(Arc::clone(signal)));
        let now = Instant::now();
        let root = Root::new(root);
        Self {
            watches: Watches::new(Arc::clone(&inbox), options.only_polls),
            options,
            publisher,
            inbox,
            health: HealthState::new(root.name(), now),
            root,
            root_is_dirty: true,
            keys: Slots::default(),
            maps: BTreeMap::new(),
            dirty: BTreeMap::new(),
            mounted: BTreeSet::new(),
            linked: BTreeSet::new(),
            due: BTreeSet::new(),
            next_check: now + CHECK,
            next_poll: now,
            revision: 0,
            only_reads: false,
        }
    }

    fn run(self, signal: &Arc<Signal>) {
        let waker = Waker::from(Arc::clone(signal));
        let mut cx = Context::from_waker(&waker);
        let handover = Handover::new();
        self.inbox.set_now(handover.for_notifications());
        handover.put(Box::new(self));
        while let Some(mut driver) = handover.take() {
            if !driver.turn(&mut cx) {
                handover.end();
                return;
            }
            let due = driver.due();
            handover.put(driver);
            signal.wait(due);
        }
    }

    /// Does what is to be done now. Returns `false` if the upstream ended.
    fn turn(&mut self, cx: &mut Context<'_>) -> bool {
        while let Poll::Ready(requests) = self.publisher.poll_next(cx) {
            let Some(requests) = requests else { return false };
            self.handle_requests(requests);
        }
        self.handle_notes();
        self.handle_time();
        self.look_at_root();
        // Before the keys: whoever has a version finds a health that knows of the directory.
        self.publish_health();
        self.look_at_keys();
        self.publish_health();
        true
    }

    fn handle_requests(&mut self, requests: Requests) {
        for id in requests.stopped {
            self.set_due(id, None);
            self.dirty.remove(&id);
            self.mounted.remove(&id);
            self.linked.remove(&id);
            if let Some(mut key) = self.keys.remove(id) {
                self.watches.clear(Who::Key(id), &mut key.chain);
            }
            if let Some(mut map) = self.maps.remove(&id) {
                self.watches.clear(Who::Key(id), &mut map.paths);
            }
        }
        if self.is_idle() {
            self.root.forget(&mut self.watches);
            self.root_is_dirty = true;
        }
        for (id, name) in requests.started {
            self.keys.insert(id, Key::new(name));
            self.dirty.insert(id, Look::Read);
        }
        for (id, range) in requests.started_maps {
            self.maps.insert(id, Map::new(range));
            self.dirty.insert(id, Look::Read);
        }
        for (id, ticket) in requests.refreshes {
            let refresh = match self.keys.get_mut(id) {
                Some(key) => Some(&mut key.standing.refresh),
                None => self.maps.get_mut(&id).map(|map| &mut map.standing.refresh),
            };
            if let Some(refresh) = refresh {
                *refresh = Some(ticket);
                self.dirty.insert(id, Look::Read);
                self.root_is_dirty = true;
            }
        }
    }

    /// Whether nothing is watched.
    fn is_idle(&self) -> bool {
        self.keys.is_empty() && self.maps.is_empty()
    }

    fn handle_time(&mut self) {
        let now = Instant::now();
        while let Some((_, id)) = self.due.first().filter(|(due, _)| *due <= now).copied() {
            self.set_due(id, None);
            self.dirty.insert(id, Look::Read);
        }
        if self.root.due.is_some_and(|due| due <= now) {
            self.root_is_dirty = true;
        }
        if !self.watches.is_empty() && self.next_check <= now {
            self.next_check = now + CHECK;
            self.root_is_dirty = true;
            let affected = self.watches.check();
            self.look_again_at(affected, Look::Read);
            let linked: Vec<KeyId> = self.linked.iter().copied().collect();
            self.look_again_at(linked.into_iter().map(Who::Key), Look::Poll);
        }
        if self.polls_any() && self.next_poll <= now {
            self.next_poll = now + self.options.poll_interval;
            let affected = self.watches.of_polled();
            self.look_again_at(affected, Look::Poll);
            let mounted: Vec<KeyId> = self.mounted.iter().copied().collect();
            self.look_again_at(mounted.into_iter().map(Who::Key), Look::Poll);
            self.root_is_dirty = true;
        }
    }

    fn look_again_at(&mut self, who: impl IntoIterator<Item = Who>, look: Look) {
        for who in who {
            match who {
                Who::Root => self.root_is_dirty = true,
                Who::Key(id) => {
                    let before = self.dirty.entry(id).or_insert(look);
                    *before = look.max(*before);
                }
            }
        }
    }

    fn look_at_root(&mut self) {
        if self.is_idle() || !self.root_is_dirty {
            return;
        }
        self.root_is_dirty = false;
        if self.root.look(&mut self.watches, Instant::now()) {
            // Another directory, or there again: all of it may be different.
            self.watches.renew(Path::new(""));
            let ids = self.keys.iter().map(|(id, _)| id).chain(self.maps.keys().copied());
            self.dirty.extend(ids.map(|id| (id, Look::Read)));
        }
        if let RootState::Lost(_) = self.root.state {
            // Nothing is known of keys until it is there again.
            self.dirty.clear();
            self.due.clear();
            self.publisher.accept_all();
            for key in self.keys.iter_mut() {
                (key.due, key.standing.refused) = (None, None);
            }
            for map in self.maps.values_mut() {
                (map.due, map.standing.refused) = (None, None);
            }
        }
    }

    fn polls_any(&self) -> bool {
        self.watches.poll_any() || !self.mounted.is_empty()
    }

    fn publish_health(&mut self) {
        let state = (!self.is_idle()).then_some(&self.root.state);
        let refusal = self.publisher.refusal();
        let health = match (state, refusal) {
            (None | Some(RootState::Unknown), _) => (State::Connecting, None),
            (Some(RootState::Lost(cause)), _) => (State::Stalled, Some(cause.clone())),
            (Some(RootState::Found(_)), refusal) => {
                (State::Live, refusal.or_else(|| self.why_polled()))
            }
        };
        self.health.publish(&self.publisher, health);
    }

    /// What is polled though the program did not ask for it, and why.
    fn why_polled(&self) -> Option<Cause> {
        let mounted = || {
            let id = self.mounted.first()?;
            let key = self.keys.get(*id).and_then(|key| key.chain.last());
            let path = key.or_else(|| self.maps.get(id)?.paths.first())?;
            Some((&**path, "a file is mounted on its own"))
        };
        let (path, why) = self.watches.why_polled().or_else(mounted)?;
        let interval = self.options.poll_interval;
        let why = format!("{} is looked at every {interval:?}: {why}", path.display());
        Some(Cause::new(CauseKind::NoNotifications, why))
    }

    /// When to go on. `None`: when something happens.
    fn due(&self) -> Option<Instant> {
        if self.is_idle() {
            return self.health.due();
        }
        if self.root_is_dirty || !self.dirty.is_empty() {
            return Some(Instant::now());
        }
        let checks = (!self.watches.is_empty()).then_some(self.next_check);
        let polls = self.polls_any().then_some(self.next_poll);
        let first = self.due.first().map(|(due, _)| *due);
        let all = [checks, polls, first, self.root.due, self.health.due()];
        all.into_iter().flatten().min()
    }

    fn set_due(&mut self, id: KeyId, due: Option<Instant>) {
        let known = match self.keys.get_mut(id) {
            Some(key) => Some(&mut key.due),
            None => self.maps.get_mut(&id).map(|map| &mut map.due),
        };
        let Some(known) = known else { return };
        if let Some(before) = std::mem::replace(known, due) {
            self.due.remove(&(before, id));
        }
        if let Some(due) = due {
            self.due.insert((due, id));
        }
    }

    fn times(&self) -> Times {
        Times { settle: self.options.settle, longest: self.options.longest_settle() }
    }
}

impl Key {
    fn new(name: Bytes) -> Self {
        Self {
            name,
            chain: Vec::new(),
            mount: None,
            settling: Settling::default(),
            due: None,
            standing: Standing::default(),
        }
    }
}
