//! Follow a value that changes.
//!
//! A value is a sequence of versions, of which only the newest matters: a configuration, the address
//! of a peer, whether a feature is on. A [`Watcher`] is one consumer's cursor into it: its first
//! [`get`](WatcherExt::get) yields the current version, each later one a newer version. It may skip,
//! it never goes back, and the last version always arrives.
//!
//! Application code is written over `impl ValueReader<T>`. Where the value lives, in memory or in
//! etcd, is decided where the program is wired together, and a test swaps the backend:
//!
//! ```
//! use event_core::{Error, MemoryValue, ValueReader, ValueWriter, WatcherExt};
//!
//! async fn follow(reader: impl ValueReader<String>) -> Result<(), Error> {
//!     let mut watcher = reader.watch();
//!     loop {
//!         match watcher.get().await {
//!             Ok(greeting) => println!("{greeting}, world"),
//!             Err(error) if error.is_closed() => return Ok(()),
//!             Err(error) => eprintln!("{error:#}"),
//!         }
//!     }
//! }
//!
//! # futures_executor::block_on(async {
//! let greeting = MemoryValue::new("hello".to_owned());
//! let reader = greeting.reader();
//! greeting.set("good morning".to_owned());
//! drop(greeting); // the last writer: the watcher takes what is there, then the end
//! follow(reader).await
//! # }).unwrap();
//! ```
//!
//! # The laws
//!
//! Every backend and every adapter keeps these, and the [`conformance`] suite (feature
//! `conformance`) has a function for each.
//!
//! | # | law | in words |
//! |---|---|---|
//! | 1 | current first | the first `get` yields the newest data there is; where there is none yet, it waits |
//! | 2 | newer only | each later `get` yields data newer than what this watcher last took |
//! | 3 | latest wins | `get` yields the newest version known when it completes; a slow watcher costs no memory |
//! | 4 | last one arrives | once writes stop, every watcher that keeps calling `get` takes the final version |
//! | 5 | cancel safe | dropping a pending `get` loses nothing |
//! | 6 | independent | watchers do not slow, block or starve each other or the writer |
//! | 7 | errors are versions | what does not decode is reported once, in its place; the next good version arrives |
//! | 8 | end | when no writer is left, a watcher takes the last version, then [`ErrorKind::Closed`], for ever |
//! | 9 | drop is close | dropping a watcher frees all it held, upstream too |
#![cfg_attr(not(feature = "conformance"), doc = "\n\n[`conformance`]: crate#the-laws")]

mod reader;
mod watcher;
mod writer;

mod decoder;
mod entry;
mod error;

mod reader_ext;
mod watcher_ext;

mod cell;
mod memory;

mod decode;
mod dedup;
mod filter;
mod get;
mod into_stream;
mod latest;
mod map;
mod news;
mod share;
mod versioned;
mod zip;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use bytes::Bytes;

pub use decode::{Decode, DecodeWatcher};
pub use decoder::Decoder;
pub use dedup::{Dedup, DedupWatcher};
pub use entry::Entry;
pub use error::{Error, ErrorKind};
pub use filter::{Filter, FilterWatcher};
pub use get::{Get, GetIf, GetOnce};
pub use into_stream::IntoStream;
pub use latest::Latest;
pub use map::{Map, MapWatcher};
pub use memory::{MemoryReader, MemoryValue, MemoryWatcher};
pub use reader::{BoxReader, Boxed, ValueReader};
pub use reader_ext::ReaderExt;
pub use share::{Share, ShareWatcher};
pub use versioned::{DecodeVersioned, DecodeVersionedWatcher, Versioned};
pub use watcher::{BoxWatcher, Watcher};
pub use watcher_ext::WatcherExt;
pub use writer::{Value, ValueWriter};
pub use zip::{Zip, ZipWatcher};
