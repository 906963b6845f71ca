//! The side of an upstream that its backend holds.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::mailbox::{Mailbox, Requests};
use super::published_map::{Found, PublishedMap};
use super::refreshes::{Refreshes, Ticket};
use super::slots::{KeyId, Slots};
use crate::{
    Bytes, Cause, Entry, EntryState, Error, Health, MemoryReader, MemoryValue, MemoryWatcher,
    ValueWriter, Watcher,
};

/// What a backend's task holds of an [`Upstream`](super::Upstream): it hears which keys and maps are watched, and
/// publishes to them.
///
/// When it is dropped, all values, all maps and the health end.
pub struct Publisher {
    mailbox: Arc<Mailbox>,
    requested: MemoryWatcher<()>,
    values: Slots<MemoryValue<Entry>>,
    maps: BTreeMap<KeyId, PublishedMap>,
    refreshes: Refreshes,
    health: MemoryValue<Health>,
}

impl Publisher {
    pub(super) fn new(mailbox: Arc<Mailbox>, health: MemoryValue<Health>) -> Self {
        Self {
            requested: mailbox.watch_requests(),
            mailbox,
            values: Slots::default(),
            maps: BTreeMap::new(),
            refreshes: Refreshes::default(),
            health,
        }
    }

    pub(super) fn health(&self) -> MemoryReader<Health> {
        self.health.reader()
    }

    /// Waits until programs want something. `None`: the upstream ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Requests> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Polls for [`next`](Self::next).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Requests>> {
        let was_woken = self.requested.poll_get(cx).is_ready();
        if self.mailbox.is_closed() {
            return Poll::Ready(None);
        }
        let change = self.mailbox.take();
        if change.is_empty() {
            if was_woken {
                cx.waker().wake_by_ref(); // what woke it came and went: wait for the next
            }
            return Poll::Pending;
        }
        let mut requests = Requests { stopped: change.unsubscribed, ..Requests::default() };
        for id in &requests.stopped {
            self.values.remove(*id);
            self.maps.remove(id);
            self.refreshes.forget(*id);
        }
        for (id, (name, value)) in change.subscribed {
            self.values.insert(id, value);
            requests.started.push((id, name));
        }
        for (id, map) in change.subscribed_maps {
            requests.started_maps.push((id, map.range().clone()));
            self.maps.insert(id, map);
        }
        for (id, wanted) in change.refreshes {
            if self.is_watched(id) {
                requests.refreshes.push((id, self.refreshes.add(id, wanted)));
            }
        }
        Poll::Ready(Some(requests))
    }

    /// Makes an entry the newest version of a key. Does nothing if the key is stopped.
    pub fn publish(&self, key: KeyId, entry: Entry) {
        if let Some(value) = self.values.get(key) {
            value.set(entry);
        }
    }

    /// Makes an error the newest version of a key: its data can't be used. If the key can't be *read*, call
    /// [`refuse`](Self::refuse).
    pub fn fail(&self, key: KeyId, error: Error) {
        if let Some(value) = self.values.get(key) {
            value.fail(error);
        }
    }

    /// Publishes what a read of a key found, if that differs from the newest version: other bytes, or that the key
    /// is gone. `revision` is that of the bytes, or of the read if there are none. Returns whether it was published.
    ///
    /// A key that is not there, and was not there before, is *never seen*. A key that was there is *deleted*.
    pub fn found(&self, key: KeyId, name: &Bytes, value: Option<Bytes>, revision: i64) -> bool {
        let Some(cell) = self.values.get(key) else { return false };
        let before = cell.newest();
        let entry = match (value, &before) {
            (Some(value), _) => Entry::present(name.clone(), revision, value),
            (None, None | Some(Ok(Entry { state: EntryState::NeverSeen, .. }))) => {
                Entry::never_seen(name.clone())
            }
            (None, _) => Entry::deleted(name.clone(), revision),
        };
        let is_same = |before: &Entry| match (&before.state, &entry.state) {
            (EntryState::Present { value, .. }, EntryState::Present { value: new, .. }) => {
                value == new
            }
            (EntryState::Deleted { .. }, EntryState::Deleted { .. })
            | (EntryState::NeverSeen, EntryState::NeverSeen) => true,
            _ => false,
        };
        if before.is_some_and(|before| before.is_ok_and(|before| is_same(&before))) {
            return false;
        }
        cell.set(entry);
        true
    }

    /// Changes a map, as one step. An entry has its full key, and is put if it is present, else deleted. Of several
    /// entries of one key, the last one counts. Entries that are not in the range are left out, so a backend may pass
    /// what is below a [level](crate::KeyRange::one_level). Does nothing if the map is stopped.
    ///
    /// `is_synced` says that the whole range was read: with this step, the map is what the backend holds. A first
    /// read that comes in parts is synced with the last part. A map stays synced.
    ///
    /// ```
    /// use event_core::upstream::Upstream;
    /// use event_core::{Entry, KeyRange, MapReader, MapWatcherExt};
    ///
    /// # futures_executor::block_on(async {
    /// let (upstream, mut publisher) = Upstream::new();
    /// let mut services = upstream.map(KeyRange::folder("services")).watch();
    /// let (map, range) = publisher.next().await.unwrap().started_maps.remove(0);
    /// assert_eq!(range.start(), "services/");
    /// publisher.publish_step(map, vec![Entry::present("services/a", 1, "host-a:80")], true);
    /// assert_eq!(services.change().await.unwrap().key().unwrap(), "a");
    /// assert!(services.change().await.unwrap().is_synced());
    /// # });
    /// ```
    pub fn publish_step(&self, map: KeyId, changes: Vec<Entry>, is_synced: bool) {
        if let Some(map) = self.maps.get(&map) {
            map.publish(changes, is_synced);
        }
    }

    /// Publishes what a read of a whole range found, as one step: only what differs from what watchers have. A key that
    /// was not found is deleted. Then the map is synced. Each of `present` is a full key, its bytes and their revision.
    /// Returns whether anything changed.
    ///
    /// As with [`found`](Self::found), bytes that are the same are no change, whatever their revision is. If the
    /// range is [`keys_only`](crate::KeyRange::keys_only), the bytes are dropped, and another revision is a change.
    ///
    /// ```
    /// use event_core::upstream::Upstream;
    /// use event_core::{KeyRange, MapReader, MapWatcherExt};
    ///
    /// # futures_executor::block_on(async {
    /// let (upstream, mut publisher) = Upstream::new();
    /// let mut services = upstream.map(KeyRange::folder("services")).watch();
    /// let (map, _) = publisher.next().await.unwrap().started_maps.remove(0);
    /// let (a, b) = (("services/a".into(), "1".into(), 1), ("services/b".into(), "1".into(), 2));
    /// assert!(publisher.found_all(map, vec![a, b.clone()]));
    /// assert_eq!(services.changes().await.unwrap().len(), 3); // `a`, `b`, and `Synced`
    /// assert!(publisher.found_all(map, vec![b.clone()]));
    /// assert_eq!(services.changes().await.unwrap().len(), 1); // `a` is gone
    /// assert!(!publisher.found_all(map, vec![b]));
    /// # });
    /// ```
    #[allow(clippy::must_use_candidate)] // it publishes
    pub fn found_all(&self, map: KeyId, present: Vec<(Bytes, Bytes, i64)>) -> bool {
        let present =
            present.into_iter().map(|(key, value, revision)| (key, Ok(Some((value, revision)))));
        self.maps.get(&map).is_some_and(|map| map.found(present, true, true))
    }

    /// Publishes what a read of some keys of a map found, as one step: only what differs from what watchers have. The
    /// other keys stay. `is_synced` is that of [`publish_step`](Self::publish_step). Returns whether anything changed.
    ///
    /// ```
    /// use event_core::upstream::Upstream;
    /// use event_core::{Change, Error, ErrorKind, KeyRange, MapReader, MapWatcherExt};
    ///
    /// # futures_executor::block_on(async {
    /// let (upstream, mut publisher) = Upstream::new();
    /// let mut files = upstream.map(KeyRange::all()).watch();
    /// let (map, _) = publisher.next().await.unwrap().started_maps.remove(0);
    /// let large = || Error::new(ErrorKind::ResourceExhausted, "the file has 1 GB");
    /// assert!(publisher.found_some(map, vec![("a".into(), Err(large()))], true));
    /// assert!(matches!(files.change().await, Ok(Change::Failed { .. })));
    /// assert!(!publisher.found_some(map, vec![("a".into(), Err(large()))], true));
    /// # });
    /// ```
    #[allow(clippy::must_use_candidate)] // it publishes
    pub fn found_some(&self, map: KeyId, found: Vec<(Bytes, Found)>, is_synced: bool) -> bool {
        self.maps.get(&map).is_some_and(|map| map.found(found, false, is_synced))
    }

    /// Makes an error the newest version of one key of a map, as a step of its own: its data can't be used. `key` is the
    /// full key. The other keys go on. If the range can't be *read*, call [`refuse`](Self::refuse).
    pub fn fail_key(&self, map: KeyId, key: &Bytes, error: Error) {
        if let Some(map) = self.maps.get(&map) {
            map.fail(key, error);
        }
    }

    /// Says that a key or a map can't be read, and why. Its health is then stalled, and a program that waits for the upstream
    /// to be [ready](super::Ready) gets an error. Watchers keep what they have. The cause gets the key's name, or the
    /// start of the range.
    pub fn refuse(&self, key: KeyId, cause: Cause) {
        self.mailbox.set_refusal(key, Some(cause));
    }

    /// Says that a key or a map that was [refused](Self::refuse) can be read again.
    pub fn accept(&self, key: KeyId) {
        self.mailbox.set_refusal(key, None);
    }

    /// Accepts every key and every map that was refused. Call it when a connection is lost, for example.
    pub fn accept_all(&self) {
        self.mailbox.clear_refusals();
    }

    /// Why one of the keys or maps can't be read, if there is one: that of the smallest id.
    #[must_use]
    pub fn refusal(&self) -> Option<Cause> {
        self.mailbox.refusal(|_, _| true)
    }

    /// Sets the health of the store.
    pub fn set_health(&self, health: Health) {
        self.health.set(health);
    }

    /// Completes every refresh of the key or map up to `ticket`. Call it when a read that began after you took these
    /// requests is done or has failed, and after you published what it found. The error gets the key's name, or the
    /// start of the range.
    pub fn refreshed(&mut self, key: KeyId, ticket: Ticket, result: &Result<(), Error>) {
        self.refreshes.complete(key, ticket, result);
    }

    /// How many keys are watched.
    #[must_use]
    pub fn watched(&self) -> usize {
        self.values.len()
    }

    /// How many maps are watched.
    #[must_use]
    pub fn watched_maps(&self) -> usize {
        self.maps.len()
    }

    /// Whether a key or a map is watched.
    #[must_use]
    pub fn is_watched(&self, id: KeyId) -> bool {
        self.values.get(id).is_some() || self.maps.contains_key(&id)
    }

    /// Ends all values, all maps and the health, unless the upstream ended before. The first
    /// [`Closed`](crate::ErrorKind::Closed) of each watcher of a value or the health says why, and each
    /// `Closed` of a watcher of a map.
    pub fn end(&mut self, why: &str) {
        let had_ended = self.mailbox.close();
        let values = mem::take(&mut self.values).into_values();
        let maps = mem::take(&mut self.maps).into_values();
        let health = mem::take(&mut self.health);
        if !had_ended {
            values.for_each(|value| value.end(why));
            maps.for_each(|map| map.end(why));
            health.end(why);
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.end("the backend ended");
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("watched", &self.watched()).finish_non_exhaustive()
    }
}
