//! The error of a decoder, and the check that it does not print the data.

use std::error::Error as StdError;
use std::fmt::Write;
use std::sync::Arc;

use event_codec::{DecoderExt, Json};
use event_core::{
    Bytes, Decoder, Entry, Error, ErrorKind, MemoryValue, ReaderExt, ValueReader, WatcherExt,
};
use futures_executor::block_on;
use serde::de::DeserializeOwned;

/// The error that `decoder` returns for `bytes`, at key `k` and revision 7.
///
/// It comes through a reader, and must be the same with the version, through `boxed` and through `latest`.
pub(crate) fn error_of<D>(decoder: D, bytes: impl Into<Bytes>) -> Error
where
    D: Decoder + Send + Sync + 'static,
{
    let key = MemoryValue::new(Entry::present("k", 7, bytes));
    let decoder = Erased(Arc::new(move |bytes| decoder.decode(bytes).map(|_| ())));
    let error = block_on(key.reader().decode(decoder.clone()).get()).err();
    let error = error.expect("the bytes do not decode");
    let versioned = block_on(key.reader().decode_versioned(decoder.clone()).get()).err();
    let mut latest = key.reader().decode(decoder).boxed().watch().latest();
    for other in [versioned.as_ref(), latest.get_with_error().1] {
        assert_eq!(all_texts(other.expect("the bytes do not decode")), all_texts(&error));
    }
    error
}

/// Any decoder as one type, so that the compiler makes only one reader.
#[derive(Clone)]
struct Erased(Arc<Decode>);

type Decode = dyn Fn(&Bytes) -> Result<(), Error> + Send + Sync;

impl Decoder for Erased {
    type Output = ();

    fn decode(&self, bytes: &Bytes) -> Result<(), Error> {
        (self.0)(bytes)
    }
}

/// The words of [`Json`]'s error for a document, as [`words_of`].
pub(crate) fn json_error<T: DeserializeOwned + 'static>(document: &[u8]) -> String {
    words_of(Json::<T>::new(), document)
}

/// The words of a decoder's error, after the key and the revision.
///
/// Each combinator must return the same error, and none may print the secret.
pub(crate) fn words_of<D>(decoder: D, bytes: &[u8]) -> String
where
    D: Decoder + Send + Sync + Copy + 'static,
{
    let unit = decoder.map(|_| ());
    let errors = [
        error_of(unit, bytes.to_vec()),
        error_of(unit.optional(), bytes.to_vec()),
        error_of(unit.or_default(), bytes.to_vec()),
        error_of(unit.or(()), bytes.to_vec()),
        error_of(decoder.validate(|_| Ok::<_, Error>(())).map(|_| ()), bytes.to_vec()),
        error_of(decoder.try_map(|_| Ok::<_, Error>(())), bytes.to_vec()),
    ];
    let [text, ..] = errors.each_ref().map(ToString::to_string);
    for error in errors {
        assert_no_secret(&error);
        assert_eq!(error.to_string(), text);
        assert_eq!(
            (error.kind(), error.key(), error.revision()),
            (ErrorKind::Decode, Some(&b"k"[..]), Some(7))
        );
    }
    text.strip_prefix("key `k` at revision 7: ").expect("the error names the key").to_owned()
}

/// Fails if an error, or one of its sources, prints a secret in any of the four ways.
pub(crate) fn assert_no_secret(error: &Error) {
    assert_no_secret_in(&all_texts(error));
}

/// Everything that an error prints, with its sources.
fn all_texts(error: &Error) -> String {
    let mut texts = format!("{error:?}\n{error:#?}\n");
    let mut next: Option<&dyn StdError> = Some(error);
    while let Some(error) = next {
        write!(texts, "{error}\n{error:#}\n{error:?}\n{error:#?}\n").expect("a string takes it");
        next = error.source();
    }
    texts
}

/// Fails if `text` has a part of a secret: of `hunter2` or of the number 48151623, as they are or as
/// bytes.
pub(crate) fn assert_no_secret_in(text: &str) {
    let squeezed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let squeezed = squeezed.to_lowercase();
    let parts = [
        "unter",
        "117,110,116", // b"unt" in decimal
        "75,6e,74",
        "756e74",
        r"\x75\x6e\x74",
        "0x75,0x6e,0x74",
        "4815162",
        "8151623",
        "52,56,49,53", // b"4815" in decimal
        "2debc47",     // 48151623 in hexadecimal
    ];
    for part in parts {
        assert!(!squeezed.contains(part), "{part} is in {text}");
    }
}

#[test]
fn the_check_finds_a_secret_in_each_form() {
    assert_eq!(format!("{:x}", 48_151_623), "2debc47");
    let secret = "hunter2";
    let bytes = secret.as_bytes();
    for text in [
        secret.to_owned(),
        format!("{bytes:?}"),
        format!("{bytes:#?}"),
        format!("{bytes:x?}"),
        format!("{bytes:#x?}"),
        format!("{:?}", Bytes::from(secret)),
        format!("{:x}", Bytes::from(secret)),
        format!("{:?}", b"48151623"),
        format!("{:?}", 48_151_623.25),
    ] {
        let found = std::panic::catch_unwind(|| assert_no_secret_in(&text));
        assert!(found.is_err(), "the check misses {text}");
    }
}
