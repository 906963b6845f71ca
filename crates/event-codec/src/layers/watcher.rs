//! Watching all layers at once.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use event_core::{BoxWatcher, Epoch, Error, ErrorKind, Versioned, Watcher};
use serde::de::DeserializeOwned;

use super::document::Document;
use super::layer::Layer;
use super::origin::{Part, decode, layer};

/// How many versions of a layer one poll passes over, before it yields to the executor.
const ROUNDS: usize = 32;

/// A watcher of the merged documents of several layers.
///
/// [`layers`](fn@crate::layers) says what it yields.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct LayersWatcher<T> {
    sides: Vec<Side>,
    /// A layer has a good document that no version was merged with.
    is_newer: bool,
    /// Stays set if the type panics on a version.
    is_decoding: bool,
    of: PhantomData<fn() -> T>,
}

/// One layer.
struct Side {
    name: Arc<str>,
    watcher: BoxWatcher<Versioned<Document>>,
    /// The last good document: the one in force.
    good: Option<Versioned<Document>>,
    /// An error that was not yielded yet.
    error: Option<Error>,
    ended: bool,
}

impl<T> LayersWatcher<T> {
    pub(super) fn new(layers: &[Layer]) -> Self {
        let side = |layer: &Layer| Side {
            name: layer.name(),
            watcher: layer.watch(),
            good: None,
            error: None,
            ended: false,
        };
        Self {
            sides: layers.iter().map(side).collect(),
            is_newer: true, // without any layer, the value is that of an empty document
            is_decoding: false,
            of: PhantomData,
        }
    }
}

impl<T: DeserializeOwned> Watcher<T> for LayersWatcher<T> {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        let mut has_more = false;
        for side in &mut self.sides {
            has_more |= side.poll(cx, &mut self.is_newer);
        }
        if mem::take(&mut self.is_decoding) && !self.is_newer {
            let error = Error::new(ErrorKind::Panicked, "the type panicked on this version");
            return Poll::Ready(Err(error));
        }
        // Errors first, so that a watcher that starts later finds the value in force.
        if let Some(error) = self.sides.iter_mut().find_map(|side| side.error.take()) {
            return Poll::Ready(Err(error));
        }
        if self.is_newer && self.sides.iter().all(|side| side.good.is_some()) {
            (self.is_newer, self.is_decoding) = (false, true);
            let parts: Vec<_> = self.sides.iter().flat_map(Side::parts).collect();
            let version = decode(&parts);
            self.is_decoding = false;
            return Poll::Ready(version);
        }
        let is_over = self.sides.iter().any(|side| side.ended && side.good.is_none());
        if is_over || self.sides.iter().all(|side| side.ended) {
            return Poll::Ready(Err(Error::closed()));
        }
        if has_more {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn epoch(&self) -> Option<Epoch> {
        Epoch::all(self.sides.iter().map(|side| side.watcher.epoch()))
    }
}

impl Side {
    /// Takes newer versions until there is none: only then the layer wakes this task for the next. Returns
    /// whether there may be more.
    fn poll(&mut self, cx: &mut Context<'_>, is_newer: &mut bool) -> bool {
        for _ in 0..ROUNDS {
            if self.ended {
                return false;
            }
            match self.watcher.poll_get(cx) {
                Poll::Pending => return false,
                Poll::Ready(Ok(document)) => {
                    (self.error, self.good) = (None, Some(document));
                    *is_newer = true;
                }
                Poll::Ready(Err(error)) if error.is_closed() => self.ended = true,
                Poll::Ready(Err(error)) => {
                    self.error = Some(error.with_context(layer(&self.name)));
                }
            }
        }
        true
    }

    /// What the document in force adds, the lowest first.
    fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        self.good.iter().flat_map(|good| {
            good.value.patches.iter().map(|patch| Part {
                layer: &self.name,
                key: patch.key.as_ref().unwrap_or(&good.key),
                revision: good.revision,
                value: &patch.value,
            })
        })
    }
}

impl<T> fmt::Debug for LayersWatcher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.sides.iter().map(|side| &side.name);
        f.debug_tuple("LayersWatcher").field(&names.collect::<Vec<_>>()).finish()
    }
}
