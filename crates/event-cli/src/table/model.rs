//! What the table knows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use event_core::{Bytes, Change, Error, Health, HealthState, KeyRange, Versioned};

use super::Update;
use crate::document::Document;
use crate::lines::key_text;

/// How long a change is highlighted.
const HIGHLIGHT: Duration = Duration::from_secs(2);
/// How many rows of deleted keys a map keeps at most while they are highlighted.
const MOST_DELETED: usize = 100;

pub(super) struct Model {
    /// `None`: the store has said nothing yet.
    pub(super) health: Option<Health>,
    /// The newest cause of the store, and when it was over, if it is.
    pub(super) last_cause: Option<(String, Option<Instant>)>,
    pub(super) rows: Vec<Row>,
    pub(super) maps: Vec<Map>,
}

/// All keys under a path.
pub(super) struct Map {
    /// What the keys begin with.
    prefix: Bytes,
    pub(super) is_synced: bool,
    health: Option<Health>,
    pub(super) last_error: Option<String>,
    /// By the name of the key.
    pub(super) rows: BTreeMap<String, Row>,
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
    pub(super) fn new(keys: &[&[u8]], ranges: &[KeyRange]) -> Self {
        Self {
            health: None,
            last_cause: None,
            rows: keys.iter().map(|key| Row::new(key_text(key))).collect(),
            maps: ranges.iter().map(Map::new).collect(),
        }
    }

    /// All rows, of keys and of maps.
    pub(super) fn all_rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().chain(self.maps.iter().flat_map(|map| map.rows.values()))
    }

    /// Forgets the deleted keys of maps whose row was shown for long enough.
    pub(super) fn forget_deleted(&mut self, now: Instant) {
        for map in &mut self.maps {
            map.rows.retain(|_, row| {
                !matches!(row.version, Version::Deleted) || row.is_highlighted(now)
            });
        }
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
            Update::MapHealth(index, health) => {
                if let Some(map) = self.maps.get_mut(index) {
                    map.heard(health);
                }
            }
            Update::Change(index, change) => {
                if let Some(map) = self.maps.get_mut(index) {
                    map.apply(change, now);
                }
            }
        }
    }
}

impl Map {
    fn new(range: &KeyRange) -> Self {
        Self {
            prefix: range.as_prefix().clone(),
            is_synced: false,
            health: None,
            last_error: None,
            rows: BTreeMap::new(),
        }
    }

    fn heard(&mut self, health: Health) {
        if health.state == HealthState::Stalled {
            self.last_error = health.cause.as_ref().map(ToString::to_string);
        }
        self.health = Some(health);
    }

    fn apply(&mut self, change: Change<Bytes, Versioned<Document>>, now: Instant) {
        let (key, version) = match change {
            Change::Put { key, value } => {
                let Versioned { key: full, revision, value, .. } = value;
                (key, Ok(Versioned::new(full, revision.unwrap_or_default(), Some(value))))
            }
            Change::Failed { key, error } => (key, Err(error)),
            Change::Delete { key } => return self.delete(&key, now),
            Change::Synced => {
                self.is_synced = true;
                return;
            }
            _ => return,
        };
        let name = self.name(&key);
        let row = self.rows.entry(name.clone()).or_insert_with(|| {
            let mut row = Row::new(name);
            // After the first read, a key that comes is a change as well.
            row.changed = self.is_synced.then_some(now);
            row
        });
        row.read(version, now);
    }

    fn delete(&mut self, key: &Bytes, now: Instant) {
        let name = self.name(key);
        let is_deleted = |row: &&Row| matches!(row.version, Version::Deleted);
        if self.rows.values().filter(is_deleted).count() >= MOST_DELETED {
            self.rows.remove(&name);
        } else if let Some(row) = self.rows.get_mut(&name) {
            row.version = Version::Deleted;
            (row.is_newer, row.changed, row.last_error) = (true, Some(now), None);
        }
    }

    fn name(&self, key: &Bytes) -> String {
        key_text(&[&self.prefix[..], key].concat())
    }

    /// The line above its rows.
    pub(super) fn title(&self) -> String {
        let keys =
            self.rows.values().filter(|row| !matches!(row.version, Version::Deleted)).count();
        let prefix =
            if self.prefix.is_empty() { "all keys".into() } else { key_text(&self.prefix) };
        let state = match self.is_synced {
            _ if self.is_stalled() => "stalled",
            true => "synced",
            false => "waiting",
        };
        let keys = if keys == 1 { "1 key".to_owned() } else { format!("{keys} keys") };
        format!("{prefix}  {keys}  {state}")
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.health.as_ref().is_some_and(|health| health.state == HealthState::Stalled)
    }
}

impl Row {
    fn new(key: String) -> Self {
        Self {
            key,
            version: Version::Unread,
            revision: None,
            changed: None,
            is_newer: false,
            health: None,
            last_error: None,
        }
    }

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
