//! All that an error tells, and what it must not.

use std::error::Error as StdError;
use std::fmt::Write;

use event_codec::{DecoderExt, Json};
use event_core::{Bytes, Decoder, Entry, Error, ErrorKind, MemoryValue, ReaderExt};
use futures_executor::block_on;
use serde::de::DeserializeOwned;

/// The error of a value at key `k` and revision 7 that must not decode.
pub(crate) fn refused<D>(decoder: D, bytes: impl Into<Bytes>) -> Error
where
    D: Decoder,
    D::Output: Clone + Send + 'static,
{
    let value = MemoryValue::new(Entry::present("k", 7, bytes));
    block_on(value.decode(decoder).get()).err().expect("a value that must not decode")
}

/// What is wrong with a document, through [`Json`] and each adapter over it. All must say the same,
/// say where, and keep the secret.
pub(crate) fn json<T: DeserializeOwned + 'static>(document: &[u8]) -> String {
    let json = Json::<T>::new();
    let errors = [
        refused(json.map(|_| ()), document.to_vec()),
        refused(json.map(|_| ()).optional(), document.to_vec()),
        refused(json.map(|_| ()).or_default(), document.to_vec()),
        refused(json.map(|_| ()).or(()), document.to_vec()),
        refused(json.validate(|_| Ok::<_, Error>(())).map(|_| ()), document.to_vec()),
    ];
    let [text, ..] = errors.each_ref().map(ToString::to_string);
    for error in errors {
        keeps_the_secret(&error);
        assert_eq!(error.to_string(), text);
        assert_eq!(
            (error.kind(), error.key(), error.revision()),
            (ErrorKind::Decode, Some(&b"k"[..]), Some(7))
        );
    }
    text.strip_prefix("key `k` at revision 7: ").expect("where it is").to_owned()
}

/// Looks for the secrets in everything that an error tells. They are `hunter2` and the number 48151623,
/// or a part of one.
pub(crate) fn keeps_the_secret(error: &Error) {
    let mut told = format!("{error:?}\n{error:#?}\n");
    let mut cause: Option<&dyn StdError> = Some(error);
    while let Some(error) = cause {
        write!(told, "{error}\n{error:#}\n{error:?}\n{error:#?}\n").expect("a string takes it");
        cause = error.source();
    }
    assert!(!told.contains("unter"), "{told}");
    assert!(!told.contains("4815162"), "{told}");
    assert!(!told.contains("8151623"), "{told}");
}
