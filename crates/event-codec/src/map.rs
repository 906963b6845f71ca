//! `map`: a value of another type.

use std::fmt;

use event_core::{Bytes, Decoder, Error};

/// A decoder that maps what another yields.
///
/// Made by [`DecoderExt::map`](crate::DecoderExt::map).
#[derive(Clone, Copy)]
#[must_use = "a decoder does nothing unless a reader decodes with it"]
pub struct Map<D, F> {
    pub(crate) decoder: D,
    pub(crate) f: F,
}

impl<D, F, U> Decoder for Map<D, F>
where
    D: Decoder,
    F: Fn(D::Output) -> U,
{
    type Output = U;

    fn decode(&self, bytes: &Bytes) -> Result<U, Error> {
        self.decoder.decode(bytes).map(&self.f)
    }

    fn absent(&self) -> Option<U> {
        self.decoder.absent().map(&self.f)
    }
}

impl<D: fmt::Debug, F> fmt::Debug for Map<D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Map").field(&self.decoder).finish()
    }
}
