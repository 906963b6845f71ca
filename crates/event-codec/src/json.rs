//! JSON documents.
//!
//! Why not the message of `serde_json`? It prints the data: `invalid type: string "hunter2"`. The path of
//! `serde_path_to_error` prints data too, because the keys of a map are data. So a document that does not
//! decode is decoded a second time, through wrappers around `serde_json`. They give the type an error
//! type of ours, [`error::JsonError`], which keeps only parts that can't contain the data. Nothing is
//! removed from a finished text. A good document does not pay for this.

mod access;
mod deserializer;
mod enum_access;
mod error;
mod error_slot;
mod expected;
mod name;
mod parser_error;
mod visitor;

use std::marker::PhantomData;

use event_core::{Bytes, Decoder, Error, ErrorKind};
use serde::de::DeserializeOwned;

use self::deserializer::TrackedDeserializer;
use self::error::REFUSED;
use self::error_slot::ErrorSlot;
use crate::debug::debug;

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
/// Bytes that are not JSON, or not a `T`, are an error of kind [`ErrorKind::Decode`]. So are empty bytes,
/// because they are not a document. The error names these, if they are known:
///
/// - the path to the place,
/// - the kind of thing that was found there, such as `string`, and what was expected,
/// - the line and the column.
///
/// It never prints the data.
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
/// contain the data. If you implement serde's `Visitor` on a type that has fields, the message also drops
/// what its `expecting` writes, for the same reason. If nothing else is known, the error says `the type
/// refused the value`.
///
/// # Cost
///
/// A document that does not decode is decoded twice, the second time to find the place.
pub struct Json<T>(PhantomData<fn() -> T>);

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
        Self(PhantomData)
    }
}

impl<T: DeserializeOwned> Decoder for Json<T> {
    type Output = T;

    fn decode(&self, bytes: &Bytes) -> Result<T, Error> {
        // The error of serde_json is dropped here: it may contain the data.
        serde_json::from_slice(bytes)
            .map_err(|_| Error::new(ErrorKind::Decode, explain::<T>(bytes)))
    }
}

debug!(Json<T>);

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
    let slot = ErrorSlot::default();
    let mut json = serde_json::Deserializer::from_slice(document);
    let decoded = T::deserialize(TrackedDeserializer { inner: &mut json, slot: &slot })
        .and_then(|_| json.end().map_err(|error| slot.restore(&error)));
    match decoded {
        Err(error) => error.to_string(),
        // The type accepted the second time what it refused the first time.
        Ok(()) => REFUSED.to_owned(),
    }
}
