//! TOML documents.

mod parser_error;

use std::marker::PhantomData;

use ::toml::de::Deserializer;
use event_core::{Bytes, Decoder, Error, ErrorKind};
use serde::de::DeserializeOwned;

use self::parser_error::{explain, syntax_error};
use crate::of_type::of_type;
use crate::tracked::{ErrorSlot, Format, Position, TrackedDeserializer, TrackedError};
use crate::utf8::text;

/// Decodes the bytes as a TOML document of type `T`.
///
/// Empty bytes are a document too: a table without keys.
///
/// A watcher waits for a key that was never seen. If a key that exists is deleted, the watcher yields an
/// error of kind [`ErrorKind::Deleted`], at most once.
///
/// ```
/// use event_codec::Toml;
/// use event_core::{Entry, MemoryValue, ReaderExt, ValueWriter};
///
/// #[derive(Clone, serde::Deserialize)]
/// struct Config {
///     max_connections: u32,
/// }
///
/// # futures_executor::block_on(async {
/// let key = MemoryValue::new(Entry::present("config", 1, "max_connections = 100\n"));
/// let config = key.reader().decode(Toml::<Config>::new());
/// assert_eq!(config.get().await.unwrap().max_connections, 100);
///
/// key.set(Entry::present("config", 2, "max_connections = \"hunter2\"\n"));
/// assert_eq!(
///     config.get().await.err().unwrap().to_string(),
///     "key `config` at revision 2: max_connections: \
///      invalid type: string, expected u32 at line 1 column 19",
/// );
/// # });
/// ```
///
/// # Errors
///
/// Bytes that are not UTF-8, not TOML, or not a `T`, are an error of kind [`ErrorKind::Decode`]. It says
/// what the error of [`Json`](crate::Json#errors) says, and never prints the data, unless you call
/// [`reveal`](Self::reveal).
///
/// # Cost
///
/// A document that does not decode is decoded twice, the second time to find the place.
pub struct Toml<T> {
    reveal: bool,
    of: PhantomData<fn() -> T>,
}

impl<T> Toml<T> {
    /// A decoder of documents of type `T`.
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// use event_codec::Toml;
    /// use event_core::{Bytes, Decoder};
    ///
    /// let ports = Toml::<HashMap<String, u16>>::new().decode(&Bytes::from("db = 5432")).unwrap();
    /// assert_eq!(ports["db"], 5432);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { reveal: false, of: PhantomData }
    }

    /// Lets errors contain the data: the words of serde and of the type, and the names in the document. Use
    /// it for keys that hold no secret.
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// use event_codec::Toml;
    /// use event_core::{Bytes, Decoder};
    ///
    /// let decoder = Toml::<HashMap<String, u16>>::new().reveal();
    /// assert_eq!(
    ///     decoder.decode(&Bytes::from("db = true")).unwrap_err().to_string(),
    ///     "db: invalid type: boolean `true`, expected u16 at line 1 column 6",
    /// );
    /// ```
    #[must_use]
    pub const fn reveal(self) -> Self {
        Self { reveal: true, ..self }
    }

    /// Says why a document is not a `T`.
    fn error(self, document: &str) -> TrackedError
    where
        T: DeserializeOwned,
    {
        let inner = match Deserializer::parse(document) {
            Ok(inner) => inner,
            Err(theirs) => return syntax_error(theirs.message()),
        };
        let slot = ErrorSlot::new(Format { explain, position: |_| None }, self.reveal);
        let decoded = T::deserialize(TrackedDeserializer { inner, slot: &slot });
        // If the type accepts the second time what it refused the first time, nothing else is known.
        decoded.err().unwrap_or_else(TrackedError::refused).refused_by::<T>()
    }
}

impl<T: DeserializeOwned> Decoder for Toml<T> {
    type Output = T;

    fn decode(&self, bytes: &Bytes) -> Result<T, Error> {
        let document = text(bytes)?;
        ::toml::from_str(document).map_err(|theirs| {
            let error = self.error(document);
            let position = theirs.span().and_then(|span| position(document, span.start));
            // Without `reveal`, the message of toml is dropped: it may contain the data.
            let error = if self.reveal { error.reveal(theirs.message()) } else { error };
            Error::new(ErrorKind::Decode, error.at(position).to_string())
        })
    }
}

of_type!(Toml);

/// The line and the column of a byte of the document.
fn position(document: &str, at: usize) -> Option<Position> {
    let before = document.get(..at)?;
    let line = before.rsplit('\n').next()?;
    Some((before.matches('\n').count() + 1, line.chars().count() + 1))
}
