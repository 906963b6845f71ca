//! What the notifications say, until the driver takes it.
//!
//! Only paths that the driver is interested in are kept, each once: a note. So it is bounded by the keys, and a
//! directory with much traffic in other files wakes nobody.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind};
use notify::{Event, EventHandler};

use crate::signal::Signal;

pub(crate) struct Inbox {
    state: Mutex<State>,
    /// Wakes the driver.
    signal: Arc<Signal>,
    now: OnceLock<Weak<dyn HandleNow>>,
}

/// Handles notes on the thread of the notifications.
pub(crate) trait HandleNow: Send + Sync {
    /// Returns whether that was possible. If not, the driver has to be woken.
    fn handle_now(&self) -> bool;
}

#[derive(Debug, Default)]
struct State {
    interests: HashSet<Arc<Path>>,
    /// Directories of which any file counts, and the path that stands for all of them: see `watches::all_in`.
    folders: HashMap<PathBuf, Arc<Path>>,
    /// Other paths of directories that the system watches by these.
    twins: HashMap<Arc<Path>, Vec<Arc<Path>>>,
    notes: Notes,
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("state", &self.state).finish_non_exhaustive()
    }
}

/// What happened since the driver last looked.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) paths: HashMap<Arc<Path>, Note>,
    /// Notifications were lost: anything may have happened.
    pub(crate) are_incomplete: bool,
}

/// What happened to a path last. The order is the one in which they win if two paths of a key have notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Note {
    /// Its metadata changed.
    Changed,
    /// It was removed, or renamed to elsewhere.
    Gone,
    /// A writer has closed it, or has renamed it into place.
    Complete,
    /// It was created or written.
    Written,
}

impl Inbox {
    /// The inbox of the thread that this signal wakes.
    pub(crate) fn new(signal: Arc<Signal>) -> Self {
        Self { state: Mutex::default(), signal, now: OnceLock::new() }
    }

    pub(crate) fn add_interest(&self, path: Arc<Path>) {
        let mut state = self.lock();
        if let Some(dir) = folder(&path) {
            state.folders.insert(dir.to_owned(), Arc::clone(&path));
        }
        state.interests.insert(path);
    }

    pub(crate) fn remove_interest(&self, path: &Path) {
        let mut state = self.lock();
        state.interests.remove(path);
        if let Some(dir) = folder(path) {
            state.folders.remove(dir);
        }
        state.notes.paths.remove(path);
    }

    /// What happens in this directory happens in those, too: they are other paths of it.
    pub(crate) fn set_twins(&self, dir: &Arc<Path>, twins: Vec<Arc<Path>>) {
        let mut state = self.lock();
        if twins.is_empty() {
            state.twins.remove(dir);
        } else {
            state.twins.insert(Arc::clone(dir), twins);
        }
    }

    /// These may have changed unnoticed.
    pub(crate) fn doubt(&self, paths: impl Iterator<Item = Arc<Path>>) {
        let mut state = self.lock();
        for path in paths {
            state.notes.paths.entry(path).or_insert(Note::Changed);
        }
        drop(state);
        self.signal.set();
    }

    /// Who handles notes on the thread of the notifications.
    pub(crate) fn set_now(&self, now: Weak<dyn HandleNow>) {
        let _ = self.now.set(now); // it is set once
    }

    /// Takes the notes if none is missing, and all of them are of files that a writer has completed.
    pub(crate) fn take_complete(&self) -> Option<Notes> {
        let mut state = self.lock();
        let notes = &state.notes;
        let mut paths = notes.paths.values();
        let is_meant = !notes.are_incomplete && paths.all(|note| *note == Note::Complete);
        is_meant.then(|| mem::take(&mut state.notes))
    }

    /// Puts back what was taken on the thread of the notifications, so nothing was noted in between.
    pub(crate) fn put_back(&self, taken: Notes) {
        self.lock().notes.paths.extend(taken.paths);
    }

    pub(crate) fn take(&self) -> Notes {
        mem::take(&mut self.lock().notes)
    }

    fn handle(&self, event: notify::Result<Event>) {
        let Ok(event) = event else { return self.lose() };
        if event.need_rescan() {
            return self.lose();
        }
        let Some(note) = Note::of(event.kind) else { return };
        let mut state = self.lock();
        let mut is_noted = false;
        for path in event.paths {
            is_noted |= state.note(&path, note);
            for twin in state.twins_of(&path) {
                is_noted |= state.note(&twin, note);
            }
        }
        drop(state);
        let handle_now = || self.now.get()?.upgrade().map(|now| now.handle_now());
        if is_noted && !(note == Note::Complete && handle_now() == Some(true)) {
            self.signal.set();
        }
    }

    /// Notifications were lost.
    pub(crate) fn lose(&self) {
        self.lock().notes.are_incomplete = true;
        self.signal.set();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns whether somebody is interested in the path.
    fn note(&mut self, path: &Path, note: Note) -> bool {
        let is_noted = self.note_in_folder(path);
        let Some(path) = self.interests.get(path) else { return is_noted };
        let noted = self.notes.paths.entry(Arc::clone(path)).or_insert(note);
        *noted = noted.then(note);
        true
    }

    /// Notes a change of any file of a directory as one. Whichever it is, the directory has to be listed, so it is never
    /// [complete](Note::Complete).
    fn note_in_folder(&mut self, path: &Path) -> bool {
        let folder = path.parent().filter(|_| !self.folders.is_empty());
        let Some(all) = folder.and_then(|dir| self.folders.get(dir)) else { return false };
        self.notes.paths.insert(Arc::clone(all), Note::Written);
        true
    }

    /// Other paths of what a notification is about: a directory, or something in one.
    fn twins_of(&self, path: &Path) -> Vec<PathBuf> {
        if self.twins.is_empty() {
            return Vec::new();
        }
        let of_dir = self.twins.get(path).into_iter().flatten().map(|twin| twin.to_path_buf());
        let (dir, name) = (path.parent(), path.file_name());
        let in_dir = dir.zip(name).and_then(|(dir, name)| Some((self.twins.get(dir)?, name)));
        let in_dir = in_dir
            .into_iter()
            .flat_map(|(twins, name)| twins.iter().map(move |twin| twin.join(name)));
        of_dir.chain(in_dir).collect()
    }
}

/// The directory, if the path stands for all that is in it.
fn folder(path: &Path) -> Option<&Path> {
    path.parent().filter(|_| path.ends_with(".."))
}

impl Note {
    fn of(event: EventKind) -> Option<Self> {
        match event {
            EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Name(
                notify::event::RenameMode::To | notify::event::RenameMode::Any,
            )) => Some(Self::Complete),
            // Comes beside one for each of the two paths.
            EventKind::Modify(ModifyKind::Name(notify::event::RenameMode::Both))
            | EventKind::Access(_) => None,
            EventKind::Modify(ModifyKind::Name(_)) | EventKind::Remove(_) => Some(Self::Gone),
            EventKind::Modify(ModifyKind::Metadata(_))
            | EventKind::Create(CreateKind::Folder)
            | EventKind::Other => Some(Self::Changed),
            EventKind::Create(_) | EventKind::Modify(_) | EventKind::Any => Some(Self::Written),
        }
    }

    /// What is true after this, and then the other.
    fn then(self, next: Self) -> Self {
        if next == Self::Changed { self } else { next }
    }
}

/// The side of the notifications.
#[derive(Debug)]
pub(crate) struct Notified(pub(crate) Arc<Inbox>);

impl EventHandler for Notified {
    fn handle_event(&mut self, event: notify::Result<Event>) {
        self.0.handle(event);
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{DataChange, Flag, MetadataKind, RenameMode};

    use super::*;

    const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));
    const METADATA: EventKind = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));

    fn inbox() -> Inbox {
        let inbox = Inbox::new(Signal::new());
        inbox.add_interest(Path::new("/dir/key").into());
        inbox
    }

    fn event(kind: EventKind, path: &str) -> Event {
        Event::new(kind).add_path(PathBuf::from(path))
    }

    /// What is noted of the key after these events.
    fn note(kinds: &[EventKind]) -> Option<Note> {
        let inbox = inbox();
        for kind in kinds {
            inbox.handle(Ok(event(*kind, "/dir/key")));
        }
        inbox.take().paths.remove(Path::new("/dir/key"))
    }

    #[test]
    fn a_file_is_complete_when_its_last_writer_has_closed_it() {
        let created = EventKind::Create(CreateKind::File);
        let moved = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        assert_eq!(note(&[created, WRITTEN, CLOSED]), Some(Note::Complete));
        assert_eq!(note(&[CLOSED, METADATA]), Some(Note::Complete));
        assert_eq!(note(&[CLOSED, WRITTEN]), Some(Note::Written));
        assert_eq!(note(&[moved]), Some(Note::Complete));
        assert_eq!(note(&[EventKind::Access(AccessKind::Open(AccessMode::Any))]), None);
    }

    #[test]
    fn events_of_other_files_are_not_kept() {
        let inbox = inbox();
        for number in 0..100_000 {
            inbox.handle(Ok(event(WRITTEN, &format!("/dir/other-{number}"))));
        }
        assert!(inbox.take().paths.is_empty());
        for _ in 0..100_000 {
            inbox.handle(Ok(event(WRITTEN, "/dir/key")));
        }
        assert_eq!(inbox.take().paths.len(), 1);
    }

    #[test]
    fn any_file_of_a_folder_is_one_note_that_is_never_complete() {
        let inbox = inbox();
        let all: Arc<Path> = crate::watches::all_in(Path::new("/dir")).into();
        inbox.add_interest(Arc::clone(&all));
        for number in 0..1000 {
            inbox.handle(Ok(event(CLOSED, &format!("/dir/other-{number}"))));
            inbox.handle(Ok(event(CLOSED, &format!("/dir/below/other-{number}"))));
        }
        assert!(inbox.take_complete().is_none());
        let notes = inbox.take().paths;
        assert_eq!((notes.len(), notes[&all]), (1, Note::Written));
        inbox.remove_interest(&all);
        inbox.handle(Ok(event(CLOSED, "/dir/other")));
        assert!(inbox.take().paths.is_empty() && inbox.lock().folders.is_empty());
    }

    #[test]
    fn an_overflow_of_the_queue_and_an_error_make_the_notes_incomplete() {
        let inbox = inbox();
        inbox.handle(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert!(inbox.take().are_incomplete);
        inbox.handle(Err(notify::Error::generic("broken")));
        assert!(inbox.take().are_incomplete);
        assert!(!inbox.take().are_incomplete);
    }
}
