//! One place of a JSON document.

use event_codec::Json;
use event_core::{Bytes, Decoder};
use serde::de::DeserializeOwned;

fn at<T: DeserializeOwned>(pointer: &str, document: &'static str) -> Result<T, String> {
    let decoder = Json::<T>::new().field(pointer);
    decoder.decode(&Bytes::from_static(document.as_bytes())).map_err(|error| error.to_string())
}

#[test]
fn the_pointer_names_the_place() {
    let document = r#"{"a": {"b": [1, {"c": 2}]}, "": 3, "x/y~z": 4, "a b": 18446744073709551615}"#;
    for (pointer, value) in [
        ("/a/b/0", 1),
        ("/a/b/1/c", 2),
        ("a/b/1/c", 2),
        ("/", 3),
        ("/x~1y~0z", 4),
        ("/a b", u64::MAX),
    ] {
        assert_eq!(at::<u64>(pointer, document), Ok(value), "{pointer}");
    }
    assert_eq!(at::<Vec<u8>>("", "[1, 2]"), Ok(vec![1, 2]));
    assert_eq!(at::<u8>("/a", r#"{"a": 1, "a": 2}"#), Ok(2), "of two with one name, the last");
}

#[test]
fn a_place_that_is_not_there_is_named() {
    for (pointer, document) in [
        ("/b", r#"{"a": "hunter2"}"#),
        ("/a/b", r#"{"a": "hunter2"}"#),
        ("/a/2", r#"{"a": ["hunter2", 1]}"#),
        ("/a/x", r#"{"a": ["hunter2", 1]}"#),
        ("/a/-1", r#"{"a": ["hunter2", 1]}"#),
        ("/a", "\"hunter2\""),
    ] {
        let message = format!("the document has nothing at `{pointer}`");
        assert_eq!(at::<u8>(pointer, document), Err(message));
    }
}

#[test]
fn what_is_there_and_does_not_fit_is_named_without_being_shown() {
    assert_eq!(
        at::<u16>("/port", r#"{"port": "hunter2"}"#).unwrap_err(),
        "in `/port`: invalid type: string, expected u16 at line 1 column 9"
    );
    assert!(at::<u16>("/port", r#"{"port": 1, "#).unwrap_err().contains("line 1 column"));
    assert!(at::<u16>("/port", r#"{"port": 1} hunter2"#).is_err(), "the rest has to be JSON, too");
}
