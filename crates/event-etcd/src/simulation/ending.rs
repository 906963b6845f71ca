//! The end of a schedule: all faults end, and then everything must come right.

use std::time::Duration;

use crate::simulation::history::{KEYS, value};
use crate::simulation::world::{Checked, World};

/// Every key is told what the store holds within this time.
const PATIENCE: Duration = Duration::from_secs(30);
/// … and within this many steps.
const MOST_STEPS: usize = 1000;

impl World {
    pub(super) fn finish(&mut self) -> Checked {
        self.note(|| "all faults end".to_owned());
        self.cluster.heal();
        // What was held back comes through, or a box in between has forgotten the connection.
        if self.random.bool() {
            self.connection.iter_mut().for_each(|one| one.silent = false);
        }
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
        self.leave_all()
    }

    /// Nothing happens for a while. On a connection that works that is no reason to do anything but
    /// to ask for signs of life.
    fn rest(&mut self) -> Checked {
        if self.connection.as_ref().is_some_and(|one| one.asked.is_some()) {
            return Ok(()); // asked while a watch lagged, and not answered for that
        }
        let until = self.now + PATIENCE;
        while !self.is_cut_off() && self.now < until {
            self.wait(PATIENCE)?;
            while self.network(0)? {}
            if !self.program.followed().all(|_| self.program.is_live()) {
                return Err("all is quiet, and the health is not live".to_owned());
            }
        }
        Ok(())
    }

    /// Whether the client can't know yet, or need not, that it has no connection.
    fn is_cut_off(&self) -> bool {
        self.connection.as_ref().is_none_or(|one| {
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
            match self.session.deadline() {
                None => return Err(format!("{wrong}, and nothing is waited for")),
                Some(deadline) if deadline > until => {
                    return Err(format!("{wrong}, after {PATIENCE:?}"));
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
        if !self.program.is_up_to_date(&self.cluster) {
            return Some("a key is not told what the store holds".to_owned());
        }
        let followed: Vec<usize> = self.program.followed().map(|(key, _)| key).collect();
        if !followed.is_empty() && !self.program.is_live() {
            return Some(format!("the health is {:?}", self.program.health));
        }
        if followed.is_empty() && self.is_cut_off() {
            return None; // nobody looks
        }
        let watched = self.watches();
        (watched != followed)
            .then(|| format!("the keys {followed:?} are followed, and {watched:?} watched"))
    }

    /// The server is left with no watch.
    fn leave_all(&mut self) -> Checked {
        let mut keys: Vec<usize> = self.program.followed().map(|(key, _)| key).collect();
        self.random.shuffle(&mut keys);
        for key in keys {
            self.leave(key)?;
        }
        self.come_right()
    }
}
