//! `try_map`: a value of another type, or an error.

use std::error::Error as StdError;

use event_core::{Bytes, Decoder, Error, ErrorKind};

use crate::debug::debug;

/// A decoder that converts the value of another decoder, which can fail.
///
/// [`DecoderExt::try_map`](crate::DecoderExt::try_map) makes one.
#[derive(Clone, Copy)]
#[must_use = "a decoder does nothing unless a reader decodes with it"]
pub struct TryMap<D, F> {
    pub(crate) decoder: D,
    pub(crate) f: F,
}

impl<D, F, U, E> Decoder for TryMap<D, F>
where
    D: Decoder,
    F: Fn(D::Output) -> Result<U, E>,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    type Output = U;

    fn decode(&self, bytes: &Bytes) -> Result<U, Error> {
        let value = self.decoder.decode(bytes)?;
        (self.f)(value).map_err(|error| {
            Error::new(ErrorKind::Invalid, "the conversion refused the value").with_source(error)
        })
    }

    fn absent(&self) -> Option<U> {
        (self.f)(self.decoder.absent()?).ok()
    }
}

debug!(TryMap<D, F> { decoder: D });
