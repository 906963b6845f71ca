//! What the notifications say, sorted by what has to be looked at.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::time::Instant;

use event_core::upstream::KeyId;

use super::{Driver, Look};
use crate::inbox::Note;
use crate::watches::Who;

/// How many keys are read on the thread of notify at once.
const FEW_KEYS: usize = 16;

impl Driver {
    /// Takes what was noted.
    pub(super) fn handle_notes(&mut self) {
        let notes = self.inbox.take();
        if notes.are_incomplete {
            let affected = self.watches.renew(Path::new(""));
            self.look_again_at(affected, Look::Read);
            self.root_is_dirty = true;
            return;
        }
        let mut of_keys: HashMap<KeyId, Note> = HashMap::new();
        for (path, note) in notes.paths {
            for who in self.watches.of_path(&path) {
                match who {
                    Who::Root => self.root_is_dirty = true,
                    Who::Key(id) => {
                        let before = of_keys.entry(id).or_insert(note);
                        *before = note.max(*before);
                    }
                }
            }
            let Some(affected) = self.watches.of_dir(&path) else { continue };
            if note == Note::Changed {
                // Only its metadata: perhaps its files may be read now, or not any more.
                self.look_again_at(affected, Look::Poll);
            } else {
                // It is gone or another one.
                let affected = self.watches.renew(&path);
                self.look_again_at(affected, Look::Read);
            }
            self.root_is_dirty = true;
        }
        let (times, now) = (self.times(), Instant::now());
        for (id, note) in of_keys {
            if let Some(map) = self.maps.get_mut(&id) {
                let due = map.handle_change(times, now);
                // What was to be read now is changing.
                if map.standing.refresh.is_none() {
                    self.dirty.remove(&id);
                }
                self.set_due(id, Some(due));
                continue;
            }
            let Some(key) = self.keys.get_mut(id) else { continue };
            match note {
                Note::Written => {
                    let due = key.settling.handle_written(times, now);
                    // What was to be read now is changing.
                    if key.standing.refresh.is_none() {
                        self.dirty.remove(&id);
                    }
                    self.set_due(id, Some(due));
                }
                Note::Complete => {
                    key.settling.handle_complete();
                    self.dirty.insert(id, Look::Read);
                }
                Note::Changed | Note::Gone => {
                    self.dirty.insert(id, Look::Read);
                }
            }
        }
    }

    /// Reads files that writers have completed, on the thread of notify. Returns `false` if the thread of the store has
    /// to go on.
    pub(super) fn handle_complete(&mut self) -> bool {
        if self.root_is_dirty || !self.dirty.is_empty() {
            return false;
        }
        let Some(notes) = self.inbox.take_complete() else { return false };
        let of_path = |path| self.watches.of_path(path);
        let who: BTreeSet<Who> = notes.paths.keys().flat_map(|path| of_path(path)).collect();
        // The files of a map are read together.
        let is_map = |who: &Who| matches!(who, Who::Key(id) if self.maps.contains_key(id));
        let is_more = who.len() > FEW_KEYS || who.contains(&Who::Root) || who.iter().any(is_map);
        if is_more || notes.paths.keys().any(|path| self.watches.is_dir(path)) {
            self.inbox.put_back(notes);
            return false;
        }
        let before = self.due();
        self.only_reads = true;
        for who in who {
            let Who::Key(id) = who else { continue };
            if let Some(key) = self.keys.get_mut(id) {
                key.settling.handle_complete();
                self.look_at_key(id, Look::Read);
            }
        }
        self.only_reads = false;
        self.publish_health();
        let is_sooner = |due| before.is_none_or(|before| due < before);
        !self.due().is_some_and(is_sooner)
    }
}
