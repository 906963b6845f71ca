//! arc-swap, which can't wait for a version: it takes part in the reads alone.

use std::sync::Arc;

use arc_swap::ArcSwap;
use arc_swap::cache::Cache;

use crate::machine::versioned;
use crate::payload::Payload;
use crate::value::Read;

/// A guard for each look.
pub(crate) struct Swap<T>(Arc<ArcSwap<T>>);

impl<T: Payload> Swap<T> {
    pub(crate) fn new(first: T) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(first)))
    }

    pub(crate) fn who() -> String {
        versioned("arc-swap")
    }

    pub(crate) fn reader(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    pub(crate) fn cached(&self) -> Cached<T> {
        Cached(Cache::new(Arc::clone(&self.0)))
    }
}

impl<T: Payload> Read<T> for Swap<T> {
    fn read<R>(&mut self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.0.load())
    }
}

/// Its `Cache`, which holds the last version and asks whether that is still the one.
pub(crate) struct Cached<T>(Cache<Arc<ArcSwap<T>>, Arc<T>>);

impl<T: Payload> Cached<T> {
    pub(crate) fn who() -> String {
        format!("{} Cache", versioned("arc-swap"))
    }
}

impl<T: Payload> Read<T> for Cached<T> {
    fn read<R>(&mut self, look: impl FnOnce(&T) -> R) -> R {
        look(self.0.load())
    }
}
