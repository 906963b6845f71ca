//! What differs between two snapshots.

use std::cmp::Ordering;
use std::iter::from_fn;

use super::Snapshot;
use crate::{Change, Error};

/// Walks through both by rising key. It compares the numbers of changes, and trusts nothing of the trees but their order.
pub(super) fn difference<'a, K: Ord, V>(
    newer: &'a Snapshot<K, V>,
    older: &'a Snapshot<K, V>,
) -> impl Iterator<Item = Change<&'a K, &'a V>> {
    // Only snapshots of one watcher count alike.
    let is_kin = newer.lineage == older.lineage;
    // Between two that are the same there is nothing to look at.
    let all = if newer.is_same(older) { 0 } else { usize::MAX };
    let mut newer = newest_versions(newer).take(all).peekable();
    let mut older = newest_versions(older).take(all).peekable();
    from_fn(move || {
        loop {
            let which = first_of(newer.peek().map(|it| it.key), older.peek().map(|it| it.key))?;
            if which == Ordering::Greater {
                return Some(Change::Delete { key: older.next()?.key });
            }
            let before = if which == Ordering::Equal { older.next() } else { None };
            let Newest { key, version, changed } = newer.next()?;
            if is_kin && before.is_some_and(|before| before.changed == changed) {
                continue;
            }
            return Some(match version {
                Ok(value) => Change::Put { key, value },
                Err(error) => Change::Failed { key, error: error.clone() },
            });
        }
    })
}

/// The newest version of a key, which may be an error.
struct Newest<'a, K, V> {
    key: &'a K,
    version: Result<&'a V, &'a Error>,
    changed: u64,
}

/// The newest version of each key, by rising key: an error counts, and not the value that the key had before.
fn newest_versions<K: Ord, V>(snapshot: &Snapshot<K, V>) -> impl Iterator<Item = Newest<'_, K, V>> {
    let mut values = snapshot.entries.iter().peekable();
    let mut errors = snapshot.errors.iter().peekable();
    from_fn(move || {
        let which = first_of(values.peek().map(|it| it.0), errors.peek().map(|it| it.0))?;
        let value = if which == Ordering::Greater { None } else { values.next() };
        let error = if which == Ordering::Less { None } else { errors.next() };
        match (error, value) {
            (Some((key, stored)), _) => {
                Some(Newest { key, version: Err(&stored.version), changed: stored.changed })
            }
            (None, Some((key, stored))) => {
                Some(Newest { key, version: Ok(&stored.version), changed: stored.changed })
            }
            (None, None) => None,
        }
    })
}

/// Which of two keys comes first: the other one may be missing. `None` if both are.
fn first_of<K: Ord>(one: Option<&K>, other: Option<&K>) -> Option<Ordering> {
    match (one, other) {
        (None, None) => None,
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (Some(one), Some(other)) => Some(one.cmp(other)),
    }
}
