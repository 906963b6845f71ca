//! How the store is doing, and when that is worth a new version.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use event_core::{Cause, CauseKind, Health, HealthState};

use super::{Action, Session, State};
use crate::seam::Failure;

/// The addresses of a name may change without end.
const MOST_SAID: usize = 64;

#[derive(Debug)]
pub(super) struct HealthLog {
    /// Why the last connection ended and the endpoint it was to, until the next one is live.
    failure: Option<(Failure, Option<Arc<str>>)>,
    /// What was published of each endpoint since the store was live. While the store is stalled it tries the
    /// endpoints in turn, and only what is new of one is worth a version.
    said: BTreeMap<Option<Arc<str>>, Failure>,
    cluster: Cluster,
    published: Health,
}

/// Which cluster answers.
#[derive(Debug, Default)]
struct Cluster {
    /// The id that the program wants.
    wanted: Option<u64>,
    /// The id of the last response.
    id: Option<u64>,
    /// The id before it changed.
    before: Option<u64>,
}

impl HealthLog {
    pub(super) fn new(cluster: Option<u64>, now: Instant) -> Self {
        Self {
            failure: None,
            said: BTreeMap::new(),
            cluster: Cluster { wanted: cluster, ..Cluster::default() },
            published: Health::new(HealthState::Connecting).with_since(now),
        }
    }

    pub(super) fn failed(&mut self, failure: Failure, endpoint: Option<Arc<str>>) {
        self.failure = Some((failure, endpoint));
    }

    /// The connection answers: what the store was stalled for is over.
    pub(super) fn recovered(&mut self) {
        self.failure = None;
    }
}

impl Cluster {
    /// What is to be seen while all is well.
    fn notice(&self) -> Option<Cause> {
        let (id, before) = (self.id?, self.before?);
        let message = format!("the cluster's id is {id:x}; it was {before:x} before");
        Some(Cause::new(CauseKind::OtherCluster, message))
    }
}

impl Session {
    /// Checks that a response comes from a cluster that the program wants, and says whether it is another one
    /// than before. A server without an id says nothing of itself.
    pub(super) fn check_cluster(&mut self, id: u64) -> Result<bool, Failure> {
        let cluster = &mut self.health.cluster;
        if id == 0 || cluster.id == Some(id) {
            return Ok(false);
        }
        if let Some(wanted) = cluster.wanted.filter(|wanted| *wanted != id) {
            let message = format!("the cluster's id is {id:x}, and the options want {wanted:x}");
            return Err(Failure::new(CauseKind::OtherCluster, message));
        }
        let before = cluster.id.replace(id);
        if let Some(before) = before {
            cluster.before = Some(before);
            tracing::warn!("the cluster's id is {id:x}; it was {before:x} before");
        }
        Ok(before.is_some())
    }

    /// Publishes the health, if that is worth a version.
    ///
    /// A key that is refused concerns no other: the store is live, with a cause to look at. While nothing is
    /// watched, nothing is stale: the store is not stalled.
    pub(super) fn assess_health(&mut self, now: Instant) {
        let failure = self.health.failure.as_ref().filter(|_| !self.keys.is_empty());
        let (refused, is_live) = match &self.state {
            State::Connected(connected) => (connected.refused.first_key_value(), connected.is_live),
            _ => (None, false),
        };
        let state = match failure {
            None if is_live => HealthState::Live,
            None => HealthState::Connecting,
            Some(_) => HealthState::Stalled,
        };
        let source = failure.and_then(|(_, endpoint)| endpoint.clone());
        let source = source.or_else(|| self.endpoints.current());
        let cause = match (failure, refused) {
            (Some((failure, _)), _) => Some(Cause::from(failure)),
            (None, Some((id, refusal))) if is_live => {
                let name = self.keys.get(*id).map(|key| key.name().clone());
                Some(Cause::from(&refusal.failure).with_key(name.unwrap_or_default()))
            }
            (None, None) if is_live => self.health.cluster.notice(),
            (None, _) => None,
        };
        let published = &self.health.published;
        let is_new_cause = match failure {
            Some((failure, _)) => self.health.said.get(&source) != Some(failure),
            None => cause != published.cause,
        };
        let resets = self.history.resets;
        let cluster = self.health.cluster.id.map(|id| format!("{id:x}"));
        if state == published.state
            && !is_new_cause
            && resets == published.history_resets
            && cluster.as_deref() == published.cluster.as_deref()
            && (state != HealthState::Live || source == published.source)
        {
            return;
        }
        if self.health.said.len() > MOST_SAID {
            self.health.said.clear();
        }
        match failure {
            Some((failure, _)) => drop(self.health.said.insert(source.clone(), failure.clone())),
            None if state == HealthState::Live => self.health.said.clear(),
            None => {}
        }
        let since = if state == published.state { published.since } else { now };
        let mut health = Health::new(state).with_since(since).with_history_resets(resets);
        (health.source, health.cause) = (source, cause);
        health.cluster = cluster.map(Arc::from);
        self.health.published = health.clone();
        self.actions.push_back(Action::PublishHealth(health));
    }
}
