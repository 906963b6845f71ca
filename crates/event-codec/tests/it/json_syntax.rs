//! Documents that are not JSON, with a secret near the error.

use serde_json::Value;

use crate::errors::json_error;
use crate::json_types::{Config, Limits};

#[test]
fn an_empty_value_is_an_unexpected_end_of_input() {
    assert_eq!(json_error::<Config>(b""), "end of input, expected a value at line 1 column 0");
    assert_eq!(json_error::<Config>(b" \n "), "end of input, expected a value at line 2 column 1");
}

#[test]
fn a_syntax_error_has_a_position_and_does_not_print_the_data() {
    let deep = format!("{}\"hunter2\"{}", "[".repeat(200), "]".repeat(200));
    let cases: [(&[u8], &str); 25] = [
        (b"{\"hunter2\": 1", "end of input in an object"),
        (b"{\"hunter2\"", "end of input in an object"),
        (b"{\"hunter2\":", "end of input, expected a value"),
        (b"[\"hunter2\"", "end of input in an array"),
        (b"[\"hunter2\",", "[1]: end of input, expected a value"),
        (b"\"hunter2", "end of input in a string"),
        (b"\"hunter2\" hunter2", "trailing characters"),
        (b"48151623 48151623", "trailing characters"),
        (b"\"a\"\0", "trailing characters"),
        (b"hunter2", "expected a value"),
        (b"\0hunter2", "expected a value"),
        (b"truehunter2", "trailing characters"),
        (b"trunter2", "expected `true`, `false` or `null`"),
        (b"{hunter2: 1}", "key must be a string"),
        (b"{48151623: 1}", "key must be a string"),
        (b"{\"hunter2\" 1}", "expected `:`"),
        (b"{\"hunter2\": 1 \"a\": 2}", "expected `,` or `}`"),
        (b"[48151623 1]", "expected `,` or `]`"),
        (b"[\"hunter2\",]", "trailing comma"),
        (b"{\"hunter2\": 1,}", "trailing comma"),
        (b"\"hunter2\\q\"", "invalid escape"),
        (b"\"hunter2\\ud800\"", "end of hex escape"),
        (b"\"hunter2\n\"", "control character in a string"),
        (b"-hunter2", "invalid number"),
        (deep.as_bytes(), "nested too deeply"),
    ];
    for (document, what) in cases {
        let text = json_error::<Value>(document);
        assert!(text.contains(what), "the error of {} is {text}", document.escape_ascii());
        assert!(text.contains(" at line "), "{text}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_refused_wherever_they_are() {
    assert_eq!(json_error::<Value>(b"\"hunter2\xff\""), "invalid UTF-8 at byte 8");
    // serde_json does not look at the text of a field that the type ignores.
    assert_eq!(
        json_error::<Limits>(b"{\"max_connections\": 1, \"hunter2\": \"\xff\"}"),
        "invalid UTF-8 at byte 35"
    );
}

#[test]
fn a_number_that_no_float_can_hold_is_out_of_range() {
    assert_eq!(
        json_error::<[f64; 1]>(b"[48151623e999]"),
        "[0]: number out of range at line 1 column 13"
    );
}

#[test]
fn an_error_names_a_byte_order_mark() {
    assert_eq!(
        json_error::<Config>(b"\xef\xbb\xbf{}"),
        "expected a value, found a byte order mark at line 1 column 1"
    );
}

#[test]
fn the_path_leads_to_the_syntax_error() {
    assert_eq!(
        json_error::<Config>(b"{\"limits\": {\"max_connections\": hunter2}}"),
        "limits.max_connections: expected a value at line 1 column 32"
    );
    assert_eq!(
        json_error::<Config>(b"{\"limits\": {\"max_connections\": 1"),
        "limits: end of input in an object at line 1 column 32"
    );
    assert_eq!(
        json_error::<Config>(b"{\"ports\": {\"hunter2\": [1, 2"),
        "ports.*[2]: end of input in an array at line 1 column 27"
    );
}
