//! `decode`: from a key's bytes to a typed value.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::{Decoder, Entry, Error, ErrorKind, ValueReader, Watcher};

/// A reader of entries as a reader of typed values.
///
/// Made by [`ReaderExt::decode`](crate::ReaderExt::decode).
pub struct Decode<R, D> {
    reader: R,
    decoder: Arc<D>,
}

impl<R, D> Decode<R, D> {
    pub(crate) fn new(reader: R, decoder: D) -> Self {
        Self { reader, decoder: Arc::new(decoder) }
    }
}

impl<R, D> ValueReader<D::Output> for Decode<R, D>
where
    R: ValueReader<Entry>,
    D: Decoder,
{
    type Watcher = DecodeWatcher<R::Watcher, D>;

    fn watch(&self) -> Self::Watcher {
        DecodeWatcher { watcher: self.reader.watch(), decoder: Arc::clone(&self.decoder) }
    }
}

/// A watcher that decodes each version it takes.
///
/// Made by [`WatcherExt::decode`](crate::WatcherExt::decode).
#[must_use = "a watcher does nothing unless it is polled"]
pub struct DecodeWatcher<W, D> {
    watcher: W,
    decoder: Arc<D>,
}

impl<W, D: Decoder> DecodeWatcher<W, D> {
    pub(crate) fn new(watcher: W, decoder: D) -> Self {
        Self { watcher, decoder: Arc::new(decoder) }
    }
}

/// The version that an entry is to a watcher, or `None` where there is nothing to tell yet.
pub(crate) fn version<D: Decoder>(decoder: &D, entry: &Entry) -> Option<Result<D::Output, Error>> {
    match &entry.value {
        Some(bytes) => Some(decoder.decode(bytes).map_err(|error| error.at(entry))),
        None => match decoder.absent() {
            Some(value) => Some(Ok(value)),
            None if entry.is_deleted() => {
                Some(Err(Error::new(ErrorKind::Absent, "deleted").at(entry)))
            }
            None => None,
        },
    }
}

impl<W, D> Watcher<D::Output> for DecodeWatcher<W, D>
where
    W: Watcher<Entry>,
    D: Decoder,
{
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<D::Output, Error>> {
        loop {
            let entry = ready!(self.watcher.poll_get(cx))?;
            if let Some(version) = version(&*self.decoder, &entry) {
                return Poll::Ready(version);
            }
        }
    }
}

impl<R: fmt::Debug, D> fmt::Debug for Decode<R, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Decode").field(&self.reader).finish()
    }
}

impl<W: fmt::Debug, D> fmt::Debug for DecodeWatcher<W, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DecodeWatcher").field(&self.watcher).finish()
    }
}
