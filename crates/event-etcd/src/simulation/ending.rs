//! The end of a schedule: all faults end, and then everything must come right.

use std::time::Duration;

use crate::simulation::cluster::ServedBy;
use crate::simulation::history::{KEYS, name, value};
use crate::simulation::world::{Checked, World};
use event_core::{Cause, CauseKind, HealthState};

/// Every key has what the store holds within this time: longer than a value that was too large waits …
const PATIENCE: Duration = Duration::from_secs(45);
/// … and after this many steps at most.
const MOST_STEPS: usize = 10_000;
/// How long nothing comes through.
const HELD: Duration = Duration::from_millis(150);
/// How many changes of a key are more than the server queues, and replayed in rounds.
const REPLAYED: std::ops::Range<usize> = 400..1200;
/// Shorter than the wait before what is refused is asked for again.
const SHORT: Duration = Duration::from_millis(400);

impl World {
    pub(super) fn finish(&mut self) -> Checked {
        self.note(|| "all faults end".to_owned());
        self.cluster.heal();
        // One key may stay refused, which must not harm the others.
        self.cluster.large[0] = self.random.u8(..8) == 0;
        self.link.iter_mut().for_each(|one| one.stalled_since = None);
        // What was held back comes through, or a box in between has forgotten the connection.
        if self.random.bool() {
            self.link.iter_mut().for_each(|one| one.silent = false);
        }
        // Calls get a new token by now; a stream keeps its own.
        self.link.iter_mut().for_each(|one| one.token = self.cluster.token);
        for member in 0..self.cluster.members.len() {
            if !self.cluster.members[member].stray {
                self.add_endpoint(member)?;
            }
        }
        self.come_right()?;
        // A watch that only seems to be there misses this.
        let writes: Vec<_> = (0..KEYS)
            .map(|key| (key, self.random.bool().then(|| value(&mut self.random))))
            .collect();
        self.note(|| format!("the last writes: {writes:?}"));
        for write in writes {
            self.cluster.history_mut().write(&[write]);
        }
        self.come_right()?;
        self.rest()?;
        self.catch_up()?;
        self.unsubscribe_from_all()
    }

    /// Nothing happens for a while. On a connection that works that is no reason to do anything but
    /// to ask for signs of life.
    fn rest(&mut self) -> Checked {
        if self.link.as_ref().is_some_and(|one| one.asked.is_some()) {
            return Ok(()); // asked while a watch lagged, and therefore not answered
        }
        if self.cluster.served_by == ServedBy::GrpcProxy && self.is_outdated() {
            return Ok(()); // asked for a watch, which is refused (E4)
        }
        let until = self.now + PATIENCE;
        while !self.is_cut_off() && self.now < until {
            self.wait(PATIENCE)?;
            while self.network(0)? {}
            if let Some(wrong) = self.wrong_health() {
                return Err(format!("all is quiet, and {wrong}"));
            }
        }
        Ok(())
    }

    /// A key is written many times while nothing comes through for a moment. The last value, and the next
    /// one, must come faster than the server replays the others (E9): here, in no time.
    fn catch_up(&mut self) -> Checked {
        let readable = self.program.subscribed().map(|(key, _)| key).filter(|key| *key < KEYS);
        let readable: Vec<usize> = readable.filter(|key| !self.cluster.large[*key]).collect();
        if readable.is_empty() || self.is_cut_off() || self.is_outdated() {
            return Ok(());
        }
        let key = readable[self.random.usize(..readable.len())];
        let times = self.random.usize(REPLAYED);
        self.note(|| {
            format!("nothing comes through while {:?} is written {times} times", name(key))
        });
        self.link.iter_mut().for_each(|one| one.silent = true);
        let until = self.now + HELD;
        while self.now < until {
            self.wait(until - self.now)?;
        }
        let Self { cluster, random, .. } = self;
        cluster.history_mut().write_often(key, times, random);
        // The member waits with a linearizable read until it has all this.
        let revision = cluster.history().revision;
        cluster.members.iter_mut().for_each(|member| member.applied = revision);
        self.link.iter_mut().for_each(|one| one.silent = false);
        for what in ["last", "next"] {
            let mut first = self.random.u8(..7);
            while self.network(first)? {
                first = self.random.u8(..7);
            }
            if self.link.as_ref().is_none_or(|one| one.end.is_some()) {
                return Ok(());
            }
            // A range lags until its header shows it, or it was replayed.
            if !self.program.is_up_to_date(false, &self.cluster) {
                return Err(format!("the {what} value is late"));
            }
            let next = value(&mut self.random);
            self.cluster.history_mut().write(&[(key, Some(next))]);
        }
        self.come_right()
    }

    /// Whether the stream's credentials are out of date: a new watch on it is refused, and needs a new stream
    /// (E4).
    fn is_outdated(&self) -> bool {
        let mut streams = self.link.iter().flat_map(|one| &one.stream);
        streams.any(|stream| stream.token != self.cluster.token)
    }

    /// Whether the client can't know yet, or need not, that it has no connection.
    fn is_cut_off(&self) -> bool {
        self.link.as_ref().is_none_or(|one| {
            one.silent
                || one.ends_at.is_some()
                || one.stream.as_ref().is_none_or(|stream| stream.silent)
        })
    }

    fn come_right(&mut self) -> Checked {
        let until = self.now + PATIENCE;
        for _ in 0..MOST_STEPS {
            let first = self.random.u8(..7);
            if self.network(first)? {
                continue;
            }
            let wrong = self.what_is_wrong();
            let Some(wrong) = wrong else { return Ok(()) };
            match self.session.poll_timeout() {
                None => return Err(format!("{wrong}, and nothing is waited for")),
                Some(deadline) if deadline.max(self.now) > until => {
                    return Err(format!("{wrong}, after {PATIENCE:?}"));
                }
                Some(_) if self.cluster.large[0] => {
                    // Nor must a program harm them that asks for it all the time.
                    self.refresh(0)?;
                    // A read of a range that fails asks for ten pages, each smaller than the one before.
                    if self.random.u8(..16) == 0 {
                        self.refresh(KEYS + 1)?;
                    }
                    self.wait(SHORT)?;
                }
                Some(_) => self.wait(PATIENCE)?,
            }
        }
        Err("it does not come to rest".to_owned())
    }

    fn what_is_wrong(&self) -> Option<String> {
        if !self.program.refreshes.is_empty() {
            return Some("a refresh is not done".to_owned());
        }
        if !self.program.is_up_to_date(true, &self.cluster) {
            return Some("a key does not have what the store holds".to_owned());
        }
        if let Some(wrong) = self.wrong_health() {
            return Some(wrong);
        }
        let readable = self.program.subscribed().filter(|(at, _)| !self.cluster.is_large(*at));
        let subscribed: Vec<usize> = readable.map(|(key, _)| key).collect();
        if subscribed.is_empty() && self.is_cut_off() {
            return None; // no key is watched
        }
        let mut watched = self.watches();
        let stream = self.link.as_ref().and_then(|link| link.stream.as_ref());
        if stream.is_some_and(|stream| stream.silent) {
            // Where progress is not answered, only a change shows that the stream is dead. Until then the
            // server does not hear that a watch is to end.
            watched.retain(|key| subscribed.contains(key));
        }
        (watched != subscribed)
            .then(|| format!("the keys {subscribed:?} are subscribed to, and {watched:?} watched"))
    }

    fn wrong_health(&self) -> Option<String> {
        let health = &self.program.health;
        let large = self.program.subscribed().filter(|(at, _)| self.cluster.is_large(*at));
        let mut large: Vec<_> = large.map(|(_, one)| one.id).collect();
        large.sort_unstable();
        let is_any_watched = self.program.subscribed().next().is_some();
        let expected = (!large.is_empty()).then_some(CauseKind::TooLarge);
        let is_right = if is_any_watched {
            health.state == HealthState::Live && health.cause.as_ref().map(Cause::kind) == expected
        } else {
            health.state != HealthState::Stalled
        };
        if !is_right {
            return Some(format!("the health is {health:?}"));
        }
        let refused: Vec<_> = self.program.refusals.keys().copied().collect();
        (refused != large).then(|| format!("{large:?} are too large, and {refused:?} refused"))
    }

    /// The server is left with no watch.
    fn unsubscribe_from_all(&mut self) -> Checked {
        let mut keys: Vec<usize> = self.program.subscribed().map(|(key, _)| key).collect();
        self.random.shuffle(&mut keys);
        for key in keys {
            self.unsubscribe(key)?;
        }
        self.come_right()
    }
}
