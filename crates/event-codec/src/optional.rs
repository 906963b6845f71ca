//! `optional`: `None` for a key that does not exist.

use event_core::{Bytes, Decoder, Error};

/// A decoder that yields `None` for a key that does not exist.
///
/// [`DecoderExt::optional`](crate::DecoderExt::optional) makes one.
#[derive(Debug, Clone, Copy, Default)]
#[must_use = "a decoder does nothing unless a reader decodes with it"]
pub struct Optional<D>(pub(crate) D);

impl<D: Decoder> Decoder for Optional<D> {
    type Output = Option<D::Output>;

    fn decode(&self, bytes: &Bytes) -> Result<Self::Output, Error> {
        self.0.decode(bytes).map(Some)
    }

    fn absent(&self) -> Option<Self::Output> {
        Some(None)
    }
}
