//! arc-swap. It can't wait for a version, so it runs the read benchmarks only.

use std::sync::Arc;

use arc_swap::ArcSwap;
use arc_swap::cache::Cache;

use crate::machine::with_version;
use crate::payload::Payload;
use crate::value::Read;

/// An `ArcSwap`. Each read loads a guard.
pub(crate) struct Swap<T>(Arc<ArcSwap<T>>);

impl<T: Payload> Swap<T> {
    pub(crate) fn new(first: T) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(first)))
    }

    pub(crate) fn name() -> String {
        with_version("arc-swap")
    }

    pub(crate) fn reader(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    pub(crate) fn cached(&self) -> Cached<T> {
        Cached(Cache::new(Arc::clone(&self.0)))
    }
}

impl<T: Payload> Read<T> for Swap<T> {
    fn read<R>(&mut self, f: impl FnOnce(&T) -> R) -> R {
        f(&self.0.load())
    }
}

/// A `Cache` of an `ArcSwap`. It holds the last version. Each read checks whether that is still the newest.
pub(crate) struct Cached<T>(Cache<Arc<ArcSwap<T>>, Arc<T>>);

impl<T: Payload> Cached<T> {
    pub(crate) fn name() -> String {
        format!("{} Cache", with_version("arc-swap"))
    }
}

impl<T: Payload> Read<T> for Cached<T> {
    fn read<R>(&mut self, f: impl FnOnce(&T) -> R) -> R {
        f(self.0.load())
    }
}
