//! The one task of a store: does what the session says, and reports to it what happened.

mod folders;
mod handle;
mod in_flight;
#[cfg_attr(not(feature = "metrics"), path = "driver/no_metrics.rs")]
mod metrics;
mod range_pages;

#[cfg(test)]
mod tests;

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_core::upstream::{HealthLog, KeyId, Publisher, Requests};
use event_core::{Cause, Entry, Error};
use futures_util::stream::StreamExt;
use tokio::time::{Instant as TokioInstant, sleep_until};

use self::metrics::Metrics;
use crate::mailbox::{EndpointChange, Mailbox};
use crate::seam::{Connector, Failure, WatchResponse};
use crate::session::{Action, PublishedVersion, Session};
use folders::Folders;
use in_flight::{Done, InFlight};

pub(crate) use handle::DriverHandle;

/// How many responses are handled before what follows is done, and how many bytes of values.
const RESPONSES: usize = 128;
const RESPONSE_BYTES: usize = 1 << 20;

pub(crate) struct Driver {
    connector: Arc<dyn Connector>,
    session: Session,
    mailbox: Arc<Mailbox>,
    publisher: Publisher,
    health_log: HealthLog,
    metrics: Metrics,
    begun: Instant,
    folders: Folders,
    in_flight: InFlight,
    /// The runtime was blocked. Until then what has arrived meanwhile is read.
    grace: Option<Instant>,
}

/// A timeout that is noticed so late shows that the runtime was blocked …
const LATE: Duration = Duration::from_millis(100);
/// … and it counts only after this long, in which the runtime reads what has arrived.
const GRACE: Duration = Duration::from_millis(100);

impl Driver {
    fn new(
        connector: Arc<dyn Connector>,
        session: Session,
        mailbox: Arc<Mailbox>,
        publisher: Publisher,
        metrics: Metrics,
    ) -> Self {
        let begun = now();
        Self {
            connector,
            session,
            mailbox,
            publisher,
            health_log: HealthLog::new(begun),
            metrics,
            begun,
            folders: Folders::default(),
            in_flight: InFlight::default(),
            grace: None,
        }
    }

    /// Runs until the upstream ends, or it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            self.mailbox.set_last_proof(self.session.last_proof());
            let now = now();
            while let Some(action) = self.session.poll_action(now) {
                self.act(action);
            }
            self.in_flight.send_more();
            self.folders.look(&mut self.in_flight);
            let proof = self.session.last_proof().unwrap_or(self.begun);
            let (keys, maps) = (self.publisher.watched(), self.publisher.watched_maps());
            self.metrics.turned(keys, maps, now.saturating_duration_since(proof));
            let due = self.session.poll_timeout();
            self.grace = self.grace.filter(|grace| due.is_some_and(|due| due <= *grace));
            let timeout = due.map(|due| self.grace.map_or(due, |grace| due.max(grace)));
            let InFlight { responses, calls, .. } = &mut self.in_flight;
            tokio::select! {
                requests = self.publisher.next() => match requests {
                    Some(requests) => self.handle_requests(requests),
                    None => return,
                },
                changes = self.mailbox.endpoint_changes() => self.handle_endpoints(changes),
                response = in_flight::next(responses) => self.handle_responses(response),
                Some(done) = calls.next() => self.handle_done(done),
                () = sleep(timeout) => self.handle_timeout(due),
                () = sleep(self.health_log.due()) => self.log_health(),
            }
        }
    }

    fn log_health(&mut self) {
        self.health_log.log(now());
    }

    fn handle_timeout(&mut self, due: Option<Instant>) {
        let now = now();
        let late = due.map_or(Duration::ZERO, |due| now.saturating_duration_since(due));
        if self.grace.is_none() && late >= LATE {
            self.grace = Some(now + GRACE);
        } else {
            self.grace = None;
            self.count_received(now);
            self.session.handle_timeout(now);
        }
    }

    fn count_received(&mut self, now: Instant) {
        if let Some(connection) = &self.in_flight.connection {
            self.session.handle_received(connection.received(), now);
        }
    }

    /// Handles a response, and those that are there already. So tasks are woken in one go: one by one,
    /// the threads that run them would go to sleep in between.
    fn handle_responses(&mut self, first: Result<WatchResponse, Failure>) {
        let now = now();
        let (mut next, mut handled, mut bytes) = (Some(first), 0, 0);
        while let Some(response) = next {
            match response {
                Ok(response) => {
                    handled += 1;
                    bytes += response.size();
                    self.session.handle_response(response, now);
                }
                Err(failure) => return self.session.handle_failure(failure, now),
            }
            let goes_on = handled < RESPONSES && bytes < RESPONSE_BYTES && self.session.is_open();
            // If there is none yet, the next turn polls the stream with a waker that counts.
            next = match &mut self.in_flight.responses {
                Some(responses) if goes_on => responses.try_next(),
                _ => None,
            };
        }
    }

    fn handle_requests(&mut self, requests: Requests) {
        let now = now();
        for id in requests.stopped {
            self.folders.forget(id);
            self.session.handle_unsubscribe(id);
        }
        for (id, name) in requests.started {
            self.session.handle_subscribe(id, name, now);
        }
        for (id, range) in requests.started_maps {
            self.session.handle_subscribe_range(id, range, now);
        }
        for (id, ticket) in requests.refreshes {
            self.session.handle_refresh(id, ticket);
        }
    }

    fn handle_endpoints(&mut self, changes: Vec<(String, EndpointChange)>) {
        let now = now();
        for (endpoint, change) in changes {
            match change {
                EndpointChange::Added => self.session.handle_add_endpoint(&endpoint, now),
                EndpointChange::Removed => self.session.handle_remove_endpoint(&endpoint, now),
            }
        }
    }

    fn act(&mut self, action: Action) {
        let in_flight = &mut self.in_flight;
        match action {
            Action::Resolve(endpoint) => {
                in_flight.resolve(Arc::clone(&self.connector), endpoint);
            }
            Action::Connect { endpoint, address } => {
                tracing::debug!(%endpoint, %address, "connecting");
                in_flight.connect(Arc::clone(&self.connector), endpoint, address);
            }
            Action::Disconnect => {
                *in_flight = InFlight::default();
                self.publisher.accept_all();
            }
            Action::Read(id, keys) => in_flight
                .call(|connection| async move { Done::Read(id, connection.read(keys).await) }),
            Action::ReadPage(id, page) => {
                let mut reader = in_flight.pages.next(id);
                in_flight.call(|connection| async move {
                    let response = reader.read(connection, page).await;
                    Done::Page(reader, response)
                });
            }
            Action::Probe(keys) => in_flight
                .call(|connection| async move { Done::Probed(connection.probe(keys).await) }),
            Action::ListMembers => in_flight.call(|connection| async move {
                Done::ListedMembers(connection.member_urls().await)
            }),
            Action::CheckHistory(PublishedVersion { key, version, keys_only }) => {
                in_flight.call(|connection| async move {
                    let found = connection.read_at(key, version.revision, keys_only).await;
                    Done::CheckedHistory(found)
                });
            }
            Action::OpenStream(first) => in_flight.call(|connection| async move {
                Done::OpenedStream(connection.open_stream(first).await)
            }),
            Action::Send(request) => in_flight.to_send.push_back(request),
            Action::Publish(id, entry) => self.publish(id, entry),
            Action::PublishStep(id, step, is_synced) => {
                self.metrics.published(step.len());
                self.publisher.publish_step(id, step, is_synced);
            }
            Action::PublishRefusal(id, Some(failure)) => {
                self.publisher.refuse(id, Cause::from(&failure));
            }
            Action::PublishRefusal(id, None) => self.publisher.accept(id),
            Action::PublishHealth(health) => {
                self.health_log.changed(&health, now());
                self.metrics.state(health.state);
                self.publisher.set_health(health);
            }
            Action::Refreshed(id, ticket, result) => {
                let error = |it: Failure| Error::new(it.kind.error_kind(), it.message);
                self.publisher.refreshed(id, ticket, &result.map_err(error));
            }
        }
    }

    fn publish(&mut self, id: KeyId, entry: Entry) {
        self.folders.published(id, &entry);
        self.metrics.published(1);
        self.publisher.publish(id, entry);
    }

    fn handle_done(&mut self, done: Done) {
        let now = now();
        match done {
            Done::Connected(Ok(connection)) => {
                self.in_flight.connection = Some(connection);
                self.metrics.connected();
                self.session.handle_connected(now);
            }
            Done::Resolved(endpoint, addresses) => {
                self.session.handle_resolved(&endpoint, addresses, now);
            }
            Done::Probed(response) => {
                self.count_received(now);
                self.session.handle_probe(response, now);
            }
            Done::Read(id, response) => self.session.handle_read(id, response, now),
            Done::Page(reader, page) => {
                self.count_received(now);
                self.session.handle_page(reader.id, page, now);
                let goes_on = self.session.is_reading(reader.id);
                self.in_flight.pages.was_read(reader, goes_on);
            }
            Done::CheckedHistory(response) => self.session.handle_history_check(response),
            Done::OpenedStream(Ok((requests, responses))) => {
                self.in_flight.requests = Some(requests);
                self.in_flight.responses = Some(responses);
                self.session.handle_open(now);
            }
            Done::ListedMembers(members) => {
                // One URL of each member: the others lead to the same one.
                let endpoint = |urls: &Vec<String>| {
                    urls.iter().find_map(|url| self.connector.endpoint_of(url))
                };
                let endpoints = members.map(|it| it.iter().filter_map(endpoint).collect());
                self.session.handle_members(endpoints, now);
            }
            Done::Sent(requests) => self.in_flight.requests = Some(requests),
            Done::LookedBelow(keys, has_keys) => {
                self.in_flight.looks_below = false;
                folders::warn(&keys, &has_keys.unwrap_or_default());
            }
            Done::Connected(Err(failure))
            | Done::OpenedStream(Err(failure))
            | Done::Failed(failure) => {
                self.session.handle_failure(failure, now);
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // If the program did not close the store, it is the runtime that ends.
        self.publisher.end("the tokio runtime of the store ended");
    }
}

/// The runtime's clock, which a test may hold.
fn now() -> Instant {
    TokioInstant::now().into_std()
}

async fn sleep(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(TokioInstant::from_std(until)).await,
        None => pending().await,
    }
}
