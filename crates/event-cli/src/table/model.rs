//! What the table knows.

use std::time::{Duration, Instant};

use event_core::{Error, Health, HealthState, Versioned};

use super::Update;
use crate::document::Document;
use crate::lines::key_text;

/// How long a change is highlighted.
const HIGHLIGHT: Duration = Duration::from_secs(2);

pub(super) struct Model {
    /// `None`: the store has said nothing yet.
    pub(super) health: Option<Health>,
    /// The newest cause of the store, and when it was over, if it is.
    pub(super) last_cause: Option<(String, Option<Instant>)>,
    pub(super) rows: Vec<Row>,
}

pub(super) struct Row {
    pub(super) key: String,
    pub(super) version: Version,
    pub(super) revision: Option<i64>,
    /// When the newest version came.
    pub(super) changed: Option<Instant>,
    /// Whether it is not the first one: only then is it highlighted.
    is_newer: bool,
    pub(super) health: Option<Health>,
    pub(super) last_error: Option<String>,
}

pub(super) enum Version {
    Unread,
    Missing,
    Deleted,
    Present(String),
    /// It does not decode.
    Bad,
}

impl Model {
    pub(super) fn new(keys: &[&[u8]]) -> Self {
        let row = |key: &&[u8]| Row {
            key: key_text(key),
            version: Version::Unread,
            revision: None,
            changed: None,
            is_newer: false,
            health: None,
            last_error: None,
        };
        Self { health: None, last_cause: None, rows: keys.iter().map(row).collect() }
    }

    pub(super) fn apply(&mut self, update: Update, now: Instant) {
        match update {
            Update::Health(health) => {
                match (&health.cause, &mut self.last_cause) {
                    (Some(cause), _) => self.last_cause = Some((cause.to_string(), None)),
                    (None, Some((_, over @ None))) => *over = Some(now),
                    (None, _) => {}
                }
                self.health = Some(health);
            }
            Update::KeyHealth(index, health) => {
                if let Some(row) = self.rows.get_mut(index) {
                    row.heard(health);
                }
            }
            Update::Version(index, version) => {
                if let Some(row) = self.rows.get_mut(index) {
                    row.read(version, now);
                }
            }
        }
    }
}

impl Row {
    fn heard(&mut self, health: Health) {
        // What concerns the whole store is said on top.
        if let Some(cause) = health.cause.as_ref().filter(|cause| cause.key().is_some()) {
            self.last_error = Some(cause.to_string());
        }
        self.health = Some(health);
    }

    fn read(&mut self, version: Result<Versioned<Option<Document>>, Error>, now: Instant) {
        (self.version, self.revision) = match version {
            Ok(Versioned { value: Some(value), revision, .. }) => {
                (Version::Present(value.text().to_owned()), revision)
            }
            Ok(Versioned { value: None, revision: None, .. }) => (Version::Missing, None),
            Ok(Versioned { value: None, revision, .. }) => (Version::Deleted, revision),
            Err(error) => {
                self.last_error = Some(format!("{error:#}"));
                (Version::Bad, error.revision())
            }
        };
        self.is_newer = self.changed.is_some();
        self.changed = Some(now);
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.health.as_ref().is_some_and(|health| health.state == HealthState::Stalled)
    }

    pub(super) fn state(&self) -> &'static str {
        match self.version {
            _ if self.is_stalled() => "stalled",
            Version::Unread => "waiting",
            Version::Missing => "missing",
            Version::Deleted => "deleted",
            Version::Present(_) => "ok",
            Version::Bad => "bad",
        }
    }

    /// Whether the last error still holds.
    pub(super) fn is_in_error(&self) -> bool {
        let cause = self.health.as_ref().and_then(|health| health.cause.as_ref());
        matches!(self.version, Version::Bad) || cause.is_some_and(|cause| cause.key().is_some())
    }

    pub(super) fn is_highlighted(&self, now: Instant) -> bool {
        self.is_newer
            && self
                .changed
                .is_some_and(|changed| now.saturating_duration_since(changed) < HIGHLIGHT)
    }
}
