//! `decode_versioned`: the typed value, and of which version it is.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use crate::decode::version;
use crate::{Decoder, Entry, Error, ValueReader, Watcher};

/// A typed value with the key and the revision that it was decoded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The key, as the backend knows it.
    pub key: Bytes,
    /// The backend's number of this version: [`Entry::revision`].
    pub revision: i64,
    /// The typed value.
    pub value: T,
}

/// A reader of entries as a reader of typed values, each with its key and revision.
///
/// Made by [`ReaderExt::decode_versioned`](crate::ReaderExt::decode_versioned).
pub struct DecodeVersioned<R, D> {
    reader: R,
    decoder: Arc<D>,
}

impl<R, D> DecodeVersioned<R, D> {
    pub(crate) fn new(reader: R, decoder: D) -> Self {
        Self { reader, decoder: Arc::new(decoder) }
    }
}

impl<R, D> ValueReader<Versioned<D::Output>> for DecodeVersioned<R, D>
where
    R: ValueReader<Entry>,
    D: Decoder,
{
    type Watcher = DecodeVersionedWatcher<R::Watcher, D>;

    fn watch(&self) -> Self::Watcher {
        DecodeVersionedWatcher { watcher: self.reader.watch(), decoder: Arc::clone(&self.decoder) }
    }
}

/// A watcher that decodes each version it takes, and keeps its key and revision.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct DecodeVersionedWatcher<W, D> {
    watcher: W,
    decoder: Arc<D>,
}

impl<W, D> Watcher<Versioned<D::Output>> for DecodeVersionedWatcher<W, D>
where
    W: Watcher<Entry>,
    D: Decoder,
{
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<Versioned<D::Output>, Error>> {
        loop {
            let entry = ready!(self.watcher.poll_get(cx))?;
            if let Some(version) = version(&*self.decoder, &entry) {
                let Entry { key, revision, .. } = entry;
                return Poll::Ready(version.map(|value| Versioned { key, revision, value }));
            }
        }
    }
}

impl<R: fmt::Debug, D> fmt::Debug for DecodeVersioned<R, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DecodeVersioned").field(&self.reader).finish()
    }
}

impl<W: fmt::Debug, D> fmt::Debug for DecodeVersionedWatcher<W, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DecodeVersionedWatcher").field(&self.watcher).finish()
    }
}
