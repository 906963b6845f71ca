//! What happens next: anything that may, at random.

use std::time::Duration;

use event_core::CauseKind;

use crate::seam::{Failure, Keys};
use crate::session::Session;
use crate::simulation::cluster::{Is, Replacement};
use crate::simulation::history::{KEYS, SUBJECTS, name, subject, value};
use crate::simulation::program::Refresh;
use crate::simulation::world::{Checked, World};

/// The server needs this long to see that it has no leader (C5).
const NO_LEADER: Duration = Duration::from_secs(4);
/// More than a header may be ahead of its event before the key is read (E9).
const FAR: i64 = 6000;
/// More changes of one key than the server queues.
const MANY: usize = 300;

impl World {
    pub(super) fn step(&mut self) -> Checked {
        match self.random.u8(..100) {
            0..60 => {
                let first = self.random.u8(..7);
                self.network(first)?;
            }
            60..72 => self.pass_time()?,
            72..84 => self.write(),
            84..93 => self.use_it()?,
            _ => self.go_wrong(),
        }
        Ok(())
    }

    /// Lets the network do one thing, and says whether there was one to do.
    pub(super) fn network(&mut self, first: u8) -> Checked<bool> {
        for kind in (first..7).chain(0..first) {
            let done = match kind {
                0 => self.call()?,
                1 => self.serve_request(),
                2 => self.serve_watch(),
                3 | 4 => self.receive()?,
                5 => self.cluster.apply(&mut self.random),
                _ => self.end()?,
            };
            if done {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn pass_time(&mut self) -> Checked {
        let longest = [1, 30, 500, 5000][self.random.usize(..4)];
        let time = Duration::from_millis(self.random.u64(..=longest));
        if self.random.u8(..20) == 0 {
            return self.tick(); // for no reason
        }
        self.wait(time)
    }

    fn write(&mut self) {
        if !self.cluster.has_leader {
            return;
        }
        let Self { random, cluster, .. } = self;
        let history = cluster.history_mut();
        let key = random.usize(..KEYS);
        match random.u8(..16) {
            12 => history.write_often(key, random.usize(..MANY), random),
            0..6 => history.write(&[(key, Some(value(random)))]),
            6..9 => history.write(&[(key, None)]),
            13..16 => {
                // Some keys, of which one may change twice.
                let writes = (0..random.usize(2..6))
                    .map(|_| (random.usize(..KEYS), random.bool().then(|| value(random))));
                history.write(&writes.collect::<Vec<_>>());
            }
            9 if random.bool() => {
                // Two events of one key in one revision (E10).
                history.write(&[(key, None), (key, Some(value(random)))]);
            }
            9 => {
                let other = (key + random.usize(1..KEYS)) % KEYS;
                let second = random.bool().then(|| value(random));
                history.write(&[(key, Some(value(random))), (other, second)]);
            }
            10 => history.compacted = random.i64(history.compacted..=history.revision),
            _ => {
                let times = if random.bool() { FAR } else { 3 };
                history.write_elsewhere(times);
                history.write(&[(key, Some(value(random)))]);
            }
        }
        let (revision, compacted) = (history.revision, history.compacted);
        self.note(|| format!("the store is at revision {revision}, compacted at {compacted}"));
    }

    // The program.

    fn use_it(&mut self) -> Checked {
        // There are fewer ranges than keys, and more can go wrong with them.
        let first = if self.random.bool() { KEYS } else { 0 };
        let key = self.random.usize(first..SUBJECTS);
        match self.random.u8(..12) {
            0..5 => self.subscribe(key),
            5..7 => self.unsubscribe(key),
            7..10 => self.refresh(key),
            _ => {
                let member = self.random.usize(..self.cluster.members.len());
                if self.random.bool() {
                    self.add_endpoint(member)
                } else {
                    self.remove_endpoint(member)
                }
            }
        }
    }

    pub(super) fn subscribe(&mut self, at: usize) -> Checked {
        if self.program.subscriptions[at].is_some() {
            return Ok(());
        }
        let id = self.program.ids.take();
        self.note(|| format!("the program subscribes to {:?} as {id:?}", subject(at)));
        self.program.subscribe(at, id);
        if let Some(link) = &mut self.link {
            // A store that has nothing to watch does not ask how the member is.
            link.stalled_since = link.stalled_since.map(|_| self.now);
        }
        let subscribe = |session: &mut Session, now| match subject(at) {
            Keys::One(key) => session.handle_subscribe(id, key, now),
            Keys::Range(range) => session.handle_subscribe_range(id, range, now),
        };
        self.input(subscribe, false)
    }

    pub(super) fn unsubscribe(&mut self, key: usize) -> Checked {
        let Some(id) = self.program.unsubscribe(key) else { return Ok(()) };
        self.note(|| format!("the program unsubscribes from {:?} ({id:?})", subject(key)));
        if let Some(link) = &mut self.link {
            link.floors[key] = None;
            link.refused[key] = false;
            link.ranges.retain(|_, range| *range != key);
        }
        self.input(|session, _| session.handle_unsubscribe(id), false)
    }

    pub(super) fn refresh(&mut self, key: usize) -> Checked {
        let Some(subscription) = &self.program.subscriptions[key] else { return Ok(()) };
        let id = subscription.id;
        let ticket = self.next();
        self.note(|| format!("the program refreshes {:?}", subject(key)));
        self.program.refreshes.push(Refresh {
            ticket,
            id,
            generation: self.cluster.generation(),
            revision: self.cluster.history().revision,
        });
        self.input(|session, _| session.handle_refresh(id, ticket), false)
    }

    pub(super) fn add_endpoint(&mut self, member: usize) -> Checked {
        self.program.endpoints.insert(member);
        let name = self.cluster.members[member].name.clone();
        self.note(|| format!("the program adds the endpoint {name}"));
        self.input(|session, now| session.handle_add_endpoint(&name, now), false)
    }

    fn remove_endpoint(&mut self, member: usize) -> Checked {
        self.program.endpoints.remove(&member);
        let name = self.cluster.members[member].name.clone();
        self.note(|| format!("the program removes the endpoint {name}"));
        let in_use = self.link.as_ref().is_some_and(|one| one.member == member);
        self.input(|session, now| session.handle_remove_endpoint(&name, now), in_use)
    }

    // Faults.

    fn go_wrong(&mut self) {
        let kind = self.random.u8(..27);
        let key = self.random.usize(..KEYS);
        let member = self.random.usize(..self.cluster.members.len());
        self.note(|| format!("failure {kind}, key {:?}, member {member}", name(key)));
        match kind {
            0 | 1 => self.break_connection("reset"),
            2 => self.link.iter_mut().for_each(|one| one.silent = true),
            3 => self.link.iter_mut().for_each(|one| one.silent = false),
            4 => self.link.iter_mut().flat_map(|one| &mut one.stream).for_each(|stream| {
                stream.silent = true;
            }),
            5 => self.member_becomes(member, Is::Down),
            6 => self.member_becomes(member, Is::Silent),
            7 => self.member_becomes(member, Is::Cut),
            8 => self.member_becomes(member, Is::Up),
            9 => {
                self.cluster.has_leader = !self.cluster.has_leader;
                if !self.cluster.has_leader {
                    self.lose_leader(None);
                }
            }
            10 | 11 => self.replace_history(),
            12 | 13 => self.cluster.token += 1,
            14..17 => self.cluster.readable[key] = !self.cluster.readable[key],
            17 => self.cluster.large[key] = !self.cluster.large[key],
            20 | 21 => self.member_becomes(member, Is::Stalled),
            22 | 23 => self.cluster.busy = self.random.u8(1..4),
            24..27 if self.audits.is_some() => self.lose_event(),
            18 => self.cluster.limit = self.random.usize(1..4),
            _ => self.cancel_watch(),
        }
    }

    fn break_connection(&mut self, message: &str) {
        if let Some(link) = &mut self.link {
            link.end.get_or_insert(Failure::new(CauseKind::Unreachable, message));
        }
    }

    fn replace_history(&mut self) {
        self.break_connection("GOAWAY");
        let by = if self.random.bool() { Replacement::Wiped } else { Replacement::Restored };
        self.cluster.replace(by, &mut self.random);
        let history = self.cluster.history();
        let (begun, revision) = (history.begun, self.cluster.generation());
        self.note(|| format!("{by:?}: history {revision} begins at revision {begun}"));
    }

    fn member_becomes(&mut self, member: usize, is: Is) {
        if self.cluster.members[member].stray {
            return;
        }
        self.cluster.members[member].is = is;
        let in_use = self.link.as_ref().is_some_and(|one| one.member == member);
        if let Some(link) = self.link.as_mut().filter(|_| in_use) {
            link.stalled_since = (is == Is::Stalled).then_some(self.now);
        }
        match is {
            Is::Down if in_use => self.break_connection("killed"),
            Is::Silent if in_use => {
                self.link.iter_mut().for_each(|one| one.silent = true);
            }
            Is::Cut => self.lose_leader(Some(member)),
            _ => {}
        }
    }

    /// The members' streams end after a while (C5); those of one, or of all.
    fn lose_leader(&mut self, member: Option<usize>) {
        let after = NO_LEADER.mul_f64(self.random.f64());
        if let Some(link) = &mut self.link
            && member.is_none_or(|member| link.member == member)
        {
            link.ends_at.get_or_insert(self.now + after);
        }
    }
}
