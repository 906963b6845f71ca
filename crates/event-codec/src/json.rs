//! JSON documents.

mod field;
mod parser_error;

use std::marker::PhantomData;

use event_core::{Bytes, Decoder, Error, ErrorKind};
use serde::de::DeserializeOwned;

pub use self::field::JsonField;
pub(crate) use self::parser_error::explain;
use self::parser_error::position;
use crate::of_type::of_type;
use crate::tracked::{ErrorSlot, Expectation, Format, TrackedDeserializer, TrackedError};
use crate::utf8::text;

/// Decodes the bytes as a JSON document of type `T`.
///
/// The bytes must be exactly one document; only whitespace may surround it.
///
/// A watcher waits for a key that was never seen. If a key that exists is deleted, the watcher yields an
/// error of kind [`ErrorKind::Deleted`], at most once.
///
/// ```
/// use std::collections::HashMap;
///
/// use event_codec::Json;
/// use event_core::{Entry, MemoryValue, ReaderExt, ValueWriter};
///
/// # futures_executor::block_on(async {
/// let key = MemoryValue::new(Entry::present("ports", 1, r#"{"db": [5432]}"#));
/// let ports = key.reader().decode(Json::<HashMap<String, Vec<u16>>>::new());
/// assert_eq!(ports.get().await.unwrap()["db"], [5432]);
///
/// key.set(Entry::present("ports", 2, r#"{"db": [5432, "hunter2"]}"#));
/// assert_eq!(
///     ports.get().await.unwrap_err().to_string(),
///     "key `ports` at revision 2: *[1]: invalid type: string, expected u16 at line 1 column 23",
/// );
/// # });
/// ```
///
/// # Errors
///
/// Bytes that are not JSON, or not a `T`, are an error of kind [`ErrorKind::Decode`]. So are bytes that are
/// not UTF-8, even where the type ignores them, and empty bytes, because they are not a document. The error
/// names these, if they are known:
///
/// - the path to the place,
/// - the kind of thing that was found there, such as `string`, and what was expected,
/// - the line and the column.
///
/// It never prints the data, unless you call [`reveal`](Self::reveal).
///
/// In the path `limits[1]`, `limits` is the name of a field or a variant, and `[1]` is the second element
/// of an array. `*` stands for a name that comes from the data: the key of a map, or a field that the type
/// does not declare.
///
/// serde buffers what it reads for `#[serde(flatten)]`, `#[serde(untagged)]` and `#[serde(tag = "…")]`. If
/// the fault is inside such a buffer, the message gives the path and the position of the whole buffer, or
/// neither.
///
/// If a type reports an error through serde's `Error::custom`, the message drops that text, because it may
/// contain the data, and says which type refused the value: `` listen: `SocketAddr` refused the value ``. If
/// you implement serde's `Visitor` on a type that has fields, the message also drops what its `expecting`
/// writes, for the same reason.
///
/// # Cost
///
/// A document that does not decode is decoded twice, the second time to find the place.
pub struct Json<T> {
    reveal: bool,
    of: PhantomData<fn() -> T>,
}

impl<T> Json<T> {
    /// A decoder of documents of type `T`.
    ///
    /// ```
    /// use event_codec::Json;
    /// use event_core::{Bytes, Decoder};
    ///
    /// assert!(Json::<bool>::new().decode(&Bytes::from("true")).unwrap());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { reveal: false, of: PhantomData }
    }

    /// Lets errors contain the data: the words of serde and of the type, and the names in the document. Use
    /// it for keys that hold no secret.
    ///
    /// ```
    /// use std::net::SocketAddr;
    ///
    /// use event_codec::Json;
    /// use event_core::{Bytes, Decoder};
    ///
    /// #[derive(Debug, serde::Deserialize)]
    /// #[serde(deny_unknown_fields)]
    /// struct Config {
    ///     listen: SocketAddr,
    /// }
    ///
    /// let error = |document| {
    ///     let decoder = Json::<Config>::new().reveal();
    ///     decoder.decode(&Bytes::from(document)).unwrap_err().to_string()
    /// };
    /// assert_eq!(
    ///     error(r#"{"lisen": "[::1]:80"}"#),
    ///     "lisen: unknown field `lisen`, expected `listen` at line 1 column 8",
    /// );
    /// assert_eq!(
    ///     error(r#"{"listen": "localhost"}"#),
    ///     "listen: invalid socket address syntax at line 1 column 22",
    /// );
    /// ```
    #[must_use]
    pub const fn reveal(self) -> Self {
        Self { reveal: true, ..self }
    }

    /// Decodes one place of the document: the one that `pointer` names, following RFC 6901, such as
    /// `/server/port` or `/hosts/0`. The rest of the document may be anything that is JSON.
    ///
    /// If the document has no such place, that is an error of kind [`ErrorKind::Decode`], which names the
    /// pointer. The line and the column of other errors count from the start of that place, not of the document.
    ///
    /// ```
    /// use event_codec::Json;
    /// use event_core::{Entry, MemoryValue, ReaderExt, ValueWriter};
    ///
    /// # futures_executor::block_on(async {
    /// let config = MemoryValue::new(Entry::present("config", 1, r#"{"server": {"port": 8080}}"#));
    /// let port = config.reader().decode(Json::<u16>::new().field("/server/port"));
    /// assert_eq!(port.get().await.unwrap(), 8080);
    ///
    /// config.set(Entry::present("config", 2, r#"{"server": {}}"#));
    /// assert_eq!(
    ///     port.get().await.unwrap_err().to_string(),
    ///     "key `config` at revision 2: the document has nothing at `/server/port`",
    /// );
    /// # });
    /// ```
    #[must_use]
    pub fn field(self, pointer: &str) -> JsonField<T> {
        JsonField::new(self, pointer)
    }

    /// Says why a document is not a `T`.
    fn error(self, document: &str) -> TrackedError
    where
        T: DeserializeOwned,
    {
        if document.starts_with('\u{feff}') {
            let words = "expected a value, found a byte order mark";
            return TrackedError::syntax(words).at(Some((1, 1)));
        }
        let slot = ErrorSlot::new(Format { explain, position }, self.reveal);
        let mut inner = serde_json::Deserializer::from_str(document);
        let tracked = TrackedDeserializer { inner: &mut inner, slot: &slot };
        let decoded = T::deserialize(tracked)
            .and_then(|_| inner.end().map_err(|error| slot.restore(&error, Expectation::UNKNOWN)));
        // If the type accepts the second time what it refused the first time, nothing else is known.
        decoded.err().unwrap_or_else(TrackedError::refused).refused_by::<T>()
    }
}

impl<T: DeserializeOwned> Decoder for Json<T> {
    type Output = T;

    fn decode(&self, bytes: &Bytes) -> Result<T, Error> {
        let document = text(bytes)?;
        serde_json::from_str(document).map_err(|theirs| {
            let error = self.error(document);
            // Without `reveal`, the error of serde_json is dropped: it may contain the data.
            let error = if self.reveal { error.reveal(theirs.to_string()) } else { error };
            Error::new(ErrorKind::Decode, error.to_string())
        })
    }
}

of_type!(Json);
