//! The error of a JSON document: the path, what was expected, the kind of thing that was found, the
//! line and the column.

use event_codec::Json;
use event_core::{Bytes, Decoder};
use serde::Deserialize;

use crate::errors::json_error;
use crate::json_types::{Config, Flat, Lenient, Transport};

/// A type whose hand-written visitor reads its keys without a copy.
struct Borrowing;

impl<'de> Deserialize<'de> for Borrowing {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("Borrowing", &["port"], Self)
    }
}

impl<'de> serde::de::Visitor<'de> for Borrowing {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a map of ports")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<&str, u16>()?.is_some() {}
        Ok(self)
    }
}

#[test]
fn an_error_names_the_path_the_expectation_the_kind_found_and_the_position() {
    let document = b"{\n  \"limits\": {\n    \"max_connections\": \"many\"\n  }\n}";
    assert_eq!(
        json_error::<Config>(document),
        "limits.max_connections: invalid type: string, expected u32 at line 3 column 29"
    );
}

#[test]
fn the_path_spells_a_renamed_field_and_its_alias_as_the_document_does() {
    for name in ["peer-ports", "ports"] {
        let document = format!(r#"{{"{name}": {{"db": [1, 2, -3]}}}}"#);
        let text = json_error::<Config>(document.as_bytes());
        let start = format!("{name}.*[2]: number out of range, expected u16 at line 1 column ");
        assert!(text.starts_with(&start), "{text}");
    }
}

#[test]
fn the_path_has_the_name_of_a_variant_and_of_its_fields() {
    assert_eq!(
        json_error::<Config>(br#"{"transport": {"Tls": {"cert": "c", "port": "p"}}}"#),
        "transport.Tls.port: invalid type: string, expected u16 at line 1 column 47"
    );
    assert_eq!(
        json_error::<Transport>(br#"{"Tcp": [1, true]}"#),
        "Tcp[1]: invalid type: boolean, expected u16 at line 1 column 16"
    );
    assert_eq!(
        json_error::<Transport>(br#"{"Unix": null}"#),
        "Unix: invalid type: null, expected a string at line 1 column 13"
    );
    assert_eq!(json_error::<Transport>(br#""Unix""#), "Unix: invalid type: unit variant");
}

#[test]
fn an_error_names_a_missing_or_duplicate_field() {
    assert_eq!(
        json_error::<Config>(br#"{"limits": {}}"#),
        "limits: missing field `max_connections` at line 1 column 13"
    );
    assert_eq!(
        json_error::<Flat>(br#"{"a": 1}"#),
        "missing field `max_connections` at line 1 column 8"
    );
    assert_eq!(
        json_error::<Config>(br#"{"limits": {"max_connections": 1, "max_connections": 2}}"#),
        "limits: duplicate field `max_connections` at line 1 column 51"
    );
}

#[test]
fn an_error_in_what_serde_buffers_has_no_path() {
    assert_eq!(
        json_error::<Flat>(br#"{"max_connections": []}"#),
        "invalid type: sequence, expected u32 at line 1 column 23"
    );
}

#[test]
fn an_error_that_a_type_swallows_does_not_show_up_later() {
    assert_eq!(
        json_error::<Lenient>(br#"{"first": 300, "second": 400}"#),
        "second: number out of range, expected u8 at line 1 column 28"
    );
    let good = Json::<Lenient>::new().decode(&Bytes::from(r#"{"first": 300, "second": 4}"#));
    assert_eq!(good.map(|value| (value.first, value.second)).unwrap(), (0, 4));
}

#[test]
fn a_type_that_borrows_its_keys_has_paths_too() {
    assert_eq!(
        json_error::<Borrowing>(br#"{"port": 1, "other": 1, "port": "x"}"#),
        "port: invalid type: string, expected u16 at line 1 column 35"
    );
}

#[test]
fn a_float_is_the_one_that_was_written() {
    // Without serde_json's `float_roundtrip`, the last digit of each differs.
    for written in ["47.418813606435364", "54.232229351437084", "41.340728354759364"] {
        let float = Json::<f64>::new().decode(&Bytes::from(written)).unwrap();
        assert_eq!(float.to_bits(), written.parse::<f64>().unwrap().to_bits(), "{written}");
    }
}

#[test]
fn a_good_document_decodes() {
    let document = r#"{"limits": {"max_connections": 5}, "ports": {"db": [1, 2]},
        "transport": {"Tls": {"cert": "c", "port": 3}}}"#;
    let config = Json::<Config>::new().decode(&Bytes::from(document)).unwrap();
    assert_eq!(config.limits.max_connections, 5);
    assert_eq!(config.ports["db"], [1, 2]);
    let Some(Transport::Tls { cert, port }) = config.transport else { panic!("a variant") };
    assert_eq!((cert.as_str(), port), ("c", 3));
}
