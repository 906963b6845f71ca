//! Follow a value that changes.
//!
//! A value is a sequence of versions, of which only the newest matters: a configuration, the address
//! of a peer, whether a feature is on. A [`Watcher`] is one consumer's cursor into it. Its first
//! [`get`](WatcherExt::get) yields the current version, and each later `get` a newer version. It may skip
//! versions, it never goes back, and the last version arrives. [The laws](#the-laws) name the exceptions.
//! A watcher *takes* a version when a `get` returns it. A version that it never takes is *skipped*.
//!
//! Write application code against `impl ValueReader<T>`. Where you wire the program together, you decide
//! whether the value lives in memory or in etcd. A test passes a value in memory. For example:
//!
//! ```
//! use event_core::{Error, MemoryValue, ValueReader, ValueWriter, WatcherExt};
//!
//! async fn greet(reader: impl ValueReader<String>) -> Result<(), Error> {
//!     let mut watcher = reader.watch();
//!     loop {
//!         match watcher.get().await {
//!             Ok(greeting) => println!("{greeting}, world"),
//!             Err(error) if error.is_closed() => return Ok(()),
//!             Err(error) => eprintln!("{error:#}"), // the next good version arrives
//!         }
//!     }
//! }
//!
//! # futures_executor::block_on(async {
//! let greeting = MemoryValue::new("hello".to_owned());
//! let reader = greeting.reader();
//! greeting.set("good morning".to_owned());
//! drop(greeting); // the last writer: the watcher takes the last version, then gets the end
//! greet(reader).await
//! # }).unwrap();
//! ```
//!
//! # Which method do I want?
//!
//! | you want | call |
//! |---|---|
//! | each newer version, in a loop | [`watcher.get().await`](WatcherExt::get) |
//! | to wait for a version that fits | [`watcher.get_if(…).await`](WatcherExt::get_if) |
//! | a newer version if there is one, without waiting | [`watcher.try_get()`](WatcherExt::try_get) |
//! | the newest value for each request, in many threads | [`reader.current()`](ReaderExt::current), then [`get`](adapters::Current::get) |
//! | the newest value, in a loop that owns its watcher | [`watcher.latest()`](WatcherExt::latest), then [`get`](adapters::Latest::get) |
//! | the value once | [`reader.get().await`](ReaderExt::get) |
//! | to run something for the newest value, and stop it when a newer one comes | [`watcher.for_latest(…)`](WatcherExt::for_latest) |
//! | to wait for the first value, but not for ever | `timeout` of [`ReaderExt`] on the reader (feature `tokio`), or a timeout of your runtime around `get` or [`current.wait()`](adapters::Current::wait) |
//! | to log bad versions, each at most once | [`on_error`](ReaderExt::on_error) on the reader; `{error:#}` prints the causes, too |
//! | to keep the last good version | [`last_good`](ReaderExt::last_good) on the reader, for code that waits; `current` and `latest` keep it for code that reads |
//! | another value until this one has data | [`or_else`](ReaderExt::or_else) on the reader |
//! | a `Stream` | [`watcher.into_stream()`](WatcherExt::into_stream) |
//! | to be sure that a read reflects a write made elsewhere | [`reader.refresh().await`](ValueReader::refresh), then `reader.get()` or `current.get()`. Not the `get` of a watcher: if it has the newest version already, it waits for the next one. A mapper that another thread is running is an exception: see `refresh` |
//! | to wait until several values are there | [`zip`](ReaderExt::zip) on the readers, then `get`; or [`wait`](adapters::Current::wait) on the `current` of each |
//! | another type, fewer versions, two values at once | [`map`](ReaderExt::map), [`filter`](ReaderExt::filter), [`dedup`](ReaderExt::dedup), [`zip`](ReaderExt::zip) on the reader |
//!
//! For a set of keys that is watched as a whole, such as the live instances of a service, there are maps:
//! [`MapReader`], [`MapWatcher`] and [`MemoryMap`]. [`store.map("services/")`](StoreExt::map) returns a
//! `MapReader`. What you call is in [`MapReaderExt`] and [`MapWatcherExt`]:
//!
//! | you want | call |
//! |---|---|
//! | each change, in a loop | [`watcher.change().await`](MapWatcherExt::change) |
//! | the changes of whole steps | [`watcher.changes().await`](MapWatcherExt::changes) |
//! | the whole map once | [`reader.snapshot().await`](MapReaderExt::snapshot) |
//! | the newest state for each request, in many threads | [`reader.current()`](MapReaderExt::current) |
//! | the whole map as a value, one snapshot for each step | [`reader.as_value()`](MapReaderExt::as_value) |
//! | one key as a value | [`reader.key(…)`](MapReaderExt::key) |
//! | other values, fewer keys | [`decode`](MapReaderExt::decode), [`map`](MapReaderExt::map), [`filter`](MapReaderExt::filter), [`filter_keys`](MapReaderExt::filter_keys) on the reader |
//!
//! # How do I pass readers around?
//!
//! - To take a reader: `reader: impl ValueReader<T>`, or `&impl ValueReader<T>` if the caller keeps it.
//! - If the caller spawns your `async fn` with a reader of a known type, a plain `impl ValueReader<T>` is enough.
//!   If your generic function spawns the task itself, say that the watcher is `Send`. A plain
//!   `impl ValueReader<T>` promises nothing about its watcher, so the compiler refuses the task:
//!
//!   ```
//!   use event_core::{MemoryValue, ValueReader, WatcherExt};
//!
//!   fn spawn_logger(level: impl ValueReader<String, Watcher: Send + 'static>) {
//!       let mut watcher = level.watch();
//!       tokio::spawn(async move {
//!           loop {
//!               match watcher.get().await {
//!                   Ok(level) => println!("the level is {level}"),
//!                   Err(error) if error.is_closed() => return,
//!                   Err(error) => eprintln!("keeping the old level: {error:#}"),
//!               }
//!           }
//!       });
//!   }
//!   # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//!   spawn_logger(&MemoryValue::new("info".to_owned()));
//!   # });
//!   ```
//!
//!   To move the reader itself into the task, write
//!   `impl ValueReader<String, Watcher: Send> + Send + 'static`.
//!
//! - To store a reader in a struct, or to return one of several kinds: [`BoxReader<T>`], which
//!   [`boxed`](ReaderExt::boxed) makes. To store a [`Store`]: [`BoxStore`], which is `Arc::new(store)`.
//! - To return a reader that borrows nothing: `-> impl ValueReader<T> + use<>`. Without `+ use<>`, edition
//!   2024 captures the lifetimes of all arguments. A generic function names its type parameters: `+ use<T>`.
//!
//!   ```
//!   use event_core::{MemoryValue, ReaderExt, ValueReader};
//!
//!   struct Settings {
//!       port: MemoryValue<u16>,
//!   }
//!
//!   impl Settings {
//!       fn address(&self) -> impl ValueReader<String> + use<> {
//!           self.port.reader().map(|port| format!("localhost:{port}"))
//!       }
//!   }
//!   ```
//!
//! # The laws
//!
//! Every backend and every adapter keeps these laws. The versions of an adapted value are what the adapter
//! yields: for `filter`, those that passed the predicate. An error is a version too: each watcher yields it
//! at most once, and may skip it for a newer version. The conformance suite (feature `conformance`) tests
//! each law.
//!
//! | # | law | in words |
//! |---|---|---|
//! | 1 | current first | if the program already holds a version (set in memory, or read for another watcher that is alive), the first `get` of a watcher yields the newest one at once; while the backend is stalled, that version may be stale. Otherwise, the `get` waits until the backend has read the value |
//! | 2 | newer only | each later `get` yields data newer than what this watcher last took |
//! | 3 | latest wins | `get` yields the newest version known when it completes; a slow watcher costs no memory |
//! | 4 | last one arrives | once writes stop, every watcher that keeps calling `get` takes the final version |
//! | 5 | cancel safe | dropping a pending `get` loses nothing |
//! | 6 | independent | watchers do not slow, block or starve each other or the writer; only a slow `clone` or `==`, or a slow function that an adapter runs for all its watchers, delays others |
//! | 7 | errors are versions | if a version is bad, each watcher yields one error instead of that version or, if a newer version has come, skips the error; the next good version follows |
//! | 8 | end | once no writer is left, a watcher that has not taken the last version takes it; then every `get` returns [`ErrorKind::Closed`] |
//! | 9 | drop is close | dropping a watcher frees what it held; dropping the last watcher of a value also ends the subscription in the backend |
//!
//! The backend decides which version is newer. In memory, it is the version that was set later. Law 2 has
//! one exception: if an operator wipes the backend or restores a backup, a new history begins. Its data
//! counts as newer, even if it is older. If the backend detects the reset, [`Health::history_resets`] grows
//! by one.
//!
//! The laws are about versions that the backend can read. While it can't read a value, for example because
//! the value is too large or the backend's user may not read it, watchers wait, and the health of the value
//! says why.
//!
//! The values of a store end when the store ends, and not with a writer. A [`MemoryStore`] ends when it is closed: a
//! watcher keeps it alive when all handles are dropped.
//!
//! Law 8 has two exceptions. A watcher that starts after its store ended, a [`MemoryStore`] included, gets
//! `Closed` at once. When a store that does I/O ends, all watchers of its health get `Closed` at once, too.
//!
//! # What runs where
//!
//! This crate needs no runtime; only `debounce` and `timeout` use tokio's clock. It spawns no task and starts
//! no thread, and only an `.await` waits for a version. Any other call waits at most for a lock. The conformance suite
//! is an exception: it starts threads and sleeps.
//!
//! A function that you pass to an adapter runs inside a poll of one of the adapter's watchers. With a
//! [`Current`](adapters::Current), that is inside its `get`, on the calling thread. While the function
//! runs, no other thread waits for it.
//!
//! Only two functions that are not of this crate run under the lock of a value: the `clone` of a version,
//! and the `clone` of a waker. Under the lock of a map, there are also the `clone` and the `==` of a key,
//! and in [`replace_all`](MemoryMap::replace_all) the `==` of a value. After the lock is released, the old
//! version is dropped and the tasks are woken. So a lock of a value is held for nanoseconds, unless its
//! `clone` is slow. A lock of a map is held for a whole step, or while a watcher takes about a thousand
//! changes.
//!
//! *Independent* (law 6) therefore has two limits: a slow `clone` or `==` delays all watchers and writers
//! of the value or the map, and a slow mapper or decoder delays the other watchers of that reader.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `tokio` | `debounce` and `timeout` of [`ReaderExt`], which need tokio's clock |
//! | `testing` | `testing::{TestValue, TestMap, TestStore}`: what a test drives by hand |
//! | `tower` | `into_discover` of [`MapWatcherExt`], for the balancers of tower |
//! | `upstream` | `upstream`: what a backend of your own needs besides its I/O |
//! | `conformance` | `conformance`: the laws, as tests for your own backend |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod reader;
mod refresh;
mod store;
mod watcher;
mod writer;

mod change;
mod map_reader;
mod map_watcher;
mod snapshot;

mod decoder;
mod entry;
mod error;
mod health;
mod key_name;
mod key_range;
mod metadata;
mod versioned;

mod map_reader_ext;
mod map_watcher_ext;
mod reader_ext;
mod watcher_ext;

mod cell;
mod debug;
mod memory;

pub mod adapters;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "upstream")]
pub mod upstream;

#[doc(no_inline)]
pub use adapters::segment;
pub use bytes::Bytes;

pub use cell::{Epoch, Step};
pub use change::Change;
pub use decoder::Decoder;
pub use entry::{Entry, EntryState};
pub use error::{Error, ErrorKind};
pub use health::{Cause, CauseKind, Health, HealthState};
pub use key_name::KeyName;
pub use key_range::KeyRange;
pub use map_reader::{BoxMapReader, MapReader};
pub use map_reader_ext::MapReaderExt;
pub use map_watcher::{BoxMapWatcher, MapWatcher};
pub use map_watcher_ext::MapWatcherExt;
pub use memory::{
    MemoryMap, MemoryMapReader, MemoryMapWatcher, MemoryReader, MemoryStore, MemoryStoreMap,
    MemoryStoreMapWatcher, MemoryStoreStep, MemoryStoreValue, MemoryStoreWatcher, MemoryValue,
    MemoryWatcher,
};
pub use metadata::Metadata;
pub use reader::{BoxReader, ValueReader};
pub use reader_ext::ReaderExt;
pub use refresh::Refresh;
pub use snapshot::Snapshot;
pub use store::{BoxStore, Namespace, Store, StoreExt};
pub use versioned::Versioned;
pub use watcher::{BoxWatcher, Watcher};
pub use watcher_ext::WatcherExt;
pub use writer::{Value, ValueWriter};
