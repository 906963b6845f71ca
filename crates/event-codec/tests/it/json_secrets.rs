//! Documents with a secret in every place where a type can find it, and the exact error of each.
//!
//! [`json_error`] checks that no error prints the secret.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::num::NonZeroU8;
use std::time::Duration;

use crate::errors::json_error;
use crate::json_types::{
    AS_EXPECTED, AS_MISSING, AS_OTHER, AS_POSITION, AS_SYNTAX, AS_TYPE, AS_VARIANT, Adjacent,
    CUSTOM, Config, Flat, Internal, Key, Limits, NESTED, Pair, Small, Transport, Twice, Untagged,
    Words,
};

/// Compares the error of each document, as a type, with the expected text.
macro_rules! errors {
    ($($type:ty: $document:expr => $text:expr;)*) => {$(
        let what = json_error::<$type>($document.as_bytes());
        assert_eq!(what, $text, "{} as {}", $document, stringify!($type));
    )*};
}

#[test]
fn no_error_prints_a_value() {
    errors! {
        u32: r#""hunter2""# =>
            "invalid type: string, expected u32 at line 1 column 9";
        u8: "48151623" =>
            "number out of range, expected u8 at line 1 column 8";
        u8: "-48151623" =>
            "number out of range, expected u8 at line 1 column 9";
        u8: "48151623.5" =>
            "invalid type: floating point, expected u8 at line 1 column 10";
        bool: "48151623" =>
            "invalid type: integer, expected a boolean at line 1 column 8";
        String: "48151623" =>
            "invalid type: integer, expected a string at line 1 column 8";
        char: r#""hunter2""# =>
            "invalid value: string, expected a character at line 1 column 9";
        (): r#""hunter2""# =>
            "invalid type: string, expected unit at line 1 column 9";
        NonZeroU8: "0" =>
            "number out of range, expected a nonzero u8 at line 1 column 1";
        u128: r#""hunter2""# =>
            "invalid number at line 1 column 1";
        i128: r#"{"hunter2": 1}"# =>
            "invalid number at line 1 column 1";
        IpAddr: r#""hunter2""# =>
            "`IpAddr` refused the value at line 1 column 9";
        Duration: r#"{"secs": 18446744073709551615, "nanos": 4815162342}"# =>
            "nanos: number out of range, expected u32 at line 1 column 50";
        Option<u8>: r#""hunter2""# =>
            "invalid type: string, expected u8 at line 1 column 9";
        Vec<u8>: r#""hunter2""# =>
            "invalid type: string, expected a sequence at line 1 column 9";
        Vec<u8>: r#"[1, 2, "hunter2"]"# =>
            "[2]: invalid type: string, expected u8 at line 1 column 16";
        [u8; 2]: "[1, 2, 48151623]" =>
            "trailing characters at line 1 column 8";
        [u8; 2]: "[1, 2, 3]" =>
            "trailing characters at line 1 column 8";
        [u8; 2]: "[1]" =>
            "invalid length, expected an array of length 2 at line 1 column 3";
        (u8, u8): "[1]" =>
            "invalid length, expected a tuple of size 2 at line 1 column 3";
        Pair: "[1]" =>
            "invalid length at line 1 column 3";
        Pair: r#""hunter2""# =>
            "invalid type: string, expected tuple struct Pair at line 1 column 9";
        Limits: r#""hunter2""# =>
            "invalid type: string, expected struct Limits at line 1 column 9";
        Limits: r#"["hunter2"]"# =>
            "[0]: invalid type: string, expected u32 at line 1 column 10";
        Limits: "[]" =>
            "invalid type: sequence, expected struct Limits at line 1 column 2";
    }
}

#[test]
fn no_error_prints_a_key_of_a_map_or_an_unknown_field() {
    errors! {
        HashMap<String, u8>: r#"{"hunter2": 48151623}"# =>
            "*: number out of range, expected u8 at line 1 column 20";
        HashMap<String, HashMap<String, u8>>: r#"{"a": {"h\u0075nter2": "hunter2"}}"# =>
            "*.*: invalid type: string, expected u8 at line 1 column 32";
        HashMap<u8, u8>: r#"{"48151623": 1}"# =>
            "*: number out of range, expected u8 at line 1 column 10";
        HashMap<u8, u8>: r#"{"hunter2": 1}"# =>
            "key must be a number in quotes at line 1 column 2";
        HashMap<bool, u8>: r#"{"hunter2": 1}"# =>
            "*: invalid type: string, expected a boolean at line 1 column 10";
        HashMap<Key, u8>: r#"{"hunter2": 1}"# =>
            "*: unknown variant, expected one of `A`, `B` at line 1 column 10";
        HashMap<Key, u8>: r#"{"A": "hunter2"}"# =>
            "*: invalid type: string, expected u8 at line 1 column 15";
        HashMap<Words<0>, u8>: r#"{"hunter2": 1}"# =>
            "*: `Words<0>` refused the value at line 1 column 10";
        BTreeMap<String, Limits>: r#"{"limits": {"max_connections": "hunter2"}}"# =>
            "*.max_connections: invalid type: string, expected u32 at line 1 column 40";
        Config: r#"{"hunter2": 1}"# =>
            "*: unknown field, expected one of `limits`, `peer-ports`, `ports`, `transport` at line 1 column 10";
        Config: r#"{"limits": {"hunter2": {"hunter2": hunter2}}}"# =>
            "limits.*: expected a value at line 1 column 36";
        Limits: r#"{"max_connections": 1, "hunter2": {"max_connections": }}"# =>
            "*: expected a value at line 1 column 55";
    }
}

#[test]
fn no_error_of_an_enum_or_of_a_buffered_value_prints_the_data() {
    errors! {
        Transport: r#""hunter2""# =>
            "unknown variant, expected one of `Plain`, `Unix`, `Tcp`, `Tls` at line 1 column 9";
        Transport: r#"{"hunter2": 1}"# =>
            "unknown variant, expected one of `Plain`, `Unix`, `Tcp`, `Tls` at line 1 column 10";
        Transport: "48151623" =>
            "expected a value at line 1 column 1";
        Transport: r#"{"Plain": "hunter2"}"# =>
            "Plain: invalid type: string at line 1 column 19";
        Transport: r#"{"Tcp": [1, "hunter2"]}"# =>
            "Tcp[1]: invalid type: string, expected u16 at line 1 column 21";
        Transport: r#"{"Tcp": [1, 2, 48151623]}"# =>
            "Tcp: trailing characters at line 1 column 16";
        Transport: r#"{"Tls": {"cert": "hunter2", "port": "hunter2"}}"# =>
            "Tls.port: invalid type: string, expected u16 at line 1 column 45";
        Transport: r#"{"Plain": null, "hunter2": 1}"# =>
            "expected a value at line 1 column 14";
        Internal: r#"{"kind": "hunter2"}"# =>
            "*: unknown variant, expected `Tls` at line 1 column 18";
        Internal: r#"{"kind": "Tls", "port": "hunter2"}"# =>
            "invalid type: string, expected u16";
        Internal: r#"{"hunter2": 48151623}"# =>
            "missing field `kind` at line 1 column 21";
        Internal: r#""hunter2""# =>
            "invalid type: string at line 1 column 9";
        Adjacent: r#"{"kind": "hunter2"}"# =>
            "kind: unknown variant, expected `Tls` at line 1 column 18";
        Adjacent: r#"{"kind": "Tls", "with": {"port": "hunter2"}}"# =>
            "with.*: invalid type: string, expected u16 at line 1 column 42";
        Adjacent: r#"{"with": {"port": "hunter2"}, "kind": "Tls"}"# =>
            "invalid type: string, expected u16 at line 1 column 44";
        Untagged: r#""hunter2""# =>
            "`Untagged` refused the value";
        Untagged: r#"{"port": "hunter2"}"# =>
            "`Untagged` refused the value";
        Vec<Untagged>: r#"[1, {"port": 2}, {"port": "hunter2"}]"# =>
            "[2]: `Untagged` refused the value at line 1 column 37";
        Flat: r#"{"max_connections": "hunter2"}"# =>
            "invalid type: string, expected u32 at line 1 column 30";
        Flat: r#"{"max_connections": 1, "hunter2": "hunter2"}"# =>
            "invalid type: string, expected u16 at line 1 column 44";
        Flat: r#"{"max_connections": 1, "hunter2": 48151623}"# =>
            "number out of range, expected u16 at line 1 column 43";
    }
}

#[test]
fn no_error_prints_the_words_of_a_type() {
    errors! {
        Small: "48151623" =>
            "`Small` refused the value";
        Vec<Small>: "[48151623]" =>
            "[0]: `Small` refused the value at line 1 column 10";
        Twice: r#"["hunter2", 1]"# =>
            "[1]: invalid type: integer at line 1 column 13";
        Twice: r#"["hunter2", "b"]"# =>
            "[1]: invalid type: string at line 1 column 15";
        Words<CUSTOM>: r#""hunter2""# =>
            "`Words<0>` refused the value";
        Words<AS_MISSING>: r#""hunter2""# =>
            "`Words<1>` refused the value";
        Words<AS_TYPE>: r#""hunter2""# =>
            "`Words<2>` refused the value";
        [Words<AS_POSITION>; 1]: r#"["hunter2"]"# =>
            "[0]: `Words<3>` refused the value at line 1 column 11";
        Words<AS_EXPECTED>: r#""hunter2""# =>
            "invalid value: string";
        Words<AS_OTHER>: r#""hunter2""# =>
            "invalid type: another kind of value";
        Words<NESTED>: r#""hunter2""# =>
            "`Words<6>` refused the value";
        [Words<AS_SYNTAX>; 1]: r#"["hunter2"]"# =>
            "[0]: `Words<7>` refused the value at line 1 column 11";
        Words<AS_VARIANT>: r#""hunter2""# =>
            "unknown variant, expected `a`";
    }
}
