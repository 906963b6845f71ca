//! A map under test, and what it has to be.

use std::collections::BTreeMap;

use super::MapSubject;
use crate::conformance::progress::step;

/// The keys that are there; `None`: the newest version is an error.
pub(super) type Keys<K> = BTreeMap<K, Option<u64>>;

/// The subject, with what was done to it.
pub(super) struct Truth<S: MapSubject> {
    pub(super) subject: S,
    pub(super) keys: Keys<S::Key>,
}

impl<S: MapSubject> Truth<S> {
    /// A map whose backend has not read it yet, if the backend can be held up.
    pub(super) fn new(subject: S) -> Self {
        Self { subject, keys: Keys::new() }
    }

    /// A map whose backend has read it.
    pub(super) async fn synced(subject: S) -> Self {
        let mut truth = Self::new(subject);
        truth.sync().await;
        truth
    }

    pub(super) async fn sync(&mut self) -> bool {
        step("letting the backend have read the range");
        self.subject.sync().await
    }

    pub(super) async fn put(&mut self, key: u64, version: u64) {
        self.apply(&[(key, Some(version))]).await;
    }

    pub(super) async fn delete(&mut self, key: u64) {
        self.apply(&[(key, None)]).await;
    }

    pub(super) async fn apply(&mut self, changes: &[(u64, Option<u64>)]) {
        step(format!("changing {changes:?}"));
        for (number, version) in changes {
            let key = self.subject.key(*number);
            match version {
                Some(version) => self.keys.insert(key, Some(*version)),
                None => self.keys.remove(&key),
            };
        }
        self.subject.apply(changes).await;
    }

    pub(super) async fn spoil(&mut self, key: u64) -> bool {
        step(format!("spoiling {key}"));
        let is_spoilt = self.subject.spoil(key).await;
        if is_spoilt {
            self.keys.insert(self.subject.key(key), None);
        }
        is_spoilt
    }
}
