//! Follow a value that changes.
//!
//! A value is a sequence of versions, of which only the newest matters: a configuration, the address
//! of a peer, whether a feature is on. A [`Watcher`] is one consumer's cursor into it. Its first
//! [`get`](WatcherExt::get) yields the current version, and each later one a newer version. It may skip
//! versions, it never goes back, and the last version always arrives.
//!
//! Application code is written over `impl ValueReader<T>`. Where the program is wired together you decide
//! whether the value lives in memory or in etcd, and a test swaps the backend:
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
//! | the newest value again and again, such as for each request | [`watcher.latest()`](WatcherExt::latest), then [`get`](adapters::Latest::get) |
//! | the value once | [`reader.get().await`](ReaderExt::get) |
//! | a `Stream` | [`watcher.into_stream()`](WatcherExt::into_stream) |
//! | to be sure that a read reflects a write made elsewhere | [`reader.refresh().await`](ValueReader::refresh), then `get` |
//! | another type, fewer versions, two values at once | [`map`](ReaderExt::map), [`filter`](ReaderExt::filter), [`dedup`](ReaderExt::dedup), [`zip`](ReaderExt::zip) on the reader |
//!
//! # How do I pass readers around?
//!
//! - To take one: `reader: impl ValueReader<T>`, or `&impl ValueReader<T>` if the caller keeps it.
//! - To take one and move its watcher into a spawned task, say that the watcher is `Send`. A plain
//!   `impl ValueReader<T>` promises nothing about its watcher, so the compiler refuses the task:
//!
//!   ```
//!   use event_core::{MemoryValue, ValueReader, WatcherExt};
//!
//!   fn spawn_logger(level: impl ValueReader<String, Watcher: Send + 'static>) {
//!       let mut watcher = level.watch();
//!       tokio::spawn(async move {
//!           while let Ok(level) = watcher.get().await {
//!               println!("the level is {level}");
//!           }
//!       });
//!   }
//!   # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//!   spawn_logger(&MemoryValue::new("info".to_owned()));
//!   # });
//!   ```
//!
//! - To store one in a struct, or to return one of several kinds: [`BoxReader<T>`], which
//!   [`boxed`](ReaderExt::boxed) makes.
//! - To return one that borrows nothing: `-> impl ValueReader<T>`. In edition 2024 such a return type
//!   captures the lifetimes of all arguments; add `+ use<>` if it shall not:
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
//! Every backend and every adapter keeps these. The conformance suite (feature `conformance`) tests each.
//!
//! | # | law | in words |
//! |---|---|---|
//! | 1 | current first | the first `get` yields the newest data there is; if there is none yet, it waits |
//! | 2 | newer only | each later `get` yields data newer than what this watcher last took |
//! | 3 | latest wins | `get` yields the newest version known when it completes; a slow watcher costs no memory |
//! | 4 | last one arrives | once writes stop, every watcher that keeps calling `get` takes the final version |
//! | 5 | cancel safe | dropping a pending `get` loses nothing |
//! | 6 | independent | watchers do not slow, block or starve each other or the writer |
//! | 7 | errors are versions | data that does not decode is yielded once, as an error in its place; the next good version arrives |
//! | 8 | end | when no writer is left, a watcher takes the last version, then [`ErrorKind::Closed`], for ever |
//! | 9 | drop is close | dropping a watcher frees all it held, upstream too |
//!
//! *Newer* is what the backend says it is. In memory it is the order of the calls to `set`. A backend
//! whose data was wiped or restored from a backup starts a new history; what that history holds then
//! counts as newer, and [`Health::history_resets`] counts the event.
//!
//! *No writer is left* means, for a backend that only reads, that the backend's store ended.
//!
//! # What runs where
//!
//! Nothing here spawns a task, blocks a thread or sleeps, and no runtime is needed. A function that you
//! pass to an adapter runs inside a poll of one of its watchers, without any lock of this crate held. Two
//! pieces of your code run under a value's lock: a value's `clone`, and a waker's `clone`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod reader;
mod refresh;
mod watcher;
mod writer;

mod decoder;
mod entry;
mod error;
mod health;
mod key_name;
mod versioned;

mod reader_ext;
mod watcher_ext;

mod cell;
mod debug;
mod memory;

pub mod adapters;
#[cfg(feature = "conformance")]
pub mod conformance;

#[doc(no_inline)]
pub use bytes::Bytes;

pub use cell::Epoch;
pub use decoder::Decoder;
pub use entry::{Entry, EntryState};
pub use error::{Error, ErrorKind};
pub use health::{Cause, CauseKind, Health, HealthState};
pub use key_name::KeyName;
pub use memory::{MemoryReader, MemoryValue, MemoryWatcher};
pub use reader::{BoxReader, ValueReader};
pub use reader_ext::ReaderExt;
pub use refresh::Refresh;
pub use versioned::Versioned;
pub use watcher::{BoxWatcher, Watcher};
pub use watcher_ext::WatcherExt;
pub use writer::{Value, ValueWriter};
