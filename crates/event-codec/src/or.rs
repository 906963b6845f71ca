//! `or`: a given value for a key that is not there.

use std::fmt;

use event_core::{Bytes, Decoder, Error};

/// A decoder for which a key that is not there is a given value.
///
/// Made by [`DecoderExt::or`](crate::DecoderExt::or). `Debug` does not print the value.
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

impl<D> Clone for Or<D>
where
    D: Decoder + Clone,
    D::Output: Clone,
{
    fn clone(&self) -> Self {
        Self { decoder: self.decoder.clone(), value: self.value.clone() }
    }
}

impl<D: Decoder + fmt::Debug> fmt::Debug for Or<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Or").field(&self.decoder).finish()
    }
}
