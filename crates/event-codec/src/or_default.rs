//! `or_default`: the type's own default for a key that is not there.

use event_core::{Bytes, Decoder, Error};

/// A decoder for which a key that is not there is the default of the type.
///
/// Made by [`DecoderExt::or_default`](crate::DecoderExt::or_default).
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
