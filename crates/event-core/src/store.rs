//! What application code takes when it needs more than one key.

use std::sync::Arc;

use crate::{BoxMapReader, BoxReader, Bytes, Entry, Health, KeyRange, Refresh};

/// Values by key, and maps of keys: what a backend offers to a program that has more than one key.
///
/// Application code takes one store, and its test passes another. The trait has no method that writes, and is usable
/// as `dyn`. Call the methods of [`StoreExt`]: they take names as strings or bytes.
///
/// ```
/// use event_core::{MemoryStore, ReaderExt, Store, StoreExt};
///
/// /// The application: it does not know where its keys are.
/// async fn greeting(store: &dyn Store) -> String {
///     let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
///     let greeting = store.value("greeting").decode(text);
///     let name = store.value("name").decode(text);
///     let (greeting, name) = greeting.zip(name).get().await.unwrap();
///     format!("{greeting}, {name}!")
/// }
///
/// # futures_executor::block_on(async {
/// let store = MemoryStore::new();
/// store.set("greeting", "Hello");
/// store.set("name", "world");
/// assert_eq!(greeting(&store).await, "Hello, world!");
/// # });
/// ```
pub trait Store: Send + Sync {
    /// A key as a value. It costs nothing until it is watched, and then one subscription in the backend, however
    /// many watchers and handles there are.
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::{MemoryStore, ReaderExt, Store};
    ///
    /// # futures_executor::block_on(async {
    /// let store = MemoryStore::new();
    /// store.set("port", "8080");
    /// assert_eq!(store.key("port".into()).get().await.unwrap().value().unwrap(), "8080");
    /// # });
    /// ```
    fn key(&self, name: Bytes) -> BoxReader<Entry>;

    /// How a key is doing, as a value. Reading the health does not watch the key. A backend that does I/O says
    ///
    /// - *stalled* if the whole store is stalled, or the key can't be read;
    /// - otherwise *live* if the store is live, and the key is watched and has been read;
    /// - otherwise *connecting*.
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::{HealthState, MemoryStore, ReaderExt, Store};
    ///
    /// # futures_executor::block_on(async {
    /// let store = MemoryStore::new();
    /// let health = store.key_health("port".into()).get().await.unwrap();
    /// assert_eq!(health.state, HealthState::Live);
    /// # });
    /// ```
    fn key_health(&self, name: Bytes) -> BoxReader<Health>;

    /// The keys of a range as one map. It costs nothing until it is watched, and then one subscription in the backend,
    /// however many watchers and handles of equal ranges there are.
    ///
    /// The map names its keys relative to the [prefix](KeyRange::as_prefix) of the range. The key of an [`Entry`] is the
    /// full one. A map has only entries that are present: a key that is deleted leaves the map.
    ///
    /// # For implementors
    ///
    /// With the kit (feature `upstream`), this is `Upstream::map`, boxed. There is no default: a map that is made of
    /// single keys would keep none of the [laws of maps](crate::MapReader#the-laws).
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::{KeyRange, MapReaderExt, MemoryStore, Store};
    ///
    /// # futures_executor::block_on(async {
    /// let store = MemoryStore::new();
    /// store.set("services/a", "host-a:80");
    /// let services = store.range(KeyRange::prefix("serv")).snapshot().await.unwrap();
    /// assert_eq!(services.get(&b"ices/a"[..]).unwrap().key, "services/a");
    /// # });
    /// ```
    fn range(&self, range: KeyRange) -> BoxMapReader<Bytes, Entry>;

    /// How a range is doing, as a value. Reading the health does not watch the range. The states are those of
    /// [`key_health`](Self::key_health). A range has been read when all of it has.
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::{HealthState, KeyRange, MemoryStore, ReaderExt, Store};
    ///
    /// # futures_executor::block_on(async {
    /// let store = MemoryStore::new();
    /// let health = store.range_health(KeyRange::all()).get().await.unwrap();
    /// assert_eq!(health.state, HealthState::Live);
    /// # });
    /// ```
    fn range_health(&self, range: KeyRange) -> BoxReader<Health>;

    /// How the store is doing, as a value.
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::{HealthState, MemoryStore, ReaderExt, Store};
    ///
    /// # futures_executor::block_on(async {
    /// let health = MemoryStore::new().health().get().await.unwrap();
    /// assert_eq!(health.state, HealthState::Live);
    /// # });
    /// ```
    fn health(&self) -> BoxReader<Health>;

    /// Asks the backend for its newest data, for every key and every map that is watched now.
    ///
    /// [`ValueReader::refresh`](crate::ValueReader::refresh) says what watchers then take. The refresh waits while
    /// the backend can't be reached: add a timeout if that matters.
    ///
    /// # Errors
    ///
    /// The backend refused to read a key or a range, or the store ended. Other keys may not have been read yet.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the watchers as they are.
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::{MemoryStore, Store};
    ///
    /// # futures_executor::block_on(async {
    /// MemoryStore::new().refresh().await.unwrap();
    /// # });
    /// ```
    fn refresh(&self) -> Refresh;
}

/// A store whose type is erased: a handle that is cheap to clone. `Arc::new(store)` makes one, and `open` of `event-open`
/// returns one.
pub type BoxStore = Arc<dyn Store>;

/// What every [`Store`] can do.
pub trait StoreExt: Store {
    /// A key as a value, by its name.
    ///
    /// ```
    /// use event_core::{MemoryStore, ReaderExt, StoreExt};
    ///
    /// # futures_executor::block_on(async {
    /// let store = MemoryStore::new();
    /// store.set("port", "8080");
    /// let port = store.value("port").decode(|bytes: &[u8]| String::from_utf8(bytes.to_vec()));
    /// assert_eq!(port.get().await.unwrap(), "8080");
    /// # });
    /// ```
    fn value(&self, name: impl AsRef<[u8]>) -> BoxReader<Entry> {
        self.key(Bytes::copy_from_slice(name.as_ref()))
    }

    /// How a key is doing, by its name: see [`Store::key_health`].
    ///
    /// ```
    /// use event_core::{HealthState, MemoryStore, ReaderExt, StoreExt};
    ///
    /// # futures_executor::block_on(async {
    /// let health = MemoryStore::new().health_of("port").get().await.unwrap();
    /// assert_eq!(health.state, HealthState::Live);
    /// # });
    /// ```
    fn health_of(&self, name: impl AsRef<[u8]>) -> BoxReader<Health> {
        self.key_health(Bytes::copy_from_slice(name.as_ref()))
    }

    /// The keys under a path as one map, such as the live instances of a service.
    ///
    /// A name without a `/` at its end gets one: `services` and `services/` are the same map, which does not have
    /// `services2/a`. An empty name is all keys. The keys of the map are relative: `services/a` is `a`, and
    /// `services/a/b` is `a/b`. For another range, such as one level only, call [`range`](Store::range).
    ///
    /// ```
    /// use event_core::{MapReaderExt, MemoryStore, StoreExt};
    ///
    /// # futures_executor::block_on(async {
    /// let store = MemoryStore::new();
    /// store.set("services/a", "host-a:80");
    /// store.set("services2/b", "host-b:80");
    /// let services = store.map("services").decode(|bytes: &[u8]| String::from_utf8(bytes.to_vec()));
    /// let snapshot = services.snapshot().await.unwrap();
    /// assert_eq!(snapshot.len(), 1);
    /// assert_eq!(snapshot.get(&b"a"[..]).unwrap(), "host-a:80");
    /// # });
    /// ```
    fn map(&self, name: impl AsRef<[u8]>) -> BoxMapReader<Bytes, Entry> {
        self.range(KeyRange::folder(name))
    }

    /// How the map of this name is doing: see [`Store::range_health`].
    ///
    /// ```
    /// use event_core::{HealthState, MemoryStore, ReaderExt, StoreExt};
    ///
    /// # futures_executor::block_on(async {
    /// let health = MemoryStore::new().health_of_map("services").get().await.unwrap();
    /// assert_eq!(health.state, HealthState::Live);
    /// # });
    /// ```
    fn health_of_map(&self, name: impl AsRef<[u8]>) -> BoxReader<Health> {
        self.range_health(KeyRange::folder(name))
    }

    /// A view of the keys that begin with `prefix`. Pass it names without the prefix. Views nest.
    ///
    /// The prefix is taken as it is: end it with a `/` if you mean a folder. Entries and errors have the full key.
    ///
    /// ```
    /// use event_core::{MemoryStore, ReaderExt, StoreExt};
    ///
    /// # futures_executor::block_on(async {
    /// let store = MemoryStore::new();
    /// store.set("app/port", "8080");
    /// let app = store.clone().namespace("app/");
    /// assert_eq!(app.value("port").get().await.unwrap().key, "app/port");
    /// # });
    /// ```
    fn namespace(self, prefix: impl AsRef<[u8]>) -> Namespace<Self>
    where
        Self: Sized,
    {
        Namespace { store: self, prefix: Bytes::copy_from_slice(prefix.as_ref()) }
    }
}

impl<S: Store + ?Sized> StoreExt for S {}

/// A view of the keys of a store that begin with a prefix. [`StoreExt::namespace`] makes one.
#[derive(Debug, Clone)]
pub struct Namespace<S> {
    store: S,
    prefix: Bytes,
}

impl<S> Namespace<S> {
    fn full(&self, name: &Bytes) -> Bytes {
        [&self.prefix[..], name].concat().into()
    }
}

impl<S: Store> Store for Namespace<S> {
    fn key(&self, name: Bytes) -> BoxReader<Entry> {
        self.store.key(self.full(&name))
    }

    fn key_health(&self, name: Bytes) -> BoxReader<Health> {
        self.store.key_health(self.full(&name))
    }

    fn range(&self, range: KeyRange) -> BoxMapReader<Bytes, Entry> {
        self.store.range(range.within(&self.prefix))
    }

    fn range_health(&self, range: KeyRange) -> BoxReader<Health> {
        self.store.range_health(range.within(&self.prefix))
    }

    fn health(&self) -> BoxReader<Health> {
        self.store.health()
    }

    fn refresh(&self) -> Refresh {
        self.store.refresh()
    }
}

macro_rules! forward {
    ($($wrapper:ty),*) => {$(
        #[deny(clippy::missing_trait_methods)]
        impl<S: Store + ?Sized> Store for $wrapper {
            fn key(&self, name: Bytes) -> BoxReader<Entry> {
                (**self).key(name)
            }

            fn key_health(&self, name: Bytes) -> BoxReader<Health> {
                (**self).key_health(name)
            }

            fn range(&self, range: KeyRange) -> BoxMapReader<Bytes, Entry> {
                (**self).range(range)
            }

            fn range_health(&self, range: KeyRange) -> BoxReader<Health> {
                (**self).range_health(range)
            }

            fn health(&self) -> BoxReader<Health> {
                (**self).health()
            }

            fn refresh(&self) -> Refresh {
                (**self).refresh()
            }
        }
    )*};
}

forward!(&S, Box<S>, Arc<S>);
