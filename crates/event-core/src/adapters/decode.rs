//! `decode`: from a key's bytes to a typed value.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::{Panics, ROUNDS, Shared, yield_now};
use crate::{Decoder, Entry, EntryState, Epoch, Error, ErrorKind, Refresh, ValueReader, Watcher};

/// Makes of a decoded entry what the reader yields: the value alone, or with its version.
pub(crate) type Wrap<T, V> = fn(Entry, T) -> V;

/// What [`ReaderExt::decode`](crate::ReaderExt::decode) returns: the decoder runs at most once per version.
pub type Decoded<R, D, V = <D as Decoder>::Output> = Shared<Decode<R, D, V>, V>;

/// A reader of entries as a reader of typed values.
///
/// [`ReaderExt::decode`](crate::ReaderExt::decode) and
/// [`decode_versioned`](crate::ReaderExt::decode_versioned) return it inside a [`Shared`].
pub struct Decode<R, D: Decoder, V> {
    reader: R,
    decoder: Arc<D>,
    wrap: Wrap<D::Output, V>,
}

impl<R, D: Decoder, V> Decode<R, D, V> {
    pub(crate) fn new(reader: R, decoder: D, wrap: Wrap<D::Output, V>) -> Self {
        Self { reader, decoder: Arc::new(decoder), wrap }
    }
}

impl<R, D, V> ValueReader<V> for Decode<R, D, V>
where
    R: ValueReader<Entry>,
    D: Decoder,
{
    type Watcher = DecodeWatcher<R::Watcher, D, V>;

    fn watch(&self) -> Self::Watcher {
        DecodeWatcher::over(self.reader.watch(), Arc::clone(&self.decoder), self.wrap)
    }

    fn refresh(&self) -> Refresh {
        self.reader.refresh()
    }
}

/// A watcher that decodes each version that it takes.
///
/// [`WatcherExt::decode`](crate::WatcherExt::decode) makes one.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct DecodeWatcher<W, D: Decoder, V> {
    watcher: W,
    decoder: Arc<D>,
    wrap: Wrap<D::Output, V>,
    panics: Panics,
}

impl<W, D: Decoder, V> DecodeWatcher<W, D, V> {
    pub(crate) fn new(watcher: W, decoder: D, wrap: Wrap<D::Output, V>) -> Self {
        Self::over(watcher, Arc::new(decoder), wrap)
    }

    fn over(watcher: W, decoder: Arc<D>, wrap: Wrap<D::Output, V>) -> Self {
        Self { watcher, decoder, wrap, panics: Panics::default() }
    }
}

impl<W, D, V> Watcher<V> for DecodeWatcher<W, D, V>
where
    W: Watcher<Entry>,
    D: Decoder,
{
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<V, Error>> {
        for _ in 0..ROUNDS {
            let polled = self.watcher.poll_get(cx);
            let entry = ready!(self.panics.in_place("decoder", polled))?;
            if let Some(decoded) = self.panics.run(|| decode(&*self.decoder, &entry)) {
                return Poll::Ready(decoded.map(|value| (self.wrap)(entry, value)));
            }
        }
        yield_now(cx)
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch().map(Epoch::of_adapter)
    }
}

/// What an entry is to a watcher; `None` if there is nothing to yield yet.
pub(crate) fn decode<D: Decoder>(decoder: &D, entry: &Entry) -> Option<Result<D::Output, Error>> {
    let result = match &entry.state {
        EntryState::Present { value, .. } => decoder.decode(value),
        EntryState::Deleted { .. } => {
            decoder.absent().ok_or_else(|| Error::new(ErrorKind::Deleted, "the key was deleted"))
        }
        EntryState::NeverSeen => Ok(decoder.absent()?),
    };
    Some(result.map_err(|error| {
        if error.is_closed() {
            // The end is the backend's to announce: this version is one that does not decode.
            Error::new(ErrorKind::Decode, "the decoder returned `Error::closed`").at(entry)
        } else {
            error.at(entry)
        }
    }))
}

impl<R: std::fmt::Debug, D: Decoder, V> std::fmt::Debug for Decode<R, D, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decode").field("reader", &self.reader).finish_non_exhaustive()
    }
}

impl<W: std::fmt::Debug, D: Decoder, V> std::fmt::Debug for DecodeWatcher<W, D, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecodeWatcher").field("watcher", &self.watcher).finish_non_exhaustive()
    }
}
