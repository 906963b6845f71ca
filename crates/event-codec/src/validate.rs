//! `validate`: an error for a value that decodes but must not be used.

use std::error::Error as StdError;

use event_core::{Bytes, Decoder, Error, ErrorKind};

use crate::debug::debug;

/// A decoder that checks each value with a function.
///
/// [`DecoderExt::validate`](crate::DecoderExt::validate) makes one.
#[derive(Clone, Copy)]
#[must_use = "a decoder does nothing unless a reader decodes with it"]
pub struct Validate<D, F> {
    pub(crate) decoder: D,
    pub(crate) f: F,
}

impl<D, F, E> Decoder for Validate<D, F>
where
    D: Decoder,
    F: Fn(&D::Output) -> Result<(), E>,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    type Output = D::Output;

    fn decode(&self, bytes: &Bytes) -> Result<Self::Output, Error> {
        let value = self.decoder.decode(bytes)?;
        match (self.f)(&value) {
            Ok(()) => Ok(value),
            Err(error) => {
                Err(Error::new(ErrorKind::Invalid, "validation refused the value")
                    .with_source(error))
            }
        }
    }

    fn absent(&self) -> Option<Self::Output> {
        self.decoder.absent()
    }
}

debug!(Validate<D, F> { decoder: D });
