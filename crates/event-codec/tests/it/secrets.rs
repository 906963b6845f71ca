//! An error never prints the value, whichever way it is decoded and printed. Neither does the `Debug` of
//! a decoder, a reader, a watcher or an entry.

use std::collections::{BTreeMap, HashMap};
use std::error::Error as StdError;
use std::fmt::Debug;
use std::net::IpAddr;
use std::str::FromStr;

use event_codec::{DecoderExt, Json, Parse, Protobuf, Raw, Toml, Utf8, Yaml};
use event_core::{
    Bytes, Decoder, Entry, Error, ErrorKind, MemoryValue, ReaderExt, ValueReader, ValueWriter,
    WatcherExt,
};
use serde::Deserialize;

use crate::errors::{assert_no_secret, assert_no_secret_in, error_of};
use crate::json_types::{Adjacent, Config, Flat, Internal, Small, Transport, Untagged};

/// Checks the errors of a decoder alone and under each combinator.
fn check<D>(decoder: D, bytes: &'static [u8])
where
    D: Decoder + Send + Sync + Copy + 'static,
{
    let unit = decoder.map(|_| ());
    let errors = [
        error_of(unit, bytes),
        error_of(unit.optional(), bytes),
        error_of(unit.or_default(), bytes),
        error_of(unit.or(()), bytes),
        error_of(decoder.validate(|_| Ok::<_, Error>(())).map(|_| ()), bytes),
        error_of(unit.map(Some), bytes),
        error_of(unit.try_map(Ok::<_, Error>), bytes),
        error_of(unit.validate(|()| Ok::<_, Error>(())).or(()).map(Some).optional(), bytes),
    ];
    errors.iter().for_each(assert_no_secret);
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::Decode));
}

#[test]
fn an_error_of_json_does_not_print_the_value() {
    let secrets: [&[u8]; 10] = [
        b"\"hunter2\"",
        b"48151623",
        b"-48151623.25",
        b"[\"hunter2\"]",
        b"{\"hunter2\": 48151623}",
        b"{\"hunter2\": {\"hunter2\": [\"hunter2\"]}}",
        b"{\"kind\": \"hunter2\", \"with\": 48151623}",
        b"hunter2",
        b"\"hunter2\xff\"",
        b"{\"a\": \"hunter2",
    ];
    for bytes in secrets {
        check(Json::<Config>::new(), bytes);
        check(Json::<bool>::new(), bytes);
        check(Json::<Vec<bool>>::new(), bytes);
        check(Json::<Option<IpAddr>>::new(), bytes);
        check(Json::<Transport>::new(), bytes);
        check(Json::<Internal>::new(), bytes);
        check(Json::<Adjacent>::new(), bytes);
        check(Json::<Untagged>::new(), bytes);
        check(Json::<Flat>::new(), bytes);
        check(Json::<Small>::new(), bytes);
        check(Json::<HashMap<String, bool>>::new(), bytes);
        check(Json::<HashMap<u8, serde_json::Value>>::new(), bytes);
        check(Json::<BTreeMap<IpAddr, Flat>>::new(), bytes);
    }
    for bytes in &secrets[7..] {
        check(Json::<serde_json::Value>::new(), bytes);
    }
}

#[test]
fn an_error_of_toml_does_not_print_the_value() {
    for bytes in [
        &b"hunter2"[..],
        b"48151623",
        b"hunter2 = 48151623",
        b"hunter2 = -48151623.25",
        b"hunter2 = hunter2",
        b"hunter2 = \"hunter2\"\nhunter2 = 1",
        b"[hunter2]\nhunter2 = [\"hunter2\"]",
        b"limits = \"hunter2\"",
        b"limits.max_connections = 48151623000",
        b"kind = \"hunter2\"\nwith = 48151623",
        b"hunter2 = 4815-16-23",
        b"hunter2 = \"\\hunter2\"",
        b"hunter2 = \"hunter2\xff\"",
        b"hunter2 = 48151623481516234815162348151623",
    ] {
        check(Toml::<Config>::new(), bytes);
        check(Toml::<HashMap<String, bool>>::new(), bytes);
        check(Toml::<HashMap<u8, Transport>>::new(), bytes);
        check(Toml::<Internal>::new(), bytes);
        check(Toml::<Adjacent>::new(), bytes);
        check(Toml::<Untagged>::new(), bytes);
        check(Toml::<HashMap<String, Small>>::new(), bytes);
        check(Toml::<BTreeMap<IpAddr, Flat>>::new(), bytes);
    }
}

#[test]
fn an_error_of_yaml_does_not_print_the_value() {
    for bytes in [
        &b"hunter2"[..],
        b"48151623",
        b"-48151623.25",
        b"\"hunter2\"",
        b"[hunter2]",
        b"hunter2: 48151623",
        b"hunter2: {hunter2: [hunter2]}",
        b"hunter2: 1\nhunter2: 2",
        b"kind: hunter2\nwith: 48151623",
        b"limits: {max_connections: 48151623000}",
        b"transport: !hunter2 48151623",
        b"hunter2: *hunter2",
        b"a: &hunter2 hunter2\nb: *hunter2",
        b"!!binary hunter2",
        b"!!int hunter2",
        b"<<: hunter2",
        b"\"hunter2\xff\"",
        b"%hunter2 48151623\n---\nhunter2",
    ] {
        check(Yaml::<Config>::new(), bytes);
        check(Yaml::<bool>::new(), bytes);
        check(Yaml::<Vec<bool>>::new(), bytes);
        check(Yaml::<Vec<u8>>::new(), bytes);
        check(Yaml::<Transport>::new(), bytes);
        check(Yaml::<Internal>::new(), bytes);
        check(Yaml::<Adjacent>::new(), bytes);
        check(Yaml::<Untagged>::new(), bytes);
        check(Yaml::<Flat>::new(), bytes);
        check(Yaml::<Small>::new(), bytes);
        check(Yaml::<HashMap<String, bool>>::new(), bytes);
        check(Yaml::<HashMap<u8, serde_json::Value>>::new(), bytes);
        check(Yaml::<BTreeMap<IpAddr, Flat>>::new(), bytes);
    }
}

#[test]
fn an_error_of_parse_does_not_print_the_value() {
    for bytes in [&b"hunter2\n"[..], b" -48151623.x", b"hunter2\xff", b"48151623 hunter2"] {
        check(Parse::<u8>::new(), bytes);
        check(Parse::<f64>::new(), bytes);
        check(Parse::<bool>::new(), bytes);
        check(Parse::<char>::new(), bytes);
        check(Parse::<IpAddr>::new(), bytes);
        check(Parse::<std::num::NonZeroU8>::new(), bytes);
        check(Parse::<Talkative>::new(), bytes);
    }
    check(Parse::<u8>::new(), b"48151623");
}

/// A type whose error has the text.
struct Talkative;

impl FromStr for Talkative {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Err(format!("{text} is not good"))
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct User {
    #[prost(string, tag = "1")]
    password: String,
    #[prost(map = "string, string", tag = "2")]
    passwords: HashMap<String, String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Users {
    #[prost(map = "uint32, message", tag = "1")]
    users: HashMap<u32, User>,
}

#[test]
fn an_error_of_protobuf_does_not_print_the_value() {
    for bytes in [
        &b"hunter2"[..],
        b"48151623",
        b"\x0a\x08hunter2\xff",
        b"\x0a\x07hunter2\x0a\x7fhunter2",
        b"\x12\x12\x0a\x07hunter2\x12\x08hunter2\xff",
        b"\x12\x0a\x0a\x08hunter2\xff",
    ] {
        check(Protobuf::<User>::new(), bytes);
    }
    check(Protobuf::<Users>::new(), b"\x0a\x0e\x08\x07\x12\x0a\x0a\x08hunter2\xff");
}

#[test]
fn an_error_of_utf8_does_not_print_the_value() {
    check(Utf8, b"hunter2\xff");
    check(Utf8, b"\xffhunter2");
}

#[test]
fn an_error_over_raw_bytes_does_not_print_the_value() {
    let error = error_of(Raw.validate(|_| Err::<(), _>("too long")), "hunter2");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_no_secret(&error);
}

/// `str::from_utf8`, then `parse`.
fn parse<T>(bytes: &[u8]) -> Result<T, Box<dyn StdError + Send + Sync>>
where
    T: FromStr<Err: StdError + Send + Sync + 'static>,
{
    Ok(std::str::from_utf8(bytes)?.parse()?)
}

#[test]
fn an_error_of_a_closure_over_the_standard_library_does_not_print_the_value() {
    for bytes in [&b"hunter2\xff"[..], b"\xffhunter2 48151623", b"48151623\xe2\x82"] {
        check(|bytes: &[u8]| String::from_utf8(bytes.to_vec()), bytes);
        check(|bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned), bytes);
        check(|bytes: &[u8]| std::ffi::CString::new([bytes, b"\0"].concat()), bytes);
    }
    for bytes in [&b"hunter2"[..], b"hunter2 48151623", b"hunter2\xff"] {
        check(parse::<u8>, bytes);
        check(parse::<i64>, bytes);
        check(parse::<f64>, bytes);
        check(parse::<bool>, bytes);
        check(parse::<char>, bytes);
        check(parse::<IpAddr>, bytes);
        check(parse::<std::net::SocketAddr>, bytes);
        check(parse::<std::num::NonZeroU8>, bytes);
    }
    check(parse::<u8>, b"48151623");
}

#[test]
fn a_type_that_panics_with_the_value_does_not_put_it_into_the_error() {
    #[derive(Debug, Clone)]
    struct Panicking;

    impl<'de> Deserialize<'de> for Panicking {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            panic!("the password is {}", String::deserialize(deserializer)?);
        }
    }

    let key = MemoryValue::new(Entry::present("k", 7, "\"hunter2\""));
    let mut watcher = key.decode(Json::<Panicking>::new()).watch();
    let poll = std::panic::AssertUnwindSafe(|| watcher.try_get());
    std::panic::catch_unwind(poll).expect_err("the panic unwinds the task that polls");
    let error = watcher.try_get().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert_no_secret(&error);
}

fn assert_no_secret_in_debug(value: &impl Debug) {
    assert_no_secret_in(&format!("{value:?} {value:#?}"));
}

#[test]
fn debug_of_a_decoder_does_not_print_the_value_for_a_missing_key() {
    let secret = || "hunter2".to_owned();
    assert_no_secret_in_debug(&Utf8.or(secret()));
    assert_no_secret_in_debug(&Utf8.or(secret()).optional());
    assert_no_secret_in_debug(&Utf8.or(secret()).or_default());
    assert_no_secret_in_debug(&Utf8.or(secret()).validate(|_| Ok::<_, Error>(())));
    assert_no_secret_in_debug(&Utf8.or(secret()).map(|text| text.len()).or(48_151_623));
    assert_no_secret_in_debug(&Json::<String>::new().or(secret()));
    assert_no_secret_in_debug(&Raw.or(Bytes::from("hunter2")));
    let password = secret();
    assert_no_secret_in_debug(&Raw.map(move |bytes| bytes == password));
}

#[test]
fn debug_of_a_reader_a_watcher_and_an_entry_does_not_print_the_value() {
    let entry = Entry::present("k", 7, "hunter2");
    assert_no_secret_in_debug(&entry);
    assert_no_secret_in_debug(&entry.state);

    let key = MemoryValue::new(entry);
    assert_no_secret_in_debug(&key);
    assert_no_secret_in_debug(&key.reader());
    let decoder = || Utf8.or("hunter2".to_owned());

    let reader = key.reader().decode(decoder());
    let mut watcher = reader.watch();
    assert_no_secret_in_debug(&watcher.get());
    watcher.try_get().unwrap().unwrap();
    assert_no_secret_in_debug(&reader);
    assert_no_secret_in_debug(&watcher);
    assert_no_secret_in_debug(&reader.get());

    let reader = key.reader().decode_versioned(decoder());
    let mut watcher = reader.watch();
    watcher.try_get().unwrap().unwrap();
    assert_no_secret_in_debug(&reader);
    assert_no_secret_in_debug(&watcher);

    let mut watcher = key.watch().decode(decoder());
    watcher.try_get().unwrap().unwrap();
    assert_no_secret_in_debug(&watcher);
    let mut watcher = watcher.dedup();
    key.set(Entry::present("k", 8, "hunter2, again"));
    watcher.try_get().unwrap().unwrap();
    assert_no_secret_in_debug(&watcher);
    let mut latest = watcher.latest();
    key.set(Entry::present("k", 9, "hunter2"));
    assert_eq!(latest.get().unwrap(), "hunter2");
    assert_no_secret_in_debug(&latest);

    let mut watcher = key.reader().decode(decoder()).zip(key.reader().decode(Raw)).watch();
    watcher.try_get().unwrap().unwrap();
    assert_no_secret_in_debug(&watcher);
}
