//! `or`: a given value for a key that does not exist.

use event_core::{Bytes, Decoder, Error};

use crate::debug::debug;

/// A decoder that yields a given value for a key that does not exist.
///
/// [`DecoderExt::or`](crate::DecoderExt::or) makes one. `Debug` does not print the value.
#[derive(Clone, Copy)]
#[must_use = "a decoder does nothing unless a reader decodes with it"]
pub struct Or<D: Decoder> {
    pub(crate) decoder: D,
    pub(crate) value: D::Output,
}

impl<D> Decoder for Or<D>
where
    D: Decoder,
    D::Output: Clone,
{
    type Output = D::Output;

    fn decode(&self, bytes: &Bytes) -> Result<Self::Output, Error> {
        self.decoder.decode(bytes)
    }

    fn absent(&self) -> Option<Self::Output> {
        Some(self.value.clone())
    }
}

debug!(Or<D: Decoder> { decoder: D });
