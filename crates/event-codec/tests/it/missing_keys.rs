//! What each decoder yields for a key that was never seen, that was deleted, or whose value is empty.

use std::collections::HashMap;
use std::fmt;

use event_codec::{DecoderExt, Json, Parse, Protobuf, Raw, Toml, Utf8, Yaml};
use event_core::{
    Bytes, Decoder, Entry, Error, ErrorKind, MemoryValue, ReaderExt, ValueReader, ValueWriter,
    WatcherExt,
};

/// A watcher waits for the key, and yields an error when the key is deleted.
fn has_no_value_for_a_missing_key<D>(decoder: D, bytes: &'static [u8], value: &D::Output)
where
    D: Decoder,
    D::Output: Clone + fmt::Debug + PartialEq + Send + 'static,
{
    let key = MemoryValue::new(Entry::never_seen("k"));
    let mut watcher = key.reader().decode(decoder).watch();
    assert!(watcher.try_get().is_none(), "the key was never seen: the watcher waits");
    key.set(Entry::present("k", 1, bytes));
    assert_eq!(watcher.try_get().unwrap().unwrap(), *value);
    key.set(Entry::deleted("k", 2));
    let error = watcher.try_get().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.revision()), (ErrorKind::Deleted, Some(2)));
    assert!(watcher.try_get().is_none(), "the watcher yields the deletion once");
    key.set(Entry::present("k", 3, bytes));
    assert_eq!(watcher.try_get().unwrap().unwrap(), *value);
}

/// A watcher yields `missing` at once, and again when the key is deleted.
fn has_a_value_for_a_missing_key<D>(
    decoder: D,
    bytes: &'static [u8],
    value: &D::Output,
    missing: &D::Output,
) where
    D: Decoder,
    D::Output: Clone + fmt::Debug + PartialEq + Send + 'static,
{
    let key = MemoryValue::new(Entry::never_seen("k"));
    let mut watcher = key.reader().decode(decoder).watch();
    assert_eq!(watcher.try_get().unwrap().unwrap(), *missing, "the key was never seen");
    key.set(Entry::present("k", 1, bytes));
    assert_eq!(watcher.try_get().unwrap().unwrap(), *value);
    key.set(Entry::deleted("k", 2));
    assert_eq!(watcher.try_get().unwrap().unwrap(), *missing, "the key was deleted");
    assert!(watcher.try_get().is_none(), "the watcher yields the deletion once");
}

/// One decoder alone and under each combinator. `bytes` decode to `value`.
fn check<D>(decoder: D, bytes: &'static [u8], value: &D::Output, other: &D::Output)
where
    D: Decoder + Copy,
    D::Output: Clone + Default + fmt::Debug + PartialEq + Send + 'static,
{
    let accept = |_: &D::Output| Ok::<_, Error>(());
    let refuse = |_: &D::Output| Err::<(), _>("a missing key is not validated");
    let default = D::Output::default();
    let some = Some(value.clone());
    let or = || decoder.or(other.clone());

    has_no_value_for_a_missing_key(decoder, bytes, value);
    has_no_value_for_a_missing_key(decoder.validate(accept), bytes, value);
    has_no_value_for_a_missing_key(decoder.map(Some), bytes, &some);
    has_no_value_for_a_missing_key(decoder.try_map(|v| Ok::<_, Error>(Some(v))), bytes, &some);

    has_a_value_for_a_missing_key(decoder.optional(), bytes, &some, &None);
    has_a_value_for_a_missing_key(decoder.or_default(), bytes, value, &default);
    has_a_value_for_a_missing_key(or(), bytes, value, other);
    has_a_value_for_a_missing_key(or().validate(accept), bytes, value, other);
    has_a_value_for_a_missing_key(decoder.validate(accept).or(other.clone()), bytes, value, other);
    has_a_value_for_a_missing_key(or().map(Some), bytes, &some, &Some(other.clone()));
    has_a_value_for_a_missing_key(or().or_default(), bytes, value, &default);
    has_a_value_for_a_missing_key(decoder.or_default().optional(), bytes, &some, &None);
    assert_eq!(or().validate(refuse).absent().as_ref(), Some(other));
}

#[test]
fn raw_waits_for_the_key() {
    check(Raw, b"a", &Bytes::from("a"), &Bytes::from("b"));
}

#[test]
fn utf8_waits_for_the_key() {
    check(Utf8, b"a", &"a".to_owned(), &"b".to_owned());
}

#[test]
fn json_waits_for_the_key() {
    check(Json::<Vec<u8>>::new(), b"[1]", &vec![1], &vec![2]);
}

#[test]
fn parse_waits_for_the_key() {
    check(Parse::<u16>::new(), b"8080\n", &8080, &80);
}

#[test]
fn toml_and_yaml_wait_for_the_key() {
    let ports = |port| HashMap::from([("db".to_owned(), port)]);
    check(Toml::<HashMap<String, u16>>::new(), b"db = 1", &ports(1), &ports(2));
    check(Yaml::<HashMap<String, u16>>::new(), b"db: 1", &ports(1), &ports(2));
}

#[test]
fn protobuf_waits_for_the_key() {
    check(Protobuf::<u32>::new(), b"\x08\x01", &1, &2);
}

#[test]
fn a_closure_waits_for_the_key() {
    check(|bytes: &[u8]| Ok::<_, Error>(bytes.len()), b"abc", &3, &4);
}

#[test]
fn a_value_without_bytes_is_decoded_and_is_not_a_missing_key() {
    check(Raw, b"", &Bytes::new(), &Bytes::from("b"));
    check(Utf8, b"", &String::new(), &"b".to_owned());
    check(Parse::<String>::new(), b"", &String::new(), &"b".to_owned());
    check(Protobuf::<u32>::new(), b"", &0, &2);
    check(Toml::<HashMap<String, u16>>::new(), b"", &HashMap::new(), &HashMap::new());
    check(Yaml::<Option<u8>>::new(), b"", &None, &Some(2));
    check(|bytes: &[u8]| Ok::<_, Error>(bytes.len()), b"", &0, &4);
}

#[test]
fn a_null_document_is_not_a_missing_key() {
    let decoder = Json::<Option<u8>>::new().optional();
    assert_eq!(decoder.decode(&Bytes::from("null")).unwrap(), Some(None));
    assert_eq!(decoder.absent(), Some(None));
}

/// A watcher yields one error for the bad bytes, and then the next good version.
fn yields_an_error_in_its_place<D>(decoder: D, bad: &'static [u8], good: &'static [u8])
where
    D: Decoder,
    D::Output: Clone + fmt::Debug + Send + 'static,
{
    let key = MemoryValue::new(Entry::present("k", 1, bad));
    let mut watcher = key.reader().decode(decoder).watch();
    let error = watcher.try_get().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.revision()), (ErrorKind::Decode, Some(1)));
    assert!(watcher.try_get().is_none(), "the watcher yields the error once");
    key.set(Entry::present("k", 2, good));
    watcher.try_get().unwrap().unwrap();
}

#[test]
fn no_combinator_replaces_a_bad_value() {
    for bad in [&b"x"[..], b"", b"null", b"{}"] {
        let json = Json::<u8>::new();
        yields_an_error_in_its_place(json, bad, b"1");
        yields_an_error_in_its_place(json.optional(), bad, b"1");
        yields_an_error_in_its_place(json.or_default(), bad, b"1");
        yields_an_error_in_its_place(json.or(7), bad, b"1");
        yields_an_error_in_its_place(json.or(7).validate(|_| Ok::<_, Error>(())), bad, b"1");
        yields_an_error_in_its_place(json.or(7).map(Some), bad, b"1");
    }
    yields_an_error_in_its_place(Utf8.or_default(), b"\xff", b"a");
    yields_an_error_in_its_place(Parse::<u8>::new().or_default(), b"x", b"1");
    yields_an_error_in_its_place(Toml::<HashMap<u8, u8>>::new().or_default(), b"x", b"");
    yields_an_error_in_its_place(Yaml::<u8>::new().or_default(), b"x", b"1");
    yields_an_error_in_its_place(Protobuf::<u32>::new().or_default(), b"\xff", b"\x08\x01");
}
