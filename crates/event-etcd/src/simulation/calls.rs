//! What becomes of a call: it reaches the member, and its answer the client, each at some time.

use crate::protocol::{CauseKind, Failure};
use crate::session::Session;
use crate::simulation::cluster::Is;
use crate::simulation::connection::{Connection, What};
use crate::simulation::history::key_of;
use crate::simulation::world::{Checked, World};

impl World {
    /// Lets one call go on, if one can.
    pub(super) fn call(&mut self) -> Checked<bool> {
        let count = self.connection.as_ref().map_or(0, |connection| connection.calls.len());
        let first = self.random.usize(..count.max(1));
        for at in (first..count).chain(0..first) {
            if self.call_goes_on(at)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn call_goes_on(&mut self, at: usize) -> Checked<bool> {
        let Some(connection) = self.connection.as_mut().filter(|one| !one.silent) else {
            return Ok(false);
        };
        let is = self.cluster.members[connection.member].is;
        let refusal = match &connection.end {
            Some(failure) => Some(failure.clone()),
            None if is == Is::Down => Some(Failure::new(CauseKind::Unreachable, "refused")),
            None => None,
        };
        let silent = refusal.is_none() && is == Is::Silent;
        let lazy = self.lazy && connection.end.is_none();
        match &mut connection.calls[at].what {
            What::Connect if lazy => {}
            What::Read(_, _, Some(_)) => return self.deliver_read(at),
            What::Recall(_, Some(_)) => return self.deliver_recall(at),
            _ if silent => return Ok(false),
            What::Read(_, names, answer) => {
                let refuses = connection.token != self.cluster.token && self.random.u8(..4) == 0;
                connection.token = self.cluster.token;
                *answer = Some(match refusal {
                    Some(failure) => Err(failure),
                    None if refuses => {
                        Err(Failure::new(CauseKind::Unauthenticated, "invalid auth token"))
                    }
                    None => self.cluster.read(connection.member, names),
                });
                return Ok(true);
            }
            What::Recall(entry, answer) => {
                *answer = Some(match refusal {
                    Some(failure) => Err(failure),
                    None => self.cluster.recall(
                        connection.member,
                        &entry.key,
                        entry.revision().unwrap_or_default(),
                    ),
                });
                return Ok(true);
            }
            What::Connect | What::Open => {
                if let Some(failure) = refusal {
                    self.note(|| format!("a call fails: {failure:?}"));
                    self.tell(|session, now| session.failed(failure, now), true)?;
                    return Ok(true);
                }
            }
        }
        if let What::Connect = connection.calls.swap_remove(at).what {
            connection.linked = true;
            self.note(|| "connected".to_owned());
            let asks = self.program.has_a_witness();
            self.tell(Session::connected, false)?;
            if asks && !self.connection.iter().any(Connection::recalls) {
                return Err("the store is not asked what it remembers".to_owned());
            }
        } else {
            connection.proven = true;
            connection.stream.iter_mut().for_each(|stream| stream.opened = true);
            connection.quiet_since = connection.quiet_since.map(|_| self.now);
            self.note(|| "the stream is open".to_owned());
            self.tell(Session::opened, false)?;
        }
        Ok(true)
    }

    fn deliver_read(&mut self, at: usize) -> Checked<bool> {
        let Some(connection) = &mut self.connection else { return Ok(false) };
        let What::Read(id, names, Some(answer)) = connection.calls.swap_remove(at).what else {
            return Ok(false);
        };
        connection.proven |= match &answer {
            Ok(_) => true,
            Err(failure) => {
                matches!(failure.kind, CauseKind::PermissionDenied | CauseKind::TooLarge)
            }
        };
        let keys = names.iter().filter_map(|name| key_of(name));
        let may_disconnect = match &answer {
            Ok(answer) => {
                self.cluster.shows_replacement(connection.generation, answer.revision)
                    || keys.fold(false, |any, key| any | connection.refused[key])
            }
            Err(failure) => match failure.kind {
                CauseKind::PermissionDenied | CauseKind::TooLarge => {
                    // The refusal of the watch is explained.
                    if names.len() == 1 {
                        keys.for_each(|key| connection.refused[key] = false);
                    }
                    false
                }
                _ => true,
            },
        };
        let generation = connection.generation;
        self.note(|| format!("read {id} of {names:?} is answered: {answer:?}"));
        let revision = answer.as_ref().ok().map(|answer| answer.revision);
        self.tell(|session, now| session.read(id, answer, now), may_disconnect)?;
        if let Some(revision) = revision {
            let visible = self.cluster.shows_replacement(generation, revision);
            self.program.saw_answer(generation, revision, visible)?;
        }
        Ok(true)
    }

    fn deliver_recall(&mut self, at: usize) -> Checked<bool> {
        let Some(connection) = &mut self.connection else { return Ok(false) };
        let What::Recall(entry, Some(answer)) = connection.calls.swap_remove(at).what else {
            return Ok(false);
        };
        let (generation, resets) = (connection.generation, connection.history_resets);
        self.note(|| format!("the recall of {entry:?} is answered: {answer:?}"));
        let said = answer.clone();
        self.tell(|session, now| session.recalled(answer, now), false)?;
        self.program.saw_recall(&entry, said.ok(), generation, resets)?;
        Ok(true)
    }
}
