//! The errors of decoders that reveal.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use event_codec::{DecoderExt, Json, Parse, Toml, Yaml};
use event_core::Decoder;

use crate::errors::error_of;
use crate::json_types::{Config, Flat, Transport};

/// All words of the error, after the key and the revision.
fn words<D>(decoder: D, bytes: &'static str) -> String
where
    D: Decoder + Send + Sync + 'static,
{
    let text = format!("{:#}", error_of(decoder.map(|_| ()), bytes));
    text.strip_prefix("key `k` at revision 7: ").expect("the error names the key").to_owned()
}

#[test]
fn json_reveals_the_names_and_the_words_of_serde() {
    assert_eq!(
        words(Json::<Config>::new().reveal(), r#"{"limit": 1}"#),
        "limit: unknown field `limit`, expected one of `limits`, `peer-ports`, `ports`, `transport` \
         at line 1 column 8"
    );
    assert_eq!(
        words(Json::<HashMap<String, Vec<u16>>>::new().reveal(), r#"{"a": [1], "db": [1, 70000]}"#),
        "db[1]: invalid value: integer `70000`, expected u16 at line 1 column 26"
    );
    assert_eq!(
        words(Json::<HashMap<u16, SocketAddr>>::new().reveal(), r#"{"5": "here"}"#),
        "5: invalid socket address syntax at line 1 column 12"
    );
    assert_eq!(
        words(Json::<HashMap<u8, u8>>::new().reveal(), r#"{"300": 1}"#),
        "300: invalid value: integer `300`, expected u8 at line 1 column 5"
    );
    assert_eq!(
        words(Json::<Transport>::new().reveal(), r#""Udp""#),
        "unknown variant `Udp`, expected one of `Plain`, `Unix`, `Tcp`, `Tls` at line 1 column 5"
    );
    assert_eq!(
        words(Json::<Flat>::new().reveal(), r#"{"max_connections": "many"}"#),
        "invalid type: string \"many\", expected u32 at line 1 column 27"
    );
    assert_eq!(words(Json::<u8>::new().reveal(), "x"), "expected value at line 1 column 1");
}

#[test]
fn toml_reveals_the_names_and_the_words_of_serde() {
    assert_eq!(
        words(Toml::<HashMap<String, Vec<u16>>>::new().reveal(), "a = [1]\ndb = [1, 70000]"),
        "db[1]: invalid value: integer `70000`, expected u16 at line 2 column 10"
    );
    assert_eq!(
        words(Toml::<HashMap<String, IpAddr>>::new().reveal(), "db = \"here\""),
        "db: invalid IP address syntax at line 1 column 6"
    );
}

#[test]
fn yaml_reveals_the_names_and_the_words_of_serde() {
    assert_eq!(
        words(Yaml::<Config>::new().reveal(), "limit: 1"),
        "limit: unknown field `limit`, expected one of limits, peer-ports, ports, transport \
         at line 1, column 1"
    );
    assert_eq!(
        words(Yaml::<HashMap<String, Vec<u16>>>::new().reveal(), "a: [1]\ndb: [1, 70000]"),
        "db[1]: invalid u16 at line 2, column 9"
    );
}

#[test]
fn parse_reveals_the_error_of_the_type() {
    assert_eq!(
        words(Parse::<u8>::new().reveal(), "x"),
        "invalid text, expected u8: invalid digit found in string"
    );
}
