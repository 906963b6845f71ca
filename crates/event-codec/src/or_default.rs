//! `or_default`: the default of the type for a key that does not exist.

use event_core::{Bytes, Decoder, Error};

/// A decoder that yields the default of its type for a key that does not exist.
///
/// [`DecoderExt::or_default`](crate::DecoderExt::or_default) makes one.
#[derive(Debug, Clone, Copy, Default)]
#[must_use = "a decoder does nothing unless a reader decodes with it"]
pub struct OrDefault<D>(pub(crate) D);

impl<D> Decoder for OrDefault<D>
where
    D: Decoder,
    D::Output: Default,
{
    type Output = D::Output;

    fn decode(&self, bytes: &Bytes) -> Result<Self::Output, Error> {
        self.0.decode(bytes)
    }

    fn absent(&self) -> Option<Self::Output> {
        Some(D::Output::default())
    }
}
