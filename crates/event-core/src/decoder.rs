//! How bytes become a typed value.

use bytes::Bytes;

use crate::{Error, ErrorKind};

/// Makes a typed value of a key's bytes, and says what it means that the key is not there.
///
/// A closure over the bytes is a decoder:
///
/// ```
/// use event_core::{Entry, MemoryValue, ReaderExt};
///
/// # futures_executor::block_on(async {
/// let bytes = MemoryValue::new(Entry::new("port", 1, "8080"));
/// let port = bytes.decode(|bytes: &[u8]| std::str::from_utf8(bytes)?.parse::<u16>().map_err(Box::<dyn std::error::Error + Send + Sync>::from));
/// assert_eq!(port.get().await.unwrap(), 8080);
/// # });
/// ```
pub trait Decoder {
    /// The typed value.
    type Output;

    /// Decodes the bytes of a key that is there.
    ///
    /// # Errors
    ///
    /// Says what is wrong and where in the data, and never what the data is: it may be a secret. The
    /// caller adds the key and the revision.
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::{Bytes, Decoder, Error, ErrorKind};
    ///
    /// struct Flag;
    ///
    /// impl Decoder for Flag {
    ///     type Output = bool;
    ///
    ///     fn decode(&self, bytes: &Bytes) -> Result<bool, Error> {
    ///         match bytes.as_ref() {
    ///             b"on" => Ok(true),
    ///             b"off" => Ok(false),
    ///             _ => Err(Error::new(ErrorKind::Decode, "expected `on` or `off`")),
    ///         }
    ///     }
    /// }
    ///
    /// assert!(Flag.decode(&Bytes::from("on")).unwrap());
    /// ```
    fn decode(&self, bytes: &Bytes) -> Result<Self::Output, Error>;

    /// The value that stands for a key that is not there.
    ///
    /// `None`, the default: there is no such value. Then a watcher of a key that was never there
    /// waits for it, and a deletion is an error of kind [`ErrorKind::Absent`], told once.
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::Decoder;
    ///
    /// let utf8 = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned);
    /// assert_eq!(utf8.absent(), None);
    /// ```
    fn absent(&self) -> Option<Self::Output> {
        None
    }
}

impl<F, T, E> Decoder for F
where
    F: Fn(&[u8]) -> Result<T, E>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Output = T;

    fn decode(&self, bytes: &Bytes) -> Result<T, Error> {
        self(bytes).map_err(|error| {
            Error::new(ErrorKind::Decode, "the decoder refused the value").with_source(error)
        })
    }
}
