//! What becomes of a call: it reaches the member, and its answer the client, each at some time.

use event_core::CauseKind;

use crate::seam::{Failure, PageResponse};
use crate::session::{PublishedVersion, Session};
use crate::simulation::cluster::Is;
use crate::simulation::history::key_of;
use crate::simulation::link::What;
use crate::simulation::world::{Checked, World};

impl World {
    /// Lets one call go on, if one can.
    pub(super) fn call(&mut self) -> Checked<bool> {
        let count = self.link.as_ref().map_or(0, |link| link.calls.len());
        let first = self.random.usize(..count.max(1));
        for at in (first..count).chain(0..first) {
            if self.call_goes_on(at)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn call_goes_on(&mut self, at: usize) -> Checked<bool> {
        let Some(link) = self.link.as_mut().filter(|one| !one.silent) else {
            return Ok(false);
        };
        let is = self.cluster.members[link.member].is;
        let refusal = match &link.end {
            Some(failure) => Some(failure.clone()),
            None if is == Is::Down => Some(Failure::new(CauseKind::Unreachable, "refused")),
            None => None,
        };
        let silent = refusal.is_none() && is == Is::Silent;
        let stalled = refusal.is_none() && is == Is::Stalled;
        let lazy = self.lazy && link.end.is_none();
        match &mut link.calls[at].what {
            What::Connect if lazy => {}
            What::Read(_, _, Some(_)) => return self.deliver_read(at),
            What::CheckHistory(_, Some(_)) => return self.deliver_history_check(at),
            What::Probe(_, Some(_)) => return self.deliver_probe(at),
            What::ReadPage(_, _, _, Some(_)) => return self.deliver_page(at),
            _ if silent => return Ok(false),
            What::Read(..) | What::ReadPage(..) | What::Probe(..) | What::CheckHistory(..)
                if stalled =>
            {
                return Ok(false);
            }
            What::Probe(names, answer) => {
                link.token = self.cluster.token;
                *answer = Some(match refusal {
                    Some(failure) => Err(failure),
                    None => self.cluster.probe(link.member, names),
                });
                return Ok(true);
            }
            What::ReadPage(_, _, page, answer) => {
                let refuses = link.token != self.cluster.token && self.random.u8(..4) == 0;
                link.token = self.cluster.token;
                *answer = Some(match refusal {
                    Some(failure) => Err(failure),
                    None if refuses => {
                        Err(Failure::new(CauseKind::Unauthenticated, "invalid auth token"))
                    }
                    None => self.cluster.page(link.member, page, &mut self.random),
                });
                return Ok(true);
            }
            What::Read(_, names, answer) => {
                let refuses = link.token != self.cluster.token && self.random.u8(..4) == 0;
                link.token = self.cluster.token;
                *answer = Some(match refusal {
                    Some(failure) => Err(failure),
                    None if refuses => {
                        Err(Failure::new(CauseKind::Unauthenticated, "invalid auth token"))
                    }
                    None => self.cluster.read(link.member, names),
                });
                return Ok(true);
            }
            What::CheckHistory(PublishedVersion { key, version, keys_only }, answer) => {
                *answer = Some(match refusal {
                    Some(failure) => Err(failure),
                    None => self.cluster.read_at(link.member, key, version.revision, *keys_only),
                });
                return Ok(true);
            }
            What::Connect | What::Open => {
                if let Some(failure) = refusal {
                    self.note(|| format!("a call fails: {failure:?}"));
                    self.input(|session, now| session.handle_failure(failure, now), true)?;
                    return Ok(true);
                }
            }
        }
        if let What::Connect = link.calls.swap_remove(at).what {
            link.connected = true;
            link.owes_history_check = self.program.has_a_version_to_check();
            self.note(|| "connected".to_owned());
            self.input(Session::handle_connected, false)?;
        } else {
            link.proven = true;
            link.stream.iter_mut().for_each(|stream| stream.opened = true);
            link.quiet_since = link.quiet_since.map(|_| self.now);
            self.note(|| "the stream is open".to_owned());
            self.input(Session::handle_open, false)?;
        }
        Ok(true)
    }

    fn deliver_read(&mut self, at: usize) -> Checked<bool> {
        let Some(link) = &mut self.link else { return Ok(false) };
        let What::Read(id, names, Some(answer)) = link.calls.swap_remove(at).what else {
            return Ok(false);
        };
        link.answered(answer.as_ref().err(), self.now);
        link.proven |= match &answer {
            Ok(_) => true,
            Err(failure) => {
                matches!(failure.kind, CauseKind::PermissionDenied | CauseKind::TooLarge)
            }
        };
        let keys = names.iter().filter_map(|name| key_of(name));
        let may_disconnect = match &answer {
            Ok(answer) => {
                self.cluster.shows_replacement(link.generation, answer.revision)
                    || keys.fold(false, |any, key| any | link.refused[key])
            }
            Err(failure) => match failure.kind {
                CauseKind::PermissionDenied | CauseKind::TooLarge => {
                    // The refusal of the watch is explained.
                    if names.len() == 1 {
                        keys.for_each(|key| link.refused[key] = false);
                    }
                    false
                }
                _ => true,
            },
        };
        // It may have been answered before the member stalled.
        link.stalled_since = link.stalled_since.map(|_| self.now);
        let mut found = answer.iter().flat_map(|answer| names.iter().zip(&answer.found));
        if found.any(|(name, found)| self.program.has_version(name, found.as_ref())) {
            link.owes_history_check = false;
        }
        let generation = link.generation;
        self.note(|| format!("read {id} of {names:?} is answered: {answer:?}"));
        let revision = answer.as_ref().ok().map(|answer| answer.revision);
        self.input(|session, now| session.handle_read(id, answer, now), may_disconnect)?;
        if let Some(revision) = revision {
            let visible = self.cluster.shows_replacement(generation, revision);
            self.program.saw_answer(generation, revision, visible)?;
        }
        Ok(true)
    }

    fn deliver_page(&mut self, at: usize) -> Checked<bool> {
        let Some(link) = &mut self.link else { return Ok(false) };
        let What::ReadPage(id, range, page, Some(answer)) = link.calls.swap_remove(at).what else {
            return Ok(false);
        };
        link.answered(answer.as_ref().err(), self.now);
        link.proven |= match &answer {
            Ok(_) => true,
            Err(failure) => failure.concerns_keys() || failure.is_overload(),
        };
        let revision = match &answer {
            Ok(PageResponse::Page(page)) => Some(page.revision),
            _ => None,
        };
        let mut may_disconnect = answer
            .as_ref()
            .is_err_and(|failure| !failure.concerns_keys() && !failure.is_overload());
        let is_audit = link.audits.contains(&id);
        if is_audit {
            let history = &self.cluster.histories[link.generation];
            may_disconnect |= link.was_owed_long(history, self.now);
        }
        match &answer {
            _ if is_audit => {}
            Ok(_) => may_disconnect |= link.refused[range],
            // The refusal of the watch is explained, unless a smaller page is asked for.
            Err(failure) if failure.concerns_keys() => {
                let is_last = failure.kind != CauseKind::TooLarge || page.limit == 1;
                link.refused[range] &= !is_last;
            }
            Err(_) => {}
        }
        if let Some(revision) = revision {
            may_disconnect |= self.cluster.shows_replacement(link.generation, revision);
        }
        // It may have been answered before the member stalled.
        link.stalled_since = link.stalled_since.map(|_| self.now);
        // The client drops the read of a range that is unsubscribed from.
        let is_wanted = link.ranges.contains_key(&id);
        if let Ok(PageResponse::Page(page)) = &answer
            && is_wanted
            && !is_audit
            && self.program.map_has_version(&page.found)
        {
            link.owes_history_check = false;
        }
        let generation = link.generation;
        self.note(|| format!("page {id} ({page:?}) is answered: {answer:?}"));
        self.input(|session, now| session.handle_page(id, answer, now), may_disconnect)?;
        if let Some(revision) = revision.filter(|_| is_wanted) {
            let visible = self.cluster.shows_replacement(generation, revision);
            self.program.saw_answer(generation, revision, visible)?;
        }
        Ok(true)
    }

    fn deliver_probe(&mut self, at: usize) -> Checked<bool> {
        let Some(link) = &mut self.link else { return Ok(false) };
        let What::Probe(names, Some(answer)) = link.calls.swap_remove(at).what else {
            return Ok(false);
        };
        link.answered(answer.as_ref().err(), self.now);
        // It may have been answered before the member stalled.
        link.stalled_since = link.stalled_since.map(|_| self.now);
        let generation = link.generation;
        self.note(|| format!("the probe of {names:?} is answered: {answer:?}"));
        let revision = answer.as_ref().ok().map(|answer| answer.revision);
        let may_disconnect = match &answer {
            Ok(answer) => self.cluster.shows_replacement(generation, answer.revision),
            Err(failure) => !failure.concerns_keys(),
        };
        self.input(|session, now| session.handle_probe(answer, now), may_disconnect)?;
        if let Some(revision) = revision {
            let visible = self.cluster.shows_replacement(generation, revision);
            self.program.saw_answer(generation, revision, visible)?;
        }
        Ok(true)
    }

    fn deliver_history_check(&mut self, at: usize) -> Checked<bool> {
        let Some(link) = &mut self.link else { return Ok(false) };
        let What::CheckHistory(version, Some(answer)) = link.calls.swap_remove(at).what else {
            return Ok(false);
        };
        let (generation, resets) = (link.generation, link.history_resets);
        self.note(|| format!("the history check by {version:?} is answered: {answer:?}"));
        let said = answer.clone();
        self.input(|session, _| session.handle_history_check(answer), false)?;
        self.program.saw_history_check(version.version, said.ok(), generation, resets)?;
        Ok(true)
    }
}
