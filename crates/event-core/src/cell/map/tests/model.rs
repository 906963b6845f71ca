//! Random histories: what watchers yielded is compared with a map that is obviously right.

use std::collections::BTreeMap;

use super::*;

const KEYS: u32 = 40;
const HISTORIES: u64 = 300;
const ACTIONS: usize = 400;

/// `None`: the key's newest version is an error.
type Model = BTreeMap<u32, Option<u32>>;

struct Run {
    random: fastrand::Rng,
    map: Arc<Map>,
    truth: Model,
    is_synced: bool,
    version: u32,
    watchers: Vec<Told>,
}

/// A watcher, and what it yielded.
struct Told {
    watcher: Watching,
    keys: Model,
    is_synced: bool,
}

impl Told {
    fn hears(&mut self, change: &Change<u32, u32>, truth: &Model) {
        match *change {
            Change::Put { key, value } => {
                assert_eq!(truth.get(&key), Some(&Some(value)), "the newest version");
                assert_ne!(self.keys.insert(key, Some(value)), Some(Some(value)), "told once");
            }
            Change::Failed { key, .. } => {
                assert_eq!(truth.get(&key), Some(&None), "the newest version");
                self.keys.insert(key, None);
            }
            Change::Delete { key } => {
                assert!(!truth.contains_key(&key), "no delete of a key that is there");
                self.keys.remove(&key);
            }
            Change::Synced => {
                assert!(!std::mem::replace(&mut self.is_synced, true), "synced once");
                assert_eq!(&self.keys, truth, "synced when nothing is left to take");
            }
        }
    }
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let is_synced = random.bool();
        let map = Arc::new(Map::new(is_synced));
        Self { random, map, truth: Model::new(), is_synced, version: 0, watchers: Vec::new() }
    }

    /// A random change of a random key.
    fn change(&mut self) -> (u32, Option<Result<u32, Error>>) {
        self.version += 1;
        let version = self.version;
        let value = match self.random.u8(..10) {
            0..4 => None,
            4 => Some(Err(Error::new(crate::ErrorKind::Decode, "spoilt"))),
            _ => Some(Ok(version)),
        };
        (self.random.u32(..KEYS), value)
    }

    fn makes_true(&mut self, key: u32, value: Option<Result<u32, Error>>) {
        match value {
            Some(value) => self.truth.insert(key, value.ok()),
            None => self.truth.remove(&key),
        };
    }

    fn acts(&mut self) {
        match self.random.u8(..20) {
            0..5 => match self.change() {
                (key, Some(value)) => {
                    self.map.put(key, value.clone());
                    self.makes_true(key, Some(value));
                }
                (key, None) => {
                    assert_eq!(self.map.delete(&key), self.truth.remove(&key).is_some());
                }
            },
            5..8 => {
                let mut step = self.map.step();
                for _ in 0..self.random.usize(..10) {
                    let (key, value) = self.change();
                    step.change(key, value.clone());
                    self.makes_true(key, value);
                }
                self.map.apply(step);
            }
            8 => self.replaces(),
            9 => {
                self.map.set_synced();
                self.is_synced = true;
            }
            10 if self.watchers.len() < 8 => {
                let watcher = Watching::of(&self.map);
                self.watchers.push(Told { watcher, keys: Model::new(), is_synced: false });
            }
            11 if !self.watchers.is_empty() && self.random.bool() => {
                let gone = self.random.usize(..self.watchers.len());
                self.watchers.swap_remove(gone);
            }
            _ if self.watchers.is_empty() => {}
            _ => self.polls(),
        }
    }

    /// A re-read: some of the keys are the same, some are not, some are gone.
    fn replaces(&mut self) {
        let mut step = self.map.step();
        let before = std::mem::take(&mut self.truth);
        for (key, value) in before {
            match (self.random.u8(..3), value) {
                (0, _) => {}
                (1, Some(value)) => {
                    step.insert(key, value);
                    self.truth.insert(key, Some(value));
                }
                _ => {
                    self.version += 1;
                    step.insert(key, self.version);
                    self.truth.insert(key, Some(self.version));
                }
            }
        }
        self.map.replace(step);
    }

    /// Some watcher takes one change, a few at once, or all.
    fn polls(&mut self) {
        let which = self.random.usize(..self.watchers.len());
        let Self { random, truth, is_synced, watchers, .. } = self;
        let told = &mut watchers[which];
        let cx = &mut Context::from_waker(Waker::noop());
        for _ in 0..random.usize(1..30) {
            let limit = random.usize(1..10);
            let Watching { cell, cursor } = &mut told.watcher;
            let mut changes = Vec::new();
            let is_pending = if random.bool() {
                cell.poll_changes(cursor, cx, limit, &mut changes).is_pending()
            } else {
                let polled = cell.poll_change(cursor, cx);
                let is_pending = polled.is_pending();
                changes.extend(match polled {
                    Poll::Ready(change) => change.ok(),
                    Poll::Pending => None,
                });
                is_pending
            };
            assert!(changes.len() <= limit);
            for change in &changes {
                told.hears(change, truth);
            }
            if is_pending {
                assert_eq!(&told.keys, truth, "the map as of the last step");
                assert_eq!(told.is_synced, *is_synced);
                break;
            }
        }
    }
}

#[test]
fn whatever_happens_each_watcher_is_told_the_map() {
    for seed in 0..HISTORIES {
        let mut run = Run::new(seed);
        for _ in 0..ACTIONS {
            run.acts();
            run.map.is_within_its_bound();
        }
        run.map.remove_writer(None);
        for mut told in std::mem::take(&mut run.watchers) {
            loop {
                match told.watcher.poll() {
                    Poll::Ready(Ok(change)) => told.hears(&change, &run.truth),
                    Poll::Ready(Err(error)) => break assert!(error.is_closed()),
                    Poll::Pending => unreachable!("the map ended"),
                }
            }
            assert_eq!(told.keys, run.truth);
        }
    }
}
