//! What differs between two snapshots.

use std::cmp::Ordering;
use std::iter::from_fn;

use super::Snapshot;
use crate::Change;

/// Walks through both by rising key. It compares the numbers of changes, and trusts nothing of the tree but its order.
pub(super) fn difference<'a, K: Ord, V>(
    newer: &'a Snapshot<K, V>,
    older: &'a Snapshot<K, V>,
) -> impl Iterator<Item = Change<&'a K, &'a V>> {
    // Only snapshots of one watcher count alike.
    let is_kin = newer.lineage == older.lineage;
    // Between two that are the same there is nothing to look at.
    let all = if newer.is_same(older) { 0 } else { usize::MAX };
    let mut newer = newer.entries.iter().take(all).peekable();
    let mut older = older.entries.iter().take(all).peekable();
    from_fn(move || {
        loop {
            let which = match (newer.peek(), older.peek()) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((newer, _)), Some((older, _))) => newer.cmp(older),
            };
            if which == Ordering::Greater {
                let (key, _) = older.next()?;
                return Some(Change::Delete { key });
            }
            let before = if which == Ordering::Equal { older.next() } else { None };
            let (key, stored) = newer.next()?;
            if is_kin && before.is_some_and(|(_, before)| before.changed == stored.changed) {
                continue;
            }
            return Some(match &stored.version {
                Ok(value) => Change::Put { key, value },
                Err(error) => Change::Failed { key, error: error.clone() },
            });
        }
    })
}
