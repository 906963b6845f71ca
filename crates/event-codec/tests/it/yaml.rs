//! YAML documents, and their errors.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use event_codec::Yaml;
use event_core::{Bytes, Decoder};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::errors::{assert_no_secret, words_of};
use crate::json_types::{Adjacent, Config, Flat, Internal, Small, Transport, Untagged};

#[test]
fn a_good_document_decodes() {
    let document = "
limits: {max_connections: 5}
ports:
  db: [1, 2]
transport:
  Tls:
    cert: c
    port: 3
";
    let config = Yaml::<Config>::new().decode(&Bytes::from(document)).unwrap();
    assert_eq!(config.limits.max_connections, 5);
    assert_eq!(config.ports["db"], [1, 2]);
    assert!(matches!(config.transport, Some(Transport::Tls { port: 3, .. })));
}

#[test]
fn aliases_and_merge_keys_are_expanded() {
    let document = "base: &base {a: 1, b: 2}\nmore: {<<: *base, b: 3}\nsame: *base\n";
    let value = Yaml::<Value>::new().decode(&Bytes::from(document)).unwrap();
    assert_eq!(value["more"], serde_json::json!({"a": 1, "b": 3}));
    assert_eq!(value["same"], value["base"]);
}

/// Compares the error of each document, as a type, with the expected words.
macro_rules! errors {
    ($($type:ty: $document:expr => $words:expr;)*) => {$(
        let words = words_of(Yaml::<$type>::new(), $document.as_bytes());
        assert_eq!(words, $words, "{} as {}", $document, stringify!($type));
    )*};
}

#[test]
fn an_error_says_where_and_what_and_does_not_print_the_data() {
    errors! {
        Config: "\nlimits: {max_connections: hunter2}" =>
            "limits.max_connections: invalid value: scalar, expected u32 at line 2 column 27";
        Config: "limits: []" =>
            "limits: invalid type: another kind of value, expected struct Limits at line 1 column 9";
        Config: "limits: [true]" =>
            "limits: invalid type: another kind of value, expected struct Limits at line 1 column 9";
        Config: "limits: hunter2" =>
            "limits: invalid type: another kind of value, expected struct Limits at line 1 column 9";
        Config: "hunter2: 1" =>
            "*: unknown field, expected one of `limits`, `peer-ports`, `ports`, `transport` at line 1 column 1";
        Config: "limits: {}" =>
            "limits: missing field `max_connections` at line 1 column 9";
        Config: "limits: {max_connections: -48151623}" =>
            "limits.max_connections: number out of range, expected u32 at line 1 column 27";
        Config: "limits: {max_connections: 48151623481516}" =>
            "limits.max_connections: number out of range, expected u32 at line 1 column 27";
        Config: "limits: {max_connections: 481516234815162348151623}" =>
            "limits.max_connections: invalid value: scalar, expected u32 at line 1 column 27";
        HashMap<String, u64>: "hunter2: -48151623" =>
            "*: invalid value: scalar, expected u64 at line 1 column 10";
        HashMap<String, Vec<u16>>: "hunter2: [1, hunter2]" =>
            "*[1]: invalid value: scalar, expected u16 at line 1 column 14";
        HashMap<u8, u8>: "48151623: 1" =>
            "*: number out of range, expected u8 at line 1 column 1";
        HashMap<String, SocketAddr>: "é: '[::1]:80'\nhunter2: hunter2" =>
            "*: `SocketAddr` refused the value at line 2 column 10";
        HashMap<String, Duration>: "hunter2: {secs: 18446744073709551615, nanos: 4815162342}" =>
            "*.nanos: number out of range, expected u32 at line 1 column 46";
        HashMap<String, Small>: "hunter2: 48151623" =>
            "*: `Small` refused the value at line 1 column 10";
        HashMap<String, String>: "hunter2: ~" =>
            "*: invalid type: null, expected a string at line 1 column 10";
        HashMap<String, String>: "hunter2: [48151623]" =>
            "*: invalid type: another kind of value, expected a string at line 1 column 10";
        HashMap<String, bool>: "hunter2: hunter2" =>
            "*: invalid value: scalar, expected a boolean at line 1 column 10";
        HashMap<String, f64>: "hunter2: hunter2" =>
            "*: invalid value: scalar, expected f64 at line 1 column 10";
        HashMap<String, char>: "hunter2: hunter2" =>
            "*: invalid value: scalar, expected a character at line 1 column 10";
        HashMap<String, Transport>: "hunter2: hunter2" =>
            "*: unknown variant, expected one of `Plain`, `Unix`, `Tcp`, `Tls` at line 1 column 10";
        HashMap<String, Transport>: "hunter2: [48151623]" =>
            "*: invalid type: another kind of value, expected enum Transport at line 1 column 10";
        HashMap<String, Transport>: "hunter2: {Tcp: 48151623}" =>
            "*.Tcp: invalid type: another kind of value, expected tuple variant Transport::Tcp at line 1 column 16";
        HashMap<String, Transport>: "hunter2: {Tls: {cert: c, port: hunter2}}" =>
            "*.Tls.port: invalid value: scalar, expected u16 at line 1 column 32";
        Internal: "kind: hunter2" =>
            "*: unknown variant, expected `Tls` at line 1 column 1";
        Adjacent: "kind: Tls\nwith: {port: hunter2}" =>
            "with.*: invalid value: scalar, expected u16 at line 2 column 14";
        Untagged: "port: hunter2" =>
            "`Untagged` refused the value";
        Flat: "max_connections: hunter2" =>
            "invalid type: string, expected u32 at line 1 column 1";
        u8: "hunter2: 1" =>
            "invalid type: another kind of value, expected u8 at line 1 column 1";
        Vec<u8>: "hunter2" =>
            "invalid type: another kind of value, expected a sequence at line 1 column 1";
    }
}

#[test]
fn a_syntax_error_has_a_position_and_does_not_print_the_data() {
    errors! {
        Config: "" =>
            "missing field `limits` at line 1 column 1";
        u8: "" =>
            "invalid value: scalar, expected u8 at line 1 column 1";
        Config: "limits: [48151623" =>
            "limits: invalid type: another kind of value, expected struct Limits at line 1 column 9";
        Config: "limits: {hunter2: 1" =>
            "limits: unclosed bracket at line 1 column 9";
        Config: "limits: 'hunter2" =>
            "limits: unclosed quote at line 1 column 9";
        Config: "limits: \"\\hunter2\"" =>
            "limits: invalid escape at line 1 column 9";
        Config: "hunter2: hunter2: 1" =>
            "*: unknown field, expected one of `limits`, `peer-ports`, `ports`, `transport` at line 1 column 1";
        Config: "\thunter2: 1" =>
            "*: unknown field, expected one of `limits`, `peer-ports`, `ports`, `transport` at line 1 column 2";
        Config: "limits:\n  a: 1\n b: 2" =>
            "limits: missing field `max_connections` at line 2 column 3";
        Config: "ports: {a: [1], a: [2]}" =>
            "ports: duplicate key at line 1 column 17";
        Config: "limits: *hunter2" =>
            "limits: unknown anchor at line 1 column 9";
        Config: "limits: {max_connections: 1}\n---\nhunter2: 1" =>
            "more than one document at line 3 column 1";
        Config: "limits: ]" =>
            "limits: misplaced bracket at line 1 column 9";
        Value: "a: &a [*a]" =>
            "*[0]: recursive alias at line 1 column 8";
    }
    assert_eq!(words_of(Yaml::<Config>::new(), b"hunter2: '\xff'"), "invalid UTF-8 at byte 10");
}

static NODES: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// Counts the nodes and the text that a document gives to a type.
struct Count;

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        NODES.fetch_add(1, Ordering::Relaxed);
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Count {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self, E> {
        BYTES.fetch_add(text.len(), Ordering::Relaxed);
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

#[test]
fn a_document_can_not_expand_without_a_bound() {
    let mut laughs = "a0: &a0 hunter2\n".to_owned();
    for level in 1..30 {
        let alias = format!("*a{}, ", level - 1).repeat(10);
        writeln!(laughs, "a{level}: &a{level} [{alias}]").unwrap();
    }
    let long = format!("a: &a {}\nb: [{}]\n", "hunter2".repeat(100_000), "*a, ".repeat(900));
    let deep = "[".repeat(100_000);
    for (document, words) in [
        (laughs, "too large, aliases included"),
        (long, "too large, aliases included"),
        (deep, "nested too deeply"),
    ] {
        NODES.store(0, Ordering::Relaxed);
        BYTES.store(0, Ordering::Relaxed);
        let decoder = Yaml::<Count>::new();
        let error = decoder.decode(&Bytes::from(document.clone())).err().unwrap();
        assert_no_secret(&error);
        assert!(error.to_string().contains(words), "{error}");
        // A document that does not decode is decoded twice.
        assert!(NODES.load(Ordering::Relaxed) <= 2 * 250_000);
        assert!(BYTES.load(Ordering::Relaxed) <= 2 * (64 << 20));
    }
}
