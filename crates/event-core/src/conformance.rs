//! The nine laws as tests, for those who write a backend or an adapter.
//!
//! A [`Subject`] controls the value under test: it sets good and bad versions, ends the value, and counts
//! what the reader holds in the backend. You give the suite a reader and its subject, and
//! [`conformance_tests!`](crate::conformance_tests) makes a `#[test]` of each law.
//!
//! Enable the feature for your tests:
//!
//! ```toml
//! [dev-dependencies]
//! event-core = { path = "../event/crates/event-core", features = ["conformance"] }
//! ```
//!
//! Each test runs on a thread of its own, with a timeout. A failure begins with the number of the law,
//! then says what was seen:
//!
//! ```text
//! law 4, last one arrives: watcher 3 waits, though it has not taken 40
//! law 4, last one arrives: not done within 30s; last step: waiting for a wake-up of watcher 3
//! ```
//!
//! # Example
//!
//! A backend in miniature. All its watchers share one subscription, which ends with the last of them.
//!
//! ```
//! use std::sync::{Arc, Mutex, Weak};
//! use std::task::{Context, Poll};
//!
//! use event_core::conformance::{Subject, Suite};
//! use event_core::{
//!     Error, ErrorKind, MemoryReader, MemoryValue, MemoryWatcher, ValueReader, ValueWriter, Watcher,
//! };
//!
//! struct Subscription; // a real backend unsubscribes when it is dropped
//!
//! struct Reader {
//!     value: MemoryReader<u64>,
//!     subscription: Arc<Mutex<Weak<Subscription>>>,
//! }
//!
//! impl ValueReader<u64> for Reader {
//!     type Watcher = Watching;
//!
//!     fn watch(&self) -> Watching {
//!         let mut current = self.subscription.lock().unwrap();
//!         let subscription = current.upgrade().unwrap_or_else(|| Arc::new(Subscription));
//!         *current = Arc::downgrade(&subscription);
//!         Watching { watcher: self.value.watch(), _subscription: subscription }
//!     }
//! }
//!
//! struct Watching {
//!     watcher: MemoryWatcher<u64>,
//!     _subscription: Arc<Subscription>,
//! }
//!
//! impl Watcher<u64> for Watching {
//!     fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<u64, Error>> {
//!         self.watcher.poll_get(cx)
//!     }
//! }
//!
//! /// What the suite does to the backend.
//! struct Backend {
//!     value: Option<MemoryValue<u64>>,
//!     subscription: Arc<Mutex<Weak<Subscription>>>,
//! }
//!
//! impl Subject for Backend {
//!     async fn set(&mut self, version: u64) {
//!         self.value.as_ref().unwrap().set(version);
//!     }
//!     async fn spoil(&mut self) -> bool {
//!         self.value.as_ref().unwrap().fail(Error::new(ErrorKind::Decode, "spoilt"));
//!         true
//!     }
//!     async fn end(&mut self) -> bool {
//!         self.value = None;
//!         true
//!     }
//!     async fn held(&mut self) -> usize {
//!         usize::from(self.subscription.lock().unwrap().strong_count() > 0)
//!     }
//! }
//!
//! fn backend() -> (Reader, Backend) {
//!     let (value, subscription) = (MemoryValue::empty(), Arc::default());
//!     let reader = Reader { value: value.reader(), subscription: Arc::clone(&subscription) };
//!     (reader, Backend { value: Some(value), subscription })
//! }
//!
//! // In your tests:
//! event_core::conformance_tests!(conformance, backend);
//!
//! // Anywhere else:
//! # fn main() {
//! let failures = Suite::new(async || backend()).failures();
//! assert!(failures.is_empty(), "{failures:#?}");
//! # }
//! ```
//!
//! # A backend with a server
//!
//! Let the closure start the server and wait for it. The subject keeps the server, so that each law has
//! one of its own, and the tests may run in parallel. `block_on` names the executor:
//!
//! ```text
//! event_core::conformance_tests!(
//!     etcd,
//!     async || Key::on(Cluster::start(1).await).await,
//!     block_on = |law| tokio::runtime::Runtime::new().unwrap().block_on(law),
//!     timeout = Duration::from_secs(60),
//! );
//! ```
//!
//! The timeout includes the start of the server. Implement [`Subject::write`] as a write that does not wait
//! for the watchers, so that the suite also tests how versions reach them. Let [`Subject::held`] ask the
//! server.
//!
//! Run the suite on your reader as it is, and on what [`boxed`](crate::ReaderExt::boxed) makes of it.

// A law panics where it is broken, as the module says once. It owns its reader, to drop it.
#![allow(clippy::missing_panics_doc, clippy::needless_pass_by_value)]

mod gate;
mod subject;
mod suite;
mod tests_macro;

pub mod laws;
pub mod maps;

mod block_on;
mod consumer;
mod progress;
mod task;

pub use block_on::block_on;
pub use gate::Gate;
pub use subject::Subject;
pub use suite::{LawFuture, Suite};
