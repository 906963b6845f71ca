//! A decoder can't announce the end of a value.

use std::fmt;

use event_codec::{DecoderExt, Utf8};
use event_core::{
    Bytes, Decoder, Entry, Error, ErrorKind, MemoryReader, MemoryValue, ReaderExt, ValueReader,
    ValueWriter, Watcher, WatcherExt,
};

/// Decodes text, but returns the end of the value for the text `end`.
#[derive(Clone, Copy)]
struct Ending;

impl Decoder for Ending {
    type Output = String;

    fn decode(&self, bytes: &Bytes) -> Result<String, Error> {
        match bytes.as_ref() {
            b"end" => Err(Error::closed()),
            _ => Utf8.decode(bytes),
        }
    }
}

/// The same as a closure, with an error that has words.
fn ending(bytes: &[u8]) -> Result<String, Error> {
    match bytes {
        b"end" => Err(Error::new(ErrorKind::Closed, "it is over")),
        _ => Utf8.decode(&Bytes::copy_from_slice(bytes)),
    }
}

/// Takes an error of `kind` for the text `end`, then the next version, then the true end.
fn check<D>(decoder: D, kind: ErrorKind)
where
    D: Decoder + Clone,
    D::Output: Clone + fmt::Debug + Send + 'static,
{
    check_watcher(|key| key.decode(decoder.clone()).watch(), kind);
    check_watcher(|key| key.decode_versioned(decoder.clone()).watch(), kind);
    check_watcher(|key| key.watch().decode(decoder), kind);
}

fn check_watcher<T: fmt::Debug, W: Watcher<T>>(
    watch: impl FnOnce(MemoryReader<Entry>) -> W,
    kind: ErrorKind,
) {
    let key = MemoryValue::new(Entry::present("k", 1, "end"));
    let mut watcher = watch(key.reader());
    let error = watcher.try_get().unwrap().unwrap_err();
    assert!(!error.is_closed(), "{error}");
    assert_eq!(
        (error.kind(), error.key(), error.revision()),
        (kind, Some(&b"k"[..]), Some(1)),
        "{error}"
    );
    assert!(watcher.try_get().is_none(), "the watcher yields the error once");
    key.set(Entry::present("k", 2, "more"));
    watcher.try_get().unwrap().unwrap();
    drop(key);
    assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
}

#[test]
fn a_closed_error_of_a_decoder_is_an_error_of_one_version() {
    check(Ending, ErrorKind::Decode);
    check(ending, ErrorKind::Decode);
    check(Ending.optional(), ErrorKind::Decode);
    check(Ending.or_default(), ErrorKind::Decode);
    check(ending.or("a".to_owned()), ErrorKind::Decode);
    check(Ending.validate(|_| Ok::<_, Error>(())), ErrorKind::Decode);
    check(ending.map(|text| text.len()), ErrorKind::Decode);
    check(Ending.try_map(|text| text.parse::<String>()), ErrorKind::Decode);
}

#[test]
fn a_closed_error_of_a_validation_is_an_error_of_one_version() {
    let refuse_end = |text: &String| match text.as_str() {
        "end" => Err(Error::closed()),
        _ => Ok(()),
    };
    check(Utf8.validate(refuse_end), ErrorKind::Invalid);
    check(Utf8.validate(refuse_end).optional(), ErrorKind::Invalid);
    check(Utf8.or_default().validate(refuse_end).map(|text| text.len()), ErrorKind::Invalid);
}
