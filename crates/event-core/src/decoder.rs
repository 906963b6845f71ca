//! How bytes become a typed value.

use bytes::Bytes;

use crate::{Error, ErrorKind};

/// Turns a key's bytes into a typed value, and says what a missing key means.
///
/// A closure over the bytes is a decoder, if you name the type of its argument: `|bytes: &[u8]|`. If it returns an [`Error`], that error is used as it is; the
/// words of any other error become the source of an error of kind [`ErrorKind::Decode`].
///
/// ```
/// use event_core::{Entry, MemoryValue, ReaderExt};
///
/// # futures_executor::block_on(async {
/// let bytes = MemoryValue::new(Entry::present("port", 1, "8080"));
/// let port = bytes.reader().decode(|bytes: &[u8]| {
///     let text = String::from_utf8(bytes.to_vec()).map_err(|_| "expected UTF-8")?;
///     text.parse::<u16>().map_err(|_| "expected a port")
/// });
/// assert_eq!(port.get().await.unwrap(), 8080);
/// # });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a decoder",
    label = "expected a decoder",
    note = "`Json`, `Toml` and `Yaml` decode a type that owns its data: derive `Deserialize`",
    note = "`Protobuf` decodes a `prost::Message`, and `Parse` a type that implements `FromStr`",
    note = "a closure is a decoder if it takes `&[u8]` and returns a `Result`: `|bytes: &[u8]| …`"
)]
pub trait Decoder {
    /// The typed value.
    type Output;

    /// Decodes the bytes of a key that exists.
    ///
    /// # Errors
    ///
    /// The error says what is wrong and where. It must not contain the data, which may be a secret. The
    /// caller adds the key and the revision. [`Error::closed`] is not an answer: it becomes an error of
    /// kind [`ErrorKind::Decode`].
    ///
    /// # Panics
    ///
    /// It must not panic, and must not block. If it panics, the panic unwinds the task that polled, and
    /// each watcher yields an error of kind [`ErrorKind::Panicked`] instead of the version.
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

    /// The value that stands for a key that does not exist.
    ///
    /// By default this returns `None`: there is no such value. Then a watcher waits for a key that was
    /// never seen, and yields an error of kind [`ErrorKind::Deleted`], at most once, if the key is deleted.
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
        self(bytes).map_err(|error| match error.into().downcast::<Error>() {
            Ok(error) => *error,
            Err(error) => {
                Error::new(ErrorKind::Decode, "the decoder refused the value").with_source(error)
            }
        })
    }
}
