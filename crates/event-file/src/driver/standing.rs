//! How a key or a map stands: whether it can be read, and who waits for it.

use std::time::Instant;

use event_core::upstream::{KeyId, Ticket};
use event_core::{Cause, CauseKind, Error};

use super::backoff::Backoff;
use super::look::Looked;
use super::{Driver, Look};

#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Why it can't be read, as it was published.
    pub(super) refused: Option<Cause>,
    pub(super) backoff: Backoff,
    /// The newest refresh that somebody waits for.
    pub(super) refresh: Option<Ticket>,
}

impl Driver {
    /// Publishes what came of a look. Returns when the next one is due.
    pub(super) fn conclude(
        &mut self,
        id: KeyId,
        looked: Looked,
        standing: &mut Standing,
        now: Instant,
    ) -> Option<Instant> {
        match looked {
            Looked::Done(again) => {
                if standing.refused.take().is_some() {
                    self.publisher.accept(id);
                }
                self.complete_refresh(id, standing, &Ok(()));
                again
            }
            Looked::Refused(cause) => {
                // Whoever refreshes waits while it can't be reached.
                if cause.kind() != CauseKind::Unreachable {
                    let error = Error::new(cause.kind().error_kind(), cause.message());
                    self.complete_refresh(id, standing, &Err(error));
                }
                if standing.refused.as_ref() != Some(&cause) {
                    self.publisher.refuse(id, cause.clone());
                    standing.refused = Some(cause);
                }
                Some(now + standing.backoff.next())
            }
            Looked::Later(due) => Some(due.max(now)),
            Looked::Lost => {
                self.root_is_dirty = true;
                self.dirty.insert(id, Look::Read);
                Some(now + self.times().settle)
            }
            Looked::HandOver => {
                self.dirty.insert(id, Look::Read);
                None
            }
        }
    }

    fn complete_refresh(&mut self, id: KeyId, standing: &mut Standing, result: &Result<(), Error>) {
        if let Some(ticket) = standing.refresh.take() {
            self.publisher.refreshed(id, ticket, result);
        }
    }
}
