//! TOML documents, and their errors.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use event_codec::Toml;
use event_core::{Bytes, Decoder};

use crate::errors::words_of;
use crate::json_types::{Adjacent, Config, Flat, Internal, Small, Transport, Untagged};

#[test]
fn a_good_document_decodes() {
    let document = "
        limits.max_connections = 5
        ports.db = [1, 2]
        [transport.Tls]
        cert = 'c'
        port = 3
    ";
    let config = Toml::<Config>::new().decode(&Bytes::from(document)).unwrap();
    assert_eq!(config.limits.max_connections, 5);
    assert_eq!(config.ports["db"], [1, 2]);
    assert!(matches!(config.transport, Some(Transport::Tls { port: 3, .. })));
}

/// Compares the error of each document, as a type, with the expected words.
macro_rules! errors {
    ($($type:ty: $document:expr => $words:expr;)*) => {$(
        let words = words_of(Toml::<$type>::new(), $document.as_bytes());
        assert_eq!(words, $words, "{} as {}", $document, stringify!($type));
    )*};
}

#[test]
fn an_error_says_where_and_what_and_does_not_print_the_data() {
    errors! {
        Config: "\nlimits.max_connections = \"hunter2\"" =>
            "limits.max_connections: invalid type: string, expected u32 at line 2 column 26";
        Config: "limits = []" =>
            "limits: invalid type: sequence, expected struct Limits at line 1 column 10";
        Config: "limits = [true]" =>
            "limits[0]: invalid type: boolean, expected u32 at line 1 column 11";
        Config: "limits = 'hunter2'" =>
            "limits: invalid type: string, expected struct Limits at line 1 column 10";
        Config: "hunter2 = 1" =>
            "*: unknown field, expected one of `limits`, `peer-ports`, `ports`, `transport` at line 1 column 1";
        Config: "limits = {}" =>
            "limits: missing field `max_connections` at line 1 column 10";
        Config: "limits.max_connections = -48151623" =>
            "limits.max_connections: number out of range, expected u32 at line 1 column 26";
        Config: "limits.max_connections = 4815162348151623" =>
            "limits.max_connections: number out of range, expected u32 at line 1 column 26";
        Config: "limits.max_connections = 4815162348151623481516234815162348151623481516234815162348151623" =>
            "limits.max_connections: number out of range at line 1 column 26";
        HashMap<String, Vec<u16>>: "hunter2 = [1, 'hunter2']" =>
            "*[1]: invalid type: string, expected u16 at line 1 column 15";
        HashMap<u8, u8>: "48151623 = 1" =>
            "*: number out of range, expected u8 at line 1 column 1";
        HashMap<String, SocketAddr>: "'é' = '[::1]:80'\nhunter2 = 'hunter2'" =>
            "*: `SocketAddr` refused the value at line 2 column 11";
        HashMap<String, Duration>: "hunter2 = {secs = 18446744073709551615, nanos = 4815162342}" =>
            "*.nanos: number out of range, expected u32 at line 1 column 49";
        HashMap<String, Small>: "hunter2 = 48151623" =>
            "*: `Small` refused the value at line 1 column 11";
        HashMap<String, String>: "hunter2 = 4815-01-02" =>
            "*: invalid type: map, expected a string at line 1 column 11";
        HashMap<String, Transport>: "hunter2 = 'hunter2'" =>
            "*: unknown variant, expected one of `Plain`, `Unix`, `Tcp`, `Tls` at line 1 column 11";
        HashMap<String, Transport>: "hunter2 = 48151623" =>
            "*: invalid type: another kind of value, expected enum Transport at line 1 column 11";
        HashMap<String, Transport>: "hunter2.Tcp = 48151623" =>
            "*.Tcp: invalid value: the content of a variant, expected tuple variant Transport::Tcp at line 1 column 15";
        HashMap<String, Transport>: "hunter2.Tls = {cert = 'c', port = 'hunter2'}" =>
            "*.Tls.port: invalid type: string, expected u16 at line 1 column 35";
        Internal: "kind = 'hunter2'" =>
            "*: unknown variant, expected `Tls` at line 1 column 8";
        Adjacent: "kind = 'Tls'\nwith = {port = 'hunter2'}" =>
            "with.*: invalid type: string, expected u16 at line 2 column 16";
        Untagged: "port = 'hunter2'" =>
            "`Untagged` refused the value";
        Flat: "max_connections = 'hunter2'" =>
            "invalid type: string, expected u32 at line 1 column 1";
        u8: "hunter2 = 1" =>
            "invalid type: map, expected u8 at line 1 column 1";
    }
}

#[test]
fn a_syntax_error_has_a_position_and_does_not_print_the_data() {
    errors! {
        Config: "hunter2" =>
            "key with no value at line 1 column 8";
        Config: "\nhunter2 = " =>
            "string values must be quoted at line 2 column 11";
        Config: "hunter2 = hunter2" =>
            "string values must be quoted at line 1 column 11";
        Config: "hunter2 = 'hunter2" =>
            "invalid literal string at line 1 column 19";
        Config: "hunter2 = \"\\hunter2\"" =>
            "missing escaped value at line 1 column 13";
        Config: "hunter2 = [1" =>
            "unclosed array at line 1 column 13";
        Config: "hunter2 = [1 2]" =>
            "string values must be quoted at line 1 column 12";
        Config: "hunter2 = {a = 1" =>
            "unclosed inline table at line 1 column 17";
        Config: "[hunter2" =>
            "unclosed table at line 1 column 9";
        Config: "hunter2 = 1\nhunter2 = 2" =>
            "duplicate key at line 2 column 1";
        Config: "hunter2 = 1\nhunter2.a = 2" =>
            "cannot extend value at line 2 column 1";
        Config: "hunter2 = 048151623" =>
            "unexpected leading zero at line 1 column 11";
        Config: "hunter2 = 4815-16-23" =>
            "invalid TOML at line 1 column 11";
        Config: "= 48151623" =>
            "unquoted keys cannot be empty at line 1 column 1";
        Config: "hunter2 = 1 hunter2 = 2" =>
            "unexpected key or value at line 1 column 21";
    }
    assert_eq!(words_of(Toml::<Config>::new(), b"hunter2 = '\xff'"), "invalid UTF-8 at byte 11");
}

#[test]
fn a_document_nested_too_deeply_is_an_error() {
    let deep = format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    errors! {
        BTreeMap<String, serde_json::Value>: deep =>
            "cannot recurse further; max recursion depth met at line 1 column 85";
    }
}
