//! What each decoder says of a key that is not there.

use std::fmt;

use event_codec::{DecoderExt, Json, Protobuf, Raw, Utf8};
use event_core::{
    Bytes, Decoder, Entry, Error, ErrorKind, MemoryValue, ReaderExt, ValueReader, ValueWriter,
    WatcherExt,
};

/// A key that never was, is written, and is deleted.
fn waits_and_then_tells_the_deletion<D>(decoder: D, bytes: &'static [u8], value: &D::Output)
where
    D: Decoder,
    D::Output: Clone + fmt::Debug + PartialEq + Send + 'static,
{
    let key = MemoryValue::new(Entry::never_seen("k"));
    let mut watcher = key.reader().decode(decoder).watch();
    assert!(watcher.try_get().is_none(), "never there: waits");
    key.set(Entry::present("k", 1, bytes));
    assert_eq!(watcher.try_get().unwrap().unwrap(), *value);
    key.set(Entry::deleted("k", 2));
    let error = watcher.try_get().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.revision()), (ErrorKind::Deleted, Some(2)));
    assert!(watcher.try_get().is_none(), "told once");
    key.set(Entry::present("k", 3, bytes));
    assert_eq!(watcher.try_get().unwrap().unwrap(), *value);
}

fn stands_in<D>(decoder: D, bytes: &'static [u8], value: &D::Output, stand_in: &D::Output)
where
    D: Decoder,
    D::Output: Clone + fmt::Debug + PartialEq + Send + 'static,
{
    let key = MemoryValue::new(Entry::never_seen("k"));
    let mut watcher = key.reader().decode(decoder).watch();
    assert_eq!(watcher.try_get().unwrap().unwrap(), *stand_in, "never there: at once");
    key.set(Entry::present("k", 1, bytes));
    assert_eq!(watcher.try_get().unwrap().unwrap(), *value);
    key.set(Entry::deleted("k", 2));
    assert_eq!(watcher.try_get().unwrap().unwrap(), *stand_in, "deleted");
    assert!(watcher.try_get().is_none(), "told once");
}

/// The whole table for one decoder.
fn table<D>(decoder: D, bytes: &'static [u8], value: &D::Output, other: D::Output)
where
    D: Decoder + Copy,
    D::Output: Clone + Default + fmt::Debug + PartialEq + Send + 'static,
{
    let ok = |_: &D::Output| Ok::<_, Error>(());
    let never = |_: &D::Output| Err::<(), _>("never used");
    let default = D::Output::default();
    waits_and_then_tells_the_deletion(decoder, bytes, value);
    waits_and_then_tells_the_deletion(decoder.validate(ok), bytes, value);
    waits_and_then_tells_the_deletion(decoder.map(Some), bytes, &Some(value.clone()));
    stands_in(decoder.optional(), bytes, &Some(value.clone()), &None);
    stands_in(decoder.or_default(), bytes, value, &default);
    stands_in(decoder.or(other.clone()), bytes, value, &other);
    stands_in(decoder.or(other.clone()).validate(ok), bytes, value, &other);
    stands_in(decoder.or_default().map(Some), bytes, &Some(value.clone()), &Some(default.clone()));
    stands_in(decoder.or(other.clone()).or_default(), bytes, value, &default);
    stands_in(decoder.or_default().optional(), bytes, &Some(value.clone()), &None);
    assert_eq!(decoder.or(other.clone()).validate(never).absent(), Some(other));
}

#[test]
fn of_raw() {
    table(Raw, b"a", &Bytes::from("a"), Bytes::from("b"));
}

#[test]
fn of_utf8() {
    table(Utf8, b"a", &"a".to_owned(), "b".to_owned());
}

#[test]
fn of_json() {
    table(Json::<Vec<u8>>::new(), b"[1]", &vec![1], vec![2]);
}

#[test]
fn of_protobuf() {
    table(Protobuf::<u32>::new(), b"\x08\x01", &1, 2);
}

#[test]
fn of_a_closure() {
    table(|bytes: &[u8]| Ok::<_, Error>(bytes.len()), b"abc", &3, 4);
}

#[test]
fn a_null_that_is_there_is_not_an_absent_key() {
    let maybe = Json::<Option<u8>>::new().optional();
    assert_eq!(maybe.decode(&Bytes::from("null")).unwrap(), Some(None));
    assert_eq!(maybe.absent(), Some(None));
}

#[test]
fn a_bad_value_is_never_replaced_by_the_stand_in() {
    let key = MemoryValue::new(Entry::present("k", 1, "x"));
    let mut optional = key.reader().decode(Json::<u8>::new().optional()).watch();
    let mut default = key.reader().decode(Json::<u8>::new().or_default()).watch();
    let mut seven = key.reader().decode(Json::<u8>::new().or(7)).watch();
    assert_eq!(optional.try_get().unwrap().unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(default.try_get().unwrap().unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(seven.try_get().unwrap().unwrap_err().kind(), ErrorKind::Decode);
}
