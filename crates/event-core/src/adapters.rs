//! The types of the adapters that [`ReaderExt`](crate::ReaderExt) and
//! [`WatcherExt`](crate::WatcherExt) make.
//!
//! You rarely name them: take an `impl ValueReader<T>`, and store a [`BoxReader<T>`](crate::BoxReader).
//!
//! Most adapters are a pair: one type wraps a reader, the other wraps a watcher.

mod boxed;
mod current;
mod decode;
mod dedup;
mod errors;
mod filter;
mod for_latest;
mod get;
mod into_stream;
mod latest;
mod mapped;
mod maps;
mod or_else;
mod shared;
#[cfg(feature = "tokio")]
mod timed;
mod zip;

use std::task::{Context, Poll};

use crate::{Error, ErrorKind};

pub use boxed::Boxed;
pub use current::{Current, CurrentRef};
pub(crate) use decode::decode;
pub use decode::{Decode, DecodeWatcher, Decoded};
pub use dedup::{Dedup, DedupWatcher};
pub use errors::{LastGood, LastGoodWatcher, OnError, OnErrorWatcher};
pub use filter::{Filter, FilterWatcher};
pub use for_latest::ForLatest;
pub use get::{Get, GetIf, GetOnce};
pub use into_stream::IntoStream;
pub use latest::Latest;
pub use mapped::{Mapped, MappedWatcher};
#[cfg(feature = "tower")]
pub use maps::IntoDiscover;
pub(crate) use maps::Work;
pub use maps::{
    AsValue, AsValueWatcher, BoxedMap, CurrentMap, FilterKeys, FilterKeysWatcher, GroupBy,
    GroupByWatcher, GroupedMap, IntoBatches, IntoChanges, Key, KeyWatcher, MapValue, NextChange,
    NextChanges, SharedMap, SharedMapWatcher, Update, WaitUntilSynced, WithPrevious, segment,
};
pub use or_else::{OrElse, OrElseWatcher};
pub use shared::{Shared, SharedWatcher};
#[cfg(feature = "tokio")]
pub use timed::{Debounce, DebounceWatcher, Timeout, TimeoutWatcher};
pub use zip::{Zip, ZipWatcher};

/// How many versions one poll passes over, before it yields to the executor: a fast writer must not keep
/// it busy without end.
const ROUNDS: usize = 32;

/// Lets other tasks run, then continues: the poll has done its share.
fn yield_now<T>(cx: &Context<'_>) -> Poll<T> {
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Notices that a function of the program panicked while a version was on its way through it.
///
/// The panic goes on to whoever polled. The next poll then yields an error in the version's place, unless
/// there is a newer version.
#[derive(Debug, Default)]
struct Panics {
    is_running: bool,
}

impl Panics {
    fn run<T>(&mut self, f: impl FnOnce() -> T) -> T {
        self.is_running = true;
        let value = f();
        self.is_running = false;
        value
    }

    /// What to yield, if the watcher below has answered `polled`.
    fn in_place<T>(
        &mut self,
        what: &str,
        polled: Poll<Result<T, Error>>,
    ) -> Poll<Result<T, Error>> {
        let has_panicked = std::mem::take(&mut self.is_running);
        let is_newer = match &polled {
            Poll::Pending => false,
            Poll::Ready(Err(error)) => !error.is_closed(),
            Poll::Ready(Ok(_)) => true,
        };
        if is_newer || !has_panicked {
            return polled;
        }
        let message = format!("the {what} panicked on this version");
        Poll::Ready(Err(Error::new(ErrorKind::Panicked, message)))
    }
}
