//! `map`: a value of another type.

use event_core::{Bytes, Decoder, Error};

use crate::debug::debug;

/// A decoder that maps the value of another decoder.
///
/// [`DecoderExt::map`](crate::DecoderExt::map) makes one.
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

debug!(Map<D, F> { decoder: D });
