//! The ids of watches. The server chooses them (E12, C10), so a watch has none until it is created.
//!
//! Which create is a response to? A server counts the ids of a stream from 0, in the order of the creates, and
//! a refused create gets none. It need not answer in that order: `etcd grpc-proxy` does not. If the first id
//! is not 0, the server counts the watches of all its streams and answers in order, as kine does.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use event_core::upstream::KeyId;

use super::connected::{KeyState, Progress};

/// How many creates are sent before one is answered.
const CREATES: usize = 512;

/// The number of a create on its stream.
pub(super) type Create = u64;

#[derive(Debug, Default)]
pub(super) struct WatchIds {
    /// The creates that are not answered yet, in order. The first one is never answered.
    creating: VecDeque<Creating>,
    /// How many creates came before them.
    before: Create,
    numbering: Numbering,
    /// The slots of the watched keys, found by the id of the watch.
    slots: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The highest id that a watch was created with.
    highest: Option<i64>,
}

#[derive(Debug)]
struct Creating {
    key: KeyId,
    is_answered: bool,
}

#[derive(Debug, Default)]
enum Numbering {
    #[default]
    Unknown,
    /// The id that the first create gets which is not answered yet.
    Counted(i64),
    InOrder,
}

impl WatchIds {
    /// Whether another create may be sent. The first id tells how the server counts.
    pub(super) fn has_room(&self) -> bool {
        let most = if let Numbering::Unknown = self.numbering { 1 } else { CREATES };
        self.creating.len() < most
    }

    /// Whether a create is not answered yet.
    pub(super) fn is_creating(&self) -> bool {
        !self.creating.is_empty()
    }

    /// A create is sent.
    pub(super) fn create(&mut self, key: KeyId) -> Create {
        self.creating.push_back(Creating { key, is_answered: false });
        self.before + self.creating.len() as Create - 1
    }

    /// A watch was created. Says which one; `None` if it was not asked for.
    pub(super) fn created(&mut self, watch_id: i64) -> Option<(KeyId, Create)> {
        let at = match self.numbering {
            Numbering::Unknown if watch_id == 0 => {
                self.numbering = Numbering::Counted(0);
                0
            }
            Numbering::Unknown => {
                self.numbering = Numbering::InOrder;
                0
            }
            Numbering::Counted(first) => watch_id.checked_sub(first)?,
            Numbering::InOrder => 0,
        };
        let at = usize::try_from(at).ok().filter(|_| watch_id >= 0)?;
        let creating = self.creating.get_mut(at).filter(|creating| !creating.is_answered)?;
        creating.is_answered = true;
        let created = (creating.key, self.before + at as Create);
        self.highest = self.highest.max(Some(watch_id));
        while self.creating.front().is_some_and(|creating| creating.is_answered) {
            self.pop();
            if let Numbering::Counted(first) = &mut self.numbering {
                *first += 1;
            }
        }
        Some(created)
    }

    /// A watch was refused. Says which one (E3).
    pub(super) fn refused(&mut self) -> Option<(KeyId, Create)> {
        let create = self.before;
        let key = self.pop()?.key;
        Some((key, create))
    }

    /// Whether a watch may once have had this id.
    pub(super) fn was_given(&self, watch_id: i64) -> bool {
        watch_id >= 0 && Some(watch_id) <= self.highest
    }

    /// The slot of the key that has this watch.
    pub(super) fn find(&self, watch_id: i64, progress: &[Progress]) -> Option<u32> {
        let is_it = |slot: &u32| id_at(*slot, progress) == Some(watch_id);
        self.slots.find(self.hasher.hash_one(watch_id), is_it).copied()
    }

    /// The key in this slot has this watch.
    pub(super) fn insert(&mut self, watch_id: i64, slot: u32, progress: &[Progress]) {
        let Self { slots, hasher, .. } = self;
        let rehash = |slot: &u32| id_at(*slot, progress).map_or(0, |id| hasher.hash_one(id));
        slots.insert_unique(hasher.hash_one(watch_id), slot, rehash);
    }

    /// The key in this slot has this watch no more.
    pub(super) fn remove(&mut self, watch_id: i64, slot: u32) {
        let hash = self.hasher.hash_one(watch_id);
        if let Ok(place) = self.slots.find_entry(hash, |other| *other == slot) {
            place.remove();
        }
    }

    fn pop(&mut self) -> Option<Creating> {
        let first = self.creating.pop_front()?;
        self.before += 1;
        if self.creating.is_empty() {
            self.creating = VecDeque::new(); // at the start it has many
        }
        Some(first)
    }
}

fn id_at(slot: u32, progress: &[Progress]) -> Option<i64> {
    match progress.get(slot as usize)?.state {
        KeyState::Watched(id) => Some(id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_that_ended_leaves_nothing_behind() {
        let mut ids = WatchIds::default();
        let mut progress: Vec<_> = (0..10).map(|_| Progress::default()).collect();
        for watch_id in 0..1000 {
            let slot = u32::try_from(watch_id % 10).unwrap();
            progress[slot as usize].state = KeyState::Watched(watch_id);
            ids.insert(watch_id, slot, &progress);
            assert_eq!(ids.find(watch_id, &progress), Some(slot));
            ids.remove(watch_id, slot);
            assert_eq!(ids.find(watch_id, &progress), None);
        }
        assert_eq!(ids.slots.len(), 0);
    }
}
