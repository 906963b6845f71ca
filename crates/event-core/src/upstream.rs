//! What every backend needs besides its own I/O. Feature `upstream`.
//!
//! A backend has handles, which programs hold, and a task or a thread that does its I/O. An [`Upstream`] is what
//! the handles share, and a [`Publisher`] is what the task holds:
//!
//! - A key is *started* with its first watcher, shared by all its watchers, and *stopped* with the last one.
//!   [`Publisher::next`] says which keys started and stopped, and which refreshes programs wait for. A key
//!   that starts and stops before the task asks is not in it, so what waits for the task is bounded by the
//!   number of keys.
//! - [`Publisher::found`] publishes what a read found if it differs from what watchers have, so a backend may read
//!   everything again whenever it is in doubt. [`Publisher::refuse`] says why a key can't be read.
//! - A *map* is a range of keys, which starts and stops as a key does. [`Publisher::publish_step`] changes several of its
//!   keys as one step. [`Publisher::found_all`] takes what a read of the whole range found, and publishes what differs.
//! - [`Publisher::set_health`] sets the health of the store. The health of each key follows from it, and
//!   from what was refused. A [`HealthLog`] logs it.
//! - The upstream ends when the last handle, value and watcher is dropped, or by [`Upstream::close`]: then `next`
//!   returns `None`. If the task ends first, all values end.
//!
//! The guide *Writing a backend* in the repository's `docs` begins with an empty file and ends with a backend that
//! passes the conformance suite.
//!
//! ```
//! use event_core::upstream::{Publisher, Upstream};
//! use event_core::{Bytes, Health, HealthState, ReaderExt};
//!
//! /// A backend whose keys all have their own name as value.
//! async fn run(mut publisher: Publisher) {
//!     publisher.set_health(Health::new(HealthState::Live));
//!     while let Some(requests) = publisher.next().await {
//!         for (key, name) in requests.started {
//!             let value = name.to_ascii_uppercase();
//!             publisher.found(key, &name, Some(value.into()), 1);
//!         }
//!         for (key, ticket) in requests.refreshes {
//!             publisher.refreshed(key, ticket, &Ok(())); // nothing ever changes
//!         }
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let (upstream, publisher) = Upstream::new();
//! let task = tokio::spawn(run(publisher));
//! let entry = upstream.value("greeting").get().await.unwrap();
//! assert_eq!(entry.value().unwrap(), "GREETING");
//! drop(upstream);
//! task.await.unwrap();
//! # });
//! ```

mod first;
mod health;
mod health_log;
mod mailbox;
mod map;
mod published_map;
mod publisher;
mod ready;
mod refreshes;
mod slots;
mod subscriptions;
mod value;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use crate::{
    BoxMapReader, BoxReader, Bytes, Entry, Health, HealthState, KeyRange, MapReaderExt,
    MemoryReader, MemoryValue, ReaderExt, Refresh, Store,
};
use mailbox::Mailbox;

pub use health::{UpstreamHealth, UpstreamHealthWatcher};
pub use health_log::HealthLog;
pub use mailbox::Requests;
pub use map::{UpstreamMap, UpstreamMapWatcher};
pub use published_map::Found;
pub use publisher::Publisher;
pub use ready::Ready;
pub use refreshes::Ticket;
pub use slots::{Ids, KeyId, Slots};
pub use value::{UpstreamValue, UpstreamWatcher};

/// What the handles of a backend share. It is cheap to clone.
///
/// It ends with its last clone, value and watcher. A reader of the health does not keep it.
#[derive(Clone)]
pub struct Upstream {
    owner: Arc<Owner>,
}

struct Owner {
    mailbox: Arc<Mailbox>,
    health: MemoryReader<Health>,
}

impl Upstream {
    /// An upstream, and what its backend holds. Every key is allowed.
    #[must_use]
    pub fn new() -> (Self, Publisher) {
        Self::with_keys(|_| Ok(()))
    }

    /// An upstream whose backend has only some keys. If `check` returns an error for a key, a watcher of the key
    /// yields an error of kind [`InvalidArgument`](crate::ErrorKind::InvalidArgument) with these words, once; then it
    /// waits until the upstream ends. The publisher never hears of such a key.
    ///
    /// `check` runs whenever a key is watched: it must be fast, and always say the same.
    #[must_use]
    pub fn with_keys(
        check: impl Fn(&[u8]) -> Result<(), String> + Send + Sync + 'static,
    ) -> (Self, Publisher) {
        let mailbox = Arc::new(Mailbox::new(Box::new(check)));
        let health = MemoryValue::new(Health::new(HealthState::Connecting));
        let publisher = Publisher::new(Arc::clone(&mailbox), health);
        let health = publisher.health();
        let owner = Owner { mailbox, health };
        (Self { owner: Arc::new(owner) }, publisher)
    }

    /// A key as a value. It costs nothing until it is watched.
    #[must_use]
    pub fn value(&self, key: impl Into<Bytes>) -> UpstreamValue {
        UpstreamValue::new(self.clone(), key.into())
    }

    /// The keys of a range as one map. It costs nothing until it is watched.
    ///
    /// A map of an [empty](KeyRange::is_empty) range is synced at once, and the publisher never hears of it.
    #[must_use]
    pub fn map(&self, range: KeyRange) -> UpstreamMap {
        UpstreamMap::new(self.clone(), range)
    }

    /// How the backend is doing, as a value.
    #[must_use]
    pub fn health(&self) -> UpstreamHealth {
        UpstreamHealth::of_all(Arc::clone(&self.owner.mailbox), self.owner.health.clone())
    }

    /// Asks for the newest data of every key and every map that is watched now. The errors are those of
    /// [`UpstreamValue::refresh`](crate::ValueReader::refresh).
    pub fn refresh(&self) -> Refresh {
        let Self { owner } = self.clone();
        Refresh::new(async move {
            for (name, refreshed) in owner.mailbox.refresh_all() {
                match refreshed.done().await {
                    // Its last watcher is gone, and what it waited for with it.
                    Err(error) if error.is_closed() && !owner.mailbox.is_closed() => {}
                    result => result.map_err(|error| map::named(error, &name))?,
                }
            }
            Ok(())
        })
    }

    /// Waits until every key and every map that is watched now was read.
    pub fn ready(&self) -> Ready {
        Ready::new(self.clone())
    }

    /// How many keys have a watcher.
    #[must_use]
    pub fn watched_keys(&self) -> usize {
        self.mailbox().watched_keys()
    }

    /// How many maps have a watcher.
    #[must_use]
    pub fn watched_maps(&self) -> usize {
        self.mailbox().watched_maps()
    }

    /// Ends the upstream: each watcher yields the last version, unless it did already, and after that
    /// [`Closed`](crate::ErrorKind::Closed). The watchers of the health get `Closed` at once. [`Publisher::next`] returns
    /// `None`.
    pub fn close(&self) {
        self.owner.mailbox.close();
    }

    fn mailbox(&self) -> &Mailbox {
        &self.owner.mailbox
    }
}

impl Store for Upstream {
    fn key(&self, name: Bytes) -> BoxReader<Entry> {
        self.value(name).boxed()
    }

    fn key_health(&self, name: Bytes) -> BoxReader<Health> {
        self.value(name).health().boxed()
    }

    fn range(&self, range: KeyRange) -> BoxMapReader<Bytes, Entry> {
        self.map(range).boxed()
    }

    fn range_health(&self, range: KeyRange) -> BoxReader<Health> {
        self.map(range).health().boxed()
    }

    fn health(&self) -> BoxReader<Health> {
        Self::health(self).boxed()
    }

    fn refresh(&self) -> Refresh {
        Self::refresh(self)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.mailbox.close();
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").finish_non_exhaustive()
    }
}
