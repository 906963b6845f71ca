//! How the connection to the cluster does, as a value.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// How a store's connection does.
///
/// [`EtcdStore::health`](crate::EtcdStore::health) is a reader of it. A new version comes when the
/// state, the cause, the endpoint or the history changes, and not for each answer of the server;
/// [`EtcdStore::stale_for`](crate::EtcdStore::stale_for) tells how fresh the last one is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether what watchers are told is known to be the newest.
    pub state: State,
    /// When this state began.
    pub since: Instant,
    /// Why it is stalled; `None` in the other states.
    pub cause: Option<Cause>,
    /// The member in use or tried, or while stalled the one that has the cause. `None` before the first.
    pub endpoint: Option<Arc<str>>,
    /// The highest revision seen when this version was made.
    pub revision: i64,
    /// How often the store's history was seen to be replaced: wiped, or restored from a backup.
    /// Watchers are then told what the new history holds, and revisions start over.
    ///
    /// A new history shows itself by a lower revision, or by not remembering a version that was told.
    /// One that has passed the old revision, and has compacted that version away, is not seen.
    pub replaced: u64,
}

/// Whether what watchers are told is known to be the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Not asked yet, since no key was watched yet, or asked and not answered yet.
    Connecting,
    /// The stream is open and answers, and all keys are read. Known while a key is watched: later nobody
    /// asks.
    Live,
    /// What watchers hold may be stale, for the [`cause`](Health::cause) that is told: of all keys, or of
    /// those alone that are [refused](CauseKind::Permission) or can't be [served](CauseKind::Rejected). It
    /// is tried again without end.
    Stalled,
}

/// Why a connection is stalled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub(crate) kind: CauseKind,
    pub(crate) message: String,
}

/// What sort of cause it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CauseKind {
    /// No connection, or no answer on it: all ends of a transport look alike.
    Unreachable,
    /// The member that answers has no leader: it is cut from the others, or too few of them are left.
    NoLeader,
    /// The cluster refuses the credentials.
    Auth,
    /// The user may not read a key that is watched.
    Permission,
    /// The cluster can't serve a key that is watched: it is empty.
    Rejected,
    /// A value is larger than one message may be.
    TooLarge,
}

impl Cause {
    /// What sort of cause it is.
    #[must_use]
    pub fn kind(&self) -> CauseKind {
        self.kind
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            CauseKind::Unreachable => "unreachable",
            CauseKind::NoLeader => "no leader",
            CauseKind::Auth => "credentials refused",
            CauseKind::Permission => "permission refused",
            CauseKind::Rejected => "request rejected",
            CauseKind::TooLarge => "value too large",
        };
        write!(f, "{kind}: {}", self.message)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Stalled => "stalled",
        })
    }
}

impl Health {
    pub(crate) fn connecting(now: Instant) -> Self {
        Self {
            state: State::Connecting,
            since: now,
            cause: None,
            endpoint: None,
            revision: 0,
            replaced: 0,
        }
    }

    /// Whether a watcher of health would want to know. While it is stalled the endpoints are tried in
    /// turn, each with words of its own, which is no news.
    pub(crate) fn differs(&self, other: &Self) -> bool {
        fn news(health: &Health) -> impl PartialEq {
            let kind = health.cause.as_ref().map(Cause::kind);
            let endpoint = health.endpoint.as_ref().filter(|_| health.state == State::Live);
            (health.state, kind, endpoint, health.replaced)
        }
        news(self) != news(other)
    }
}
