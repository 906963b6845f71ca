//! Text that a type parses.

use std::error::Error as StdError;
use std::marker::PhantomData;
use std::num::{IntErrorKind, ParseIntError};
use std::str::FromStr;

use event_core::{Bytes, Decoder, Error, ErrorKind};

use crate::of_type::of_type;
use crate::type_name::type_name;
use crate::utf8::text;

/// Decodes the bytes as UTF-8 text, and parses the text with the type's [`FromStr`].
///
/// Whitespace around the text is ignored: `8080\n` is the number 8080. Many tools end what they write in a
/// newline.
///
/// A watcher waits for a key that was never seen. If a key that exists is deleted, the watcher yields an
/// error of kind [`ErrorKind::Deleted`], at most once.
///
/// ```
/// use event_codec::Parse;
/// use event_core::{Entry, MemoryValue, ReaderExt, ValueWriter};
///
/// # futures_executor::block_on(async {
/// let key = MemoryValue::new(Entry::present("port", 1, "8080\n"));
/// let port = key.reader().decode(Parse::<u16>::new());
/// assert_eq!(port.get().await.unwrap(), 8080);
///
/// key.set(Entry::present("port", 2, "80800"));
/// assert_eq!(
///     port.get().await.unwrap_err().to_string(),
///     "key `port` at revision 2: number out of range, expected u16",
/// );
/// # });
/// ```
///
/// # Errors
///
/// Bytes that are not UTF-8, and text that the type does not parse, are an error of kind
/// [`ErrorKind::Decode`]. The error names the type. It never prints the data or the words of the type's own
/// error, which may contain the data, unless you call [`reveal`](Self::reveal).
pub struct Parse<T> {
    reveal: bool,
    of: PhantomData<fn() -> T>,
}

impl<T> Parse<T> {
    /// A decoder of text that `T` parses.
    ///
    /// ```
    /// use std::net::IpAddr;
    ///
    /// use event_codec::Parse;
    /// use event_core::{Bytes, Decoder};
    ///
    /// let address = Parse::<IpAddr>::new().decode(&Bytes::from("::1")).unwrap();
    /// assert!(address.is_loopback());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { reveal: false, of: PhantomData }
    }

    /// Adds the type's own error as the source, which may contain the data. Use it for keys that hold no
    /// secret.
    ///
    /// ```
    /// use std::net::IpAddr;
    ///
    /// use event_codec::Parse;
    /// use event_core::{Bytes, Decoder};
    ///
    /// let error = Parse::<IpAddr>::new().reveal().decode(&Bytes::from("localhost")).unwrap_err();
    /// assert_eq!(format!("{error:#}"), "invalid text, expected IpAddr: invalid IP address syntax");
    /// ```
    #[must_use]
    pub const fn reveal(self) -> Self {
        Self { reveal: true, ..self }
    }
}

impl<T> Decoder for Parse<T>
where
    T: FromStr<Err: Into<Box<dyn StdError + Send + Sync>>>,
{
    type Output = T;

    fn decode(&self, bytes: &Bytes) -> Result<T, Error> {
        let text = text(bytes)?.trim();
        text.parse().map_err(|error: T::Err| {
            let source = error.into();
            let words = format!("{}, expected {}", found(text, &*source), type_name::<T>());
            let error = Error::new(ErrorKind::Decode, words);
            if self.reveal { error.with_source(source) } else { error }
        })
    }
}

of_type!(Parse);

/// What the text is, without the text.
fn found(text: &str, error: &(dyn StdError + Send + Sync + 'static)) -> &'static str {
    if text.is_empty() {
        return "empty text";
    }
    match error.downcast_ref().map(ParseIntError::kind) {
        Some(IntErrorKind::PosOverflow | IntErrorKind::NegOverflow | IntErrorKind::Zero) => {
            "number out of range"
        }
        _ => "invalid text",
    }
}
