//! What the watchers of the benchmarks do.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub(crate) use measure::{Task, Woken};

use crate::payload::Payload;
use crate::value::{IntoVersion, Watch};

/// Gets versions in a loop.
#[expect(
    clippy::manual_async_fn,
    reason = "the future of an `async fn` would store the watcher twice"
)]
pub(crate) fn get_forever<T: Payload>(mut watcher: impl Watch<T>) -> impl Future<Output = ()> {
    async move {
        loop {
            black_box(watcher.get().await.into_version());
        }
    }
}

/// Polls a new `get` once and drops it.
pub(crate) fn poll<T: Payload>(watcher: &mut impl Watch<T>, cx: &mut Context<'_>) -> Poll<T> {
    let get = pin!(watcher.get());
    get.poll(cx).map(IntoVersion::into_version)
}

/// Takes versions until there is nothing newer.
pub(crate) fn drain<T: Payload>(watcher: &mut impl Watch<T>) {
    while poll(watcher, &mut Context::from_waker(Waker::noop())).is_ready() {}
}
