//! Reads an etcd key as a [`ValueReader`](event_core::ValueReader) of [`Entry`](event_core::Entry): its bytes, its
//! revision, and whether it exists. A range of keys is a [`MapReader`](event_core::MapReader).
//!
//! ```no_run
//! use event_core::{ReaderExt, ValueReader, WatcherExt};
//! use event_etcd::{EtcdStore, Options};
//!
//! # async fn run() -> Result<(), event_core::Error> {
//! let store = EtcdStore::connect(["127.0.0.1:2379"], Options::new()).await?;
//! let level = store.value("log/level").decode(|bytes: &[u8]| String::from_utf8(bytes.to_vec()));
//! let mut watcher = level.watch();
//! loop {
//!     match watcher.get().await {
//!         Ok(level) => println!("{level}"),
//!         Err(error) if error.is_closed() => return Ok(()),
//!         Err(error) => eprintln!("{error:#}"), // the next good version arrives
//!     }
//! }
//! # }
//! ```
//!
//! A watcher yields the current version first, then newer ones. It may skip versions, it never yields
//! an older one, and once writes stop, it gets the last one. This holds across compactions, failed members,
//! partitions and expired tokens. After a backup was restored, watchers yield the restored data. The store
//! uses one member at a time, and moves to another by itself. [`EtcdStore::health`] shows how it is doing.
//!
//! All keys of a store share one watch stream and one task. A key is watched once, no matter how many
//! watchers it has, and its watch is canceled when the last of them is dropped.
//!
//! [`EtcdValue`] says what a `get` yields for each state of a key, and [`EtcdMap`] what a watcher of a range yields.
//!
//! # How does a program see a failure?
//!
//! | you want | call |
//! |---|---|
//! | to start only when everything that is watched was read, or to know why not | [`store.ready().within(timeout).await`](EtcdStore::ready) |
//! | to know whether the store works, such as for a readiness probe | [`store.health()`](EtcdStore::health) |
//! | to know whether one key can be read | [`value.health()`](EtcdValue::health) |
//! | a line in the log | nothing to call: if it stalls, the store logs a warning through `tracing`, with the cause |
//!
//! # What does it cost?
//!
//! A store has one connection. Keys that start together are read up to 128 in a request, with at most 8
//! requests under way. Each key and each map is one watch on the stream. A store whose keys do not change
//! costs the server [a small read and a small message every two seconds](Options::liveness_timeout).
//!
//! While the store has no connection, it tries the endpoints in turn. The wait before it tries one again
//! grows from 25 to 300 ms with each failure; up to as much again is added at random. If the server says
//! that it has no time, the wait is 1 s, and twice as long each time up to 20 s.
//!
//! # Metrics
//!
//! With the feature `metrics`, a store counts through the [`metrics`](https://docs.rs/metrics) facade. Install the
//! recorder before you create the store.
//!
//! | name | kind | meaning |
//! |---|---|---|
//! | `event_etcd_state` | gauge | 0: connecting, or the store ended; 1: live; 2: stalled |
//! | `event_etcd_stale_seconds` | gauge | the value of [`stale_for`](EtcdStore::stale_for) when the store last updated the gauge, normally a few seconds ago; 0 while nothing is watched |
//! | `event_etcd_watched_keys` | gauge | how many keys are watched, each as a value |
//! | `event_etcd_watched_maps` | gauge | how many ranges are watched as maps |
//! | `event_etcd_reconnects_total` | counter | how many connections were made after the first one |
//! | `event_etcd_versions_total` | counter | how many versions of all keys were published, those of maps included |
//!
//! Each has the label `endpoints`: those that the store was created with, in the order of their names. If a program
//! has two stores with the same endpoints, a gauge shows what one of them set last.
//!
//! The store knows bytes only. To count the versions that do not decode, call
//! [`on_error`](event_core::ReaderExt::on_error) on the decoded reader, and count there, for example as
//! `event_decode_errors_total`.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `tls-ring` (default) | TLS with the cryptography of ring |
//! | `tls-aws-lc` | TLS with the cryptography of aws-lc-rs. If `tls-ring` is on, too, ring is used |
//! | `tls` | TLS. Either of the two above turns it on. Without them, install a `CryptoProvider` of rustls |
//! | `native-roots` (default) | the system's root certificates |
//! | `webpki-roots` | Mozilla's root certificates. If `native-roots` is on, too, they are used only if the system has none |
//! | `metrics` | [metrics](#metrics) |
//!
//! A provider that the program installs in rustls is used instead of those of the features. Without `tls`, connecting
//! with an `https://` endpoint or with an option for TLS is an error.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod endpoint;
mod map;
mod options;
mod ready;
mod store;
mod value;

mod driver;
mod mailbox;

mod session;

mod seam;

#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(test)]
mod simulation;

#[doc(no_inline)]
pub use etcd_client;

#[doc(no_inline)]
pub use event_core::upstream::{
    UpstreamHealth, UpstreamHealthWatcher, UpstreamMapWatcher, UpstreamWatcher,
};

pub use map::EtcdMap;
pub use options::Options;
pub use ready::Ready;
pub use store::EtcdStore;
pub use value::EtcdValue;
