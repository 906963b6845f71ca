//! `group_by`: a map of maps.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::backlog::Backlog;
use super::{CHUNK, SharedMap};
use crate::adapters::yield_now;
use crate::debug::debug;
use crate::{Bytes, Change, Epoch, Error, MapReader, MapWatcher, Refresh, Snapshot};

/// How many chunks one poll takes.
const CHUNKS: usize = 4;

/// What [`MapReaderExt::group_by`](crate::MapReaderExt::group_by) returns: one set of groups for all watchers.
pub type GroupedMap<R, K, V, G, F> = SharedMap<GroupBy<R, K, V, F>, G, Snapshot<K, V>>;

/// A map whose keys are the groups of another map's keys.
///
/// [`MapReaderExt::group_by`](crate::MapReaderExt::group_by) returns it inside a [`SharedMap`].
pub struct GroupBy<R, K, V, F> {
    reader: R,
    group_of: Arc<F>,
    of: PhantomData<fn(K, V)>,
}

impl<R, K, V, F> GroupBy<R, K, V, F> {
    pub(crate) fn new(reader: R, group_of: F) -> Self {
        Self { reader, group_of: Arc::new(group_of), of: PhantomData }
    }
}

impl<R, K, V, G, F> MapReader<G, Snapshot<K, V>> for GroupBy<R, K, V, F>
where
    R: MapReader<K, V>,
    K: Ord,
    G: Hash + Eq + Clone,
    F: Fn(&K) -> Option<G>,
{
    type Watcher = GroupByWatcher<R::Watcher, K, V, G, F>;

    fn watch(&self) -> Self::Watcher {
        GroupByWatcher {
            watcher: self.reader.watch(),
            group_of: Arc::clone(&self.group_of),
            backlog: Backlog::new(),
            groups: HashMap::new(),
            changed: BTreeMap::new(),
            changes: 0,
            owes_synced: false,
        }
    }

    fn refresh(&self) -> Refresh {
        self.reader.refresh()
    }
}

/// A watcher of the groups of a map.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct GroupByWatcher<W, K, V, G, F> {
    watcher: W,
    group_of: Arc<F>,
    /// Not in its group yet. It is empty between two polls, unless the function panicked.
    backlog: Backlog<K, V>,
    groups: HashMap<G, Group<K, V>>,
    /// The groups to yield, by their last change.
    changed: BTreeMap<u64, G>,
    /// How many changes were taken.
    changes: u64,
    /// The map is synced, and that is to be yielded.
    owes_synced: bool,
}

struct Group<K, V> {
    entries: Snapshot<K, V>,
    /// Its place among those to yield.
    changed: Option<u64>,
}

impl<W, K, V, G, F> GroupByWatcher<W, K, V, G, F>
where
    K: Ord,
    G: Hash + Eq + Clone,
    F: Fn(&K) -> Option<G>,
{
    /// Puts what was taken into its groups.
    fn work_off(&mut self) {
        while let Some(change) = self.backlog.first() {
            let group = change.key().map(|key| (self.group_of)(key));
            let Some(change) = self.backlog.pop() else { return };
            match group {
                Some(Some(group)) => self.change(group, change),
                Some(None) => {}
                None => self.owes_synced = true,
            }
        }
    }

    fn change(&mut self, name: G, change: Change<K, V>) {
        let is_delete = matches!(change, Change::Delete { .. });
        if is_delete && !self.groups.contains_key(&name) {
            return;
        }
        let new = || Group { entries: Snapshot::new(), changed: None };
        let group = self.groups.entry(name.clone()).or_insert_with(new);
        group.entries.change(change);
        self.changes += 1;
        if let Some(earlier) = group.changed.replace(self.changes) {
            self.changed.remove(&earlier);
        }
        self.changed.insert(self.changes, name);
    }

    /// The group that changed first of those to yield.
    fn next(&mut self) -> Option<Change<G, Snapshot<K, V>>> {
        let (_, key) = self.changed.pop_first()?;
        let group = self.groups.get_mut(&key)?;
        group.changed = None;
        if group.entries.is_empty() && group.entries.errors().next().is_none() {
            self.groups.remove(&key);
            return Some(Change::Delete { key });
        }
        group.entries.next_revision();
        Some(Change::Put { key, value: group.entries.clone() })
    }
}

impl<W, K, V, G, F> MapWatcher<G, Snapshot<K, V>> for GroupByWatcher<W, K, V, G, F>
where
    W: MapWatcher<K, V>,
    K: Ord,
    G: Hash + Eq + Clone,
    F: Fn(&K) -> Option<G>,
{
    fn poll_change(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Change<G, Snapshot<K, V>>, Error>> {
        for _ in 0..CHUNKS {
            let polled = self.backlog.poll(&mut self.watcher, cx, CHUNK);
            self.work_off();
            let nothing_left = match polled {
                Poll::Ready(Ok(())) => continue,
                Poll::Ready(Err(end)) => Poll::Ready(Err(end)),
                Poll::Pending => Poll::Pending,
            };
            if let Some(change) = self.next() {
                return Poll::Ready(Ok(change));
            }
            if std::mem::take(&mut self.owes_synced) {
                return Poll::Ready(Ok(Change::Synced));
            }
            return nothing_left;
        }
        // The writer does not pause: what it has changed so far goes out, in the middle of its step.
        match self.next() {
            Some(change) => Poll::Ready(Ok(change)),
            None => yield_now(cx),
        }
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch().map(Epoch::of_adapter)
    }
}

/// The part of a key that has this index, counted from 0, where slashes separate the parts: for
/// [`group_by`](crate::MapReaderExt::group_by). A key that ends with this part, or has no such part, is in no group.
///
/// ```
/// use event_core::{Bytes, segment};
///
/// let service = segment(0);
/// assert_eq!(service(&Bytes::from("web/instance-1")), Some(Bytes::from("web")));
/// assert_eq!(service(&Bytes::from("web")), None); // a key beside the folders
/// assert_eq!(segment(1)(&Bytes::from("web/eu/1")), Some(Bytes::from("eu")));
/// ```
pub fn segment(index: usize) -> impl Fn(&Bytes) -> Option<Bytes> + Clone + Send + Sync + 'static {
    move |key| {
        let mut parts = key.split(|byte| *byte == b'/');
        let part = parts.nth(index)?;
        parts.next()?;
        Some(key.slice_ref(part))
    }
}

impl<R: Clone, K, V, F> Clone for GroupBy<R, K, V, F> {
    fn clone(&self) -> Self {
        let group_of = Arc::clone(&self.group_of);
        Self { reader: self.reader.clone(), group_of, of: PhantomData }
    }
}

debug!(GroupBy<R, K, V, F> { reader: R });
debug!(GroupByWatcher<W, K, V, G, F> { watcher: W });
