//! How a backend is doing, as a value.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::{ErrorKind, KeyName};

/// How a backend is doing now.
///
/// A backend offers it as a value of its own, so that a program can watch it, log it, and answer a
/// readiness probe with it. The health is up to date only while the program watches a value of the backend.
/// A backend may also offer the health of one value, which shows whether that value can be read. The health
/// does not change if a document does not decode: see [`Latest::error`](crate::adapters::Latest::error). A
/// test can make a `Health`:
///
/// ```
/// use event_core::{Cause, CauseKind, Health, HealthState, MemoryValue, ReaderExt, ValueWriter};
///
/// # futures_executor::block_on(async {
/// let health = MemoryValue::new(Health::new(HealthState::Live));
/// let is_ready = health.reader().map(|health| health.state == HealthState::Live);
/// assert!(is_ready.get().await.unwrap());
///
/// health.set(Health::stalled(Cause::new(CauseKind::Unreachable, "connection refused")));
/// assert!(!is_ready.get().await.unwrap());
/// # });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether watchers are known to have the newest version.
    pub state: HealthState,
    /// When this state began. That is not when the data became stale: a backend notices a silent connection
    /// only after a timeout. In the health of one key or map, it is when the state of the store began, even
    /// if only the key is stalled.
    pub since: Instant,
    /// Why it is stalled. While it is live, a cause is something that an operator should look at: a key or a map that
    /// can't be read, which the cause names, [`OtherCluster`](CauseKind::OtherCluster) or
    /// [`NoNotifications`](CauseKind::NoNotifications).
    pub cause: Option<Cause>,
    /// The endpoint or file that the data comes from. While the backend is stalled, the one that caused it.
    /// `None` before the first try.
    pub source: Option<Arc<str>>,
    /// How often the backend detected that its history was replaced: wiped, or restored from a backup.
    ///
    /// Watchers then yield what the new history holds, and revisions may be lower than before.
    pub history_resets: u64,
    /// The id of the server's data, if it has one. For etcd, it is the cluster's id in hexadecimal.
    pub cluster: Option<Arc<str>>,
}

/// Whether what watchers have is known to be the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HealthState {
    /// Nothing is known: nothing is watched and there is no connection, or the backend has not answered and no try
    /// has failed. For the health of one value, see [`Store::key_health`](crate::Store::key_health).
    Connecting,
    /// As far as the backend knows, watchers have the newest version, or can take it. It notices a silent failure only
    /// after a timeout. A watcher of a value that nothing watched before may still wait for its first version. Watchers of
    /// a value that can't be read wait.
    Live,
    /// Some watchers may have stale data, for the reason in [`Health::cause`]. The backend tries again
    /// without end.
    Stalled,
}

/// Why a backend is stalled, or what to look at while it is live.
///
/// `Display` prints the kind, the key if the cause concerns one key only, and the words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    kind: CauseKind,
    message: Arc<str>,
    key: Option<Bytes>,
}

/// What kind of cause it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CauseKind {
    /// There is no connection, or it is silent.
    Unreachable,
    /// The member that answers has no leader: it is cut off from the others, or too few are left.
    NoLeader,
    /// The backend refused the credentials, or the program's credentials can't be read.
    Unauthenticated,
    /// The user may not read a key that is watched.
    PermissionDenied,
    /// The backend can't serve a key that is watched, for example because its name is empty.
    InvalidArgument,
    /// The backend refuses requests because it is overloaded. A refresh waits.
    ResourceExhausted,
    /// A value exceeds the limit for one message. A refresh returns [`ErrorKind::ResourceExhausted`].
    TooLarge,
    /// The backend contradicted its own protocol.
    ProtocolViolation,
    /// The server's data was replaced while keys were being read. All of them are read again. If the
    /// replacement is found at another time, the health does not become stalled, and only
    /// [`Health::history_resets`] grows.
    HistoryReset,
    /// The id of the server's data is not the one that the program asked for: the health is stalled. Or the id
    /// changed, and the program asked for none: the health is live.
    OtherCluster,
    /// The server does not know a request that is needed.
    Unimplemented,
    /// The values are those of a cache on disk: the backend has not answered yet.
    FromCache,
    /// The program removed the endpoint in use, or no endpoint is left.
    EndpointRemoved,
    /// The backend is not notified of changes, so it asks for them at intervals: the health is live, and a version
    /// arrives later.
    NoNotifications,
}

impl Health {
    /// A health of this state, which begins now.
    #[must_use]
    pub fn new(state: HealthState) -> Self {
        Self {
            state,
            since: Instant::now(),
            cause: None,
            source: None,
            history_resets: 0,
            cluster: None,
        }
    }

    /// A stalled backend.
    #[must_use]
    pub fn stalled(cause: Cause) -> Self {
        Self { cause: Some(cause), ..Self::new(HealthState::Stalled) }
    }

    /// Sets when the state began.
    #[must_use]
    pub fn with_since(mut self, since: Instant) -> Self {
        self.since = since;
        self
    }

    /// Sets where the data comes from.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Arc<str>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Sets how often the history was replaced.
    #[must_use]
    pub fn with_history_resets(mut self, history_resets: u64) -> Self {
        self.history_resets = history_resets;
        self
    }

    /// Sets the id of the server's data.
    #[must_use]
    pub fn with_cluster(mut self, cluster: impl Into<Arc<str>>) -> Self {
        self.cluster = Some(cluster.into());
        self
    }
}

impl Cause {
    /// A cause in words: a lowercase fragment that says what happened and what to do.
    pub fn new(kind: CauseKind, message: impl Into<Arc<str>>) -> Self {
        Self { kind, message: message.into(), key: None }
    }

    /// Sets the full key, if the cause concerns one key only.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<Bytes>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// What kind of cause it is.
    #[must_use]
    pub fn kind(&self) -> CauseKind {
        self.kind
    }

    /// What happened, in words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The full key that it concerns, if it concerns one key only.
    #[must_use]
    pub fn key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }
}

impl CauseKind {
    /// The [`ErrorKind`] of the error that reports this cause. Which call returns this error depends on the
    /// backend. A `get` returns it only for a name that the backend can't have, else it waits. A refresh
    /// waits while the backend answers no read.
    #[must_use]
    pub fn error_kind(self) -> ErrorKind {
        match self {
            Self::Unauthenticated => ErrorKind::Unauthenticated,
            Self::PermissionDenied => ErrorKind::PermissionDenied,
            Self::InvalidArgument => ErrorKind::InvalidArgument,
            Self::ResourceExhausted | Self::TooLarge => ErrorKind::ResourceExhausted,
            Self::Unreachable
            | Self::NoLeader
            | Self::ProtocolViolation
            | Self::HistoryReset
            | Self::OtherCluster
            | Self::Unimplemented
            | Self::FromCache
            | Self::EndpointRemoved
            | Self::NoNotifications => ErrorKind::Unavailable,
        }
    }
}

impl fmt::Display for HealthState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Stalled => "stalled",
        })
    }
}

impl fmt::Display for CauseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "unreachable",
            Self::NoLeader => "no leader",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission denied",
            Self::InvalidArgument => "invalid argument",
            Self::ResourceExhausted => "resource exhausted",
            Self::TooLarge => "value too large",
            Self::ProtocolViolation => "protocol violation",
            Self::HistoryReset => "history reset",
            Self::OtherCluster => "other cluster",
            Self::Unimplemented => "unimplemented",
            Self::FromCache => "from the cache",
            Self::EndpointRemoved => "endpoint removed",
            Self::NoNotifications => "no notifications",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.kind)?;
        if let Some(key) = &self.key {
            write!(f, "key `{}`: ", KeyName(key))?;
        }
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_prints_its_kind_its_key_and_its_words() {
        let cause = Cause::new(CauseKind::PermissionDenied, "the user `reader` may not read it");
        assert_eq!(
            cause.clone().with_key("app/config").to_string(),
            "permission denied: key `app/config`: the user `reader` may not read it"
        );
        assert_eq!(cause.to_string(), "permission denied: the user `reader` may not read it");
    }
}
