//! When a file that changes is read and published.
//!
//! A state machine without I/O: it hears what notifications say and what the file looks like, and says whether to read
//! the file now or later.

use std::time::{Duration, Instant};

use crate::read::Stamp;

/// After so long, a file of the same stamp has the same bytes. Before that, a file system with coarse times may give two
/// versions the same time.
pub(super) const CERTAIN: Duration = Duration::from_secs(3);

/// What is known of the changes of one key.
#[derive(Debug, Default)]
pub(super) struct Settling {
    /// What the file was like when the newest version was read.
    newest: Newest,
    /// What it was like when it was last looked at, and since when. A notification of a change begins it anew.
    seen: Option<(State, Instant)>,
    /// When the change began that is waited for.
    since: Option<Instant>,
    /// The last notification said that the file is complete.
    is_complete: bool,
}

/// What a file was like. `None`: it did not exist.
type State = Option<Stamp>;

#[derive(Debug, Default, PartialEq, Eq)]
enum Newest {
    #[default]
    Nothing,
    Read {
        state: State,
        /// It can't have changed without its stamp.
        is_certain: bool,
    },
}

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) settle: Duration,
    pub(super) longest: Duration,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Read,
    /// It has changed for so long that it is read though it changes still.
    ReadAnyway,
    /// Look again at this time.
    Wait(Instant),
}

impl Settling {
    /// Somebody writes. Returns when to look.
    pub(super) fn handle_written(&mut self, times: Times, now: Instant) -> Instant {
        self.is_complete = false;
        self.seen = self.seen.map(|(state, _)| (state, now));
        let since = *self.since.get_or_insert(now);
        (now + times.settle).min(since + times.longest)
    }

    /// A writer has closed the file, or has renamed it into place.
    pub(super) fn handle_complete(&mut self) {
        self.is_complete = true;
    }

    /// The file looks like this. `age` is how long ago it changed, if that is known.
    pub(super) fn look(
        &mut self,
        state: State,
        age: Option<Duration>,
        times: Times,
        now: Instant,
    ) -> Verdict {
        let seen_at = match self.seen {
            Some((seen, at)) if seen == state => at,
            _ => {
                self.seen = Some((state, now));
                now
            }
        };
        // A writer that writes in place makes the file empty first.
        let has_bytes = state.is_some_and(|stamp| stamp.len > 0);
        let is_same = match &self.newest {
            Newest::Nothing => state.is_none(),
            Newest::Read { state: newest, .. } => *newest == state,
        };
        let is_old = age.is_some_and(|age| age >= times.settle);
        let is_quiet = now.saturating_duration_since(seen_at) >= times.settle;
        if is_same || self.is_complete && has_bytes || is_old || is_quiet {
            return Verdict::Read;
        }
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) >= times.longest {
            return Verdict::ReadAnyway;
        }
        Verdict::Wait((seen_at + times.settle).min(since + times.longest))
    }

    /// The file changed while it was read. Returns when to look again.
    pub(super) fn handle_torn(&mut self, state: State, times: Times, now: Instant) -> Instant {
        self.is_complete = false;
        self.seen = Some((state, now));
        let since = *self.since.get_or_insert(now);
        (now + times.settle).min(since + times.longest)
    }

    /// What was read, or is missing, is the newest version.
    pub(super) fn handle_read(&mut self, state: State, now: Instant) {
        let since = self.seen.filter(|(seen, _)| *seen == state).map_or(now, |(_, at)| at);
        let is_certain = now.saturating_duration_since(since) >= CERTAIN;
        self.newest = Newest::Read { state, is_certain };
        self.forget_change();
    }

    /// The file can't be read, or the change that is waited for is of no interest any more.
    pub(super) fn forget_change(&mut self) {
        self.since = None;
        self.is_complete = false;
    }

    /// Whether a file that looks like this need not be read: it has the bytes of the newest version.
    pub(super) fn is_certain(&self, state: State) -> bool {
        self.newest == Newest::Read { state, is_certain: true }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::read::Opened;

    const SETTLE: Duration = Duration::from_millis(20);
    const TIMES: Times = Times { settle: SETTLE, longest: Duration::from_millis(500) };
    const YOUNG: Option<Duration> = Some(Duration::ZERO);

    /// What a file of this length looks like.
    fn stamp(len: usize) -> Stamp {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, vec![0; len]).unwrap();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        Opened::open(&path, kind, 1000).unwrap().stamp
    }

    #[test]
    fn a_file_that_was_renamed_into_place_or_closed_is_read_at_once() {
        let (mut settling, now) = (Settling::default(), Instant::now());
        settling.handle_written(TIMES, now);
        settling.handle_complete();
        assert_eq!(settling.look(Some(stamp(1)), YOUNG, TIMES, now), Verdict::Read);
    }

    #[test]
    fn a_file_that_is_written_is_read_when_it_is_quiet() {
        let (mut settling, begun, stamp) = (Settling::default(), Instant::now(), Some(stamp(1)));
        assert_eq!(settling.handle_written(TIMES, begun), begun + SETTLE);
        let now = begun + SETTLE;
        assert_eq!(settling.look(stamp, YOUNG, TIMES, now), Verdict::Wait(now + SETTLE));
        // It is written again without a change of its stamp.
        let now = now + SETTLE / 2;
        settling.handle_written(TIMES, now);
        assert_eq!(
            settling.look(stamp, YOUNG, TIMES, now + SETTLE / 2),
            Verdict::Wait(now + SETTLE)
        );
        assert_eq!(settling.look(stamp, YOUNG, TIMES, now + SETTLE), Verdict::Read);
    }

    #[test]
    fn an_old_file_is_read_at_once_and_a_young_one_is_not() {
        let (mut settling, now, stamp) = (Settling::default(), Instant::now(), Some(stamp(1)));
        assert_eq!(settling.look(stamp, YOUNG, TIMES, now), Verdict::Wait(now + SETTLE));
        assert_eq!(settling.look(stamp, None, TIMES, now), Verdict::Wait(now + SETTLE));
        assert_eq!(settling.look(stamp, Some(SETTLE), TIMES, now), Verdict::Read);
    }

    #[test]
    fn an_empty_file_and_a_missing_one_wait_even_if_they_are_complete() {
        let now = Instant::now();
        let mut settling = Settling::default();
        settling.handle_complete();
        assert_eq!(settling.look(Some(stamp(0)), YOUNG, TIMES, now), Verdict::Wait(now + SETTLE));

        let mut settling = Settling::default();
        assert_eq!(settling.look(None, None, TIMES, now), Verdict::Read, "it never existed");
        settling.handle_read(Some(stamp(1)), now);
        assert_eq!(settling.look(None, None, TIMES, now), Verdict::Wait(now + SETTLE));
        assert_eq!(settling.look(None, None, TIMES, now + SETTLE), Verdict::Read);
    }

    #[test]
    fn a_file_that_never_settles_is_read_after_a_bounded_time() {
        let (mut settling, begun) = (Settling::default(), Instant::now());
        let mut due = settling.handle_written(TIMES, begun);
        let mut now = begun;
        for len in 1..1000 {
            match settling.look(Some(stamp(len)), YOUNG, TIMES, due) {
                Verdict::Wait(until) => due = until,
                Verdict::Read => panic!("it changes"),
                Verdict::ReadAnyway => {
                    now = due;
                    break;
                }
            }
        }
        assert_eq!(now, begun + TIMES.longest);
    }

    #[test]
    fn the_same_stamp_is_certain_only_if_it_was_there_for_long() {
        let (mut settling, now, stamp) = (Settling::default(), Instant::now(), Some(stamp(1)));
        settling.look(stamp, YOUNG, TIMES, now);
        settling.handle_read(stamp, now + SETTLE);
        assert!(!settling.is_certain(stamp));
        settling.look(stamp, YOUNG, TIMES, now + CERTAIN);
        settling.handle_read(stamp, now + CERTAIN);
        assert!(settling.is_certain(stamp) && !settling.is_certain(None));
    }
}
