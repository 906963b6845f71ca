//! What was published of a range, and the laws of its steps.

use std::collections::BTreeMap;

use event_core::{Bytes, Entry};

use crate::simulation::history::{History, key_of, keys_of};
use crate::simulation::world::Checked;

#[derive(Debug, Default)]
pub(super) struct Map {
    entries: BTreeMap<Bytes, Entry>,
    pub(super) is_synced: bool,
    /// The history that it was last equal to, and the lowest revision at which that may have been.
    at: Option<(usize, i64)>,
}

impl Map {
    /// A step is published. It must change something, and then the map must be what the store held at one revision
    /// since the range was asked for, and not before the last one.
    pub(super) fn published(
        &mut self,
        subject: usize,
        step: &[Entry],
        is_synced: bool,
        (generation, history): (usize, &History),
        floor: i64,
        has_lost: bool,
    ) -> Checked {
        if step.is_empty() && self.is_synced {
            return Err("an empty step is published".to_owned());
        }
        if self.is_synced && !is_synced {
            return Err("a map that is synced is so no more".to_owned());
        }
        for (at, entry) in step.iter().enumerate() {
            let key = key_of(&entry.key).filter(|key| keys_of(subject).contains(key));
            let key = key.ok_or("a key is published that is not in the range")?;
            if step[..at].iter().any(|earlier| earlier.key == entry.key) {
                return Err(format!("{entry:?} is in a step twice"));
            }
            let before = match entry.value() {
                Some(_) => self.entries.insert(entry.key.clone(), entry.clone()),
                None => Some(self.entries.remove(&entry.key).ok_or("a key is deleted twice")?),
            };
            if before.as_ref() == Some(entry) {
                return Err(format!("{entry:?} is published twice in a row"));
            }
            if let (Some(_), Some(revision)) = (entry.value(), entry.revision())
                && (revision > history.revision
                    || history.entry_at(subject, key, revision).as_ref() != Some(entry))
            {
                return Err(format!("{entry:?} was never so"));
            }
        }
        self.is_synced = is_synced;
        if !is_synced || has_lost {
            return Ok(()); // more is to come, or something is missing
        }
        let last = self.at.filter(|(last, _)| *last == generation).map_or(0, |(_, at)| at);
        if self.at.is_some_and(|(last, _)| last > generation) {
            return Err("a step is of a history that is over".to_owned());
        }
        let since = last.max(floor);
        let Some(revision) = self.equals(subject, history, since) else {
            let entries = &self.entries;
            return Err(format!("the store never held {entries:?} since revision {since}"));
        };
        self.at = Some((generation, revision));
        Ok(())
    }

    /// The first revision, from one on, at which the store held the same.
    pub(super) fn equals(&self, subject: usize, history: &History, since: i64) -> Option<i64> {
        let mut revision = Some(since).filter(|since| *since <= history.revision);
        while let Some(at) = revision.filter(|at| !self.is(subject, history, *at)) {
            revision = history.next_change(subject, at + 1);
        }
        revision
    }

    fn is(&self, subject: usize, history: &History, revision: i64) -> bool {
        let mut entries = self.entries.values();
        let held = keys_of(subject).filter_map(|key| history.entry_at(subject, key, revision));
        let mut count = 0;
        let is_same = held.inspect(|_| count += 1).all(|held| entries.next() == Some(&held));
        is_same && count == self.entries.len()
    }

    /// Whether it has what the store holds.
    pub(super) fn is_up_to_date(&self, subject: usize, history: &History) -> bool {
        self.is_synced && self.is(subject, history, history.revision)
    }

    pub(super) fn revision_of(&self, key: &Bytes) -> Option<i64> {
        self.entries.get(key)?.revision()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
