//! JSON documents.
//!
//! Why not the message of `serde_json`? It repeats the data: `invalid type: string "hunter2"`. So does
//! the path that `serde_path_to_error` makes: the keys of a map are data as much as its values. So a
//! document that does not decode is decoded again, through a deserializer that hands errors of its own
//! to the type: [`fault::Fault`] takes what is safe to tell when the error is made, before it is text.
//! Only a value that is bad pays for this.

mod access;
mod bridge;
mod fault;
mod names;
mod said;
mod tracked;
mod variant;
mod visitor;

use std::fmt;
use std::marker::PhantomData;

use event_core::{Bytes, Decoder, Error, ErrorKind};
use serde::de::DeserializeOwned;

use self::bridge::Bridge;
use self::fault::REFUSED;
use self::tracked::Tracked;

/// Yields the bytes as a JSON document of type `T`.
///
/// The document is the whole value: but for space, nothing may stand before or after it.
///
/// # Errors
///
/// A document that is not JSON, or not a `T`, is an error of kind [`ErrorKind::Decode`]. It tells the
/// path, what is wrong there, the line and the column, and never what was found. In the path a field of
/// a struct and a variant of an enum have their names; a key of a map, and a field that the type does
/// not know, come from the data and are `*`. Inside what serde reads ahead, which is `flatten`,
/// `untagged` and `tag`, there is no path to tell.
///
/// What was expected is told where the type can't have mixed the data into it; what a type says in
/// words of its own (serde's `Error::custom`) is not told.
///
/// `T` is decoded a second time to find out what to tell.
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
pub struct Json<T>(PhantomData<fn() -> T>);

impl<T> Json<T> {
    /// The decoder of documents of type `T`.
    ///
    /// ```
    /// use event_codec::Json;
    /// use event_core::{Bytes, Decoder};
    ///
    /// assert!(Json::<bool>::new().decode(&Bytes::from("true")).unwrap());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: DeserializeOwned> Decoder for Json<T> {
    type Output = T;

    fn decode(&self, bytes: &Bytes) -> Result<T, Error> {
        // serde_json's error stops here: it holds the data.
        serde_json::from_slice(bytes)
            .map_err(|_| Error::new(ErrorKind::Decode, explain::<T>(bytes)))
    }
}

impl<T> fmt::Debug for Json<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Json")
    }
}

impl<T> Clone for Json<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Json<T> {}

impl<T> Default for Json<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Says why a document is not a `T`, without the data.
fn explain<T: DeserializeOwned>(document: &[u8]) -> String {
    if document.starts_with(b"\xef\xbb\xbf") {
        return "expected a value, found a byte order mark at line 1 column 1".to_owned();
    }
    let bridge = Bridge::default();
    let mut json = serde_json::Deserializer::from_slice(document);
    let decoded = T::deserialize(Tracked { inner: &mut json, bridge: &bridge })
        .and_then(|_| json.end().map_err(|error| bridge.back(&error)));
    match decoded {
        Err(fault) => fault.to_string(),
        // A type that accepts today what it refused a moment ago.
        Ok(()) => REFUSED.to_owned(),
    }
}
