//! The errors that `serde_json` itself raises, in words that can't contain the data.

use serde::de;

use crate::tracked::{Expectation, Position, TrackedError};

/// Translates the text of a `serde_json` error into words of this file.
///
/// Only the beginning of the text is compared: it ends in a line and a column.
pub(crate) fn explain(text: &str, expected: Expectation) -> TrackedError {
    if let Some((_, ours)) = SYNTAX.iter().find(|(theirs, _)| text.starts_with(theirs)) {
        return TrackedError::syntax(ours);
    }
    let found = text.strip_prefix("invalid type: ");
    match found.and_then(|found| KINDS.iter().find(|kind| found.starts_with(**kind))) {
        Some(kind) => TrackedError::wrong_type(kind, expected),
        None => TrackedError::refused(),
    }
}

/// The line and the column at the end of the text of a `serde_json` error.
///
/// Only the text of an error with words of `serde_json` or without words comes here. A type's own words may
/// end in data that looks like a position.
pub(super) fn position(text: &str) -> Option<Position> {
    // serde_json parses its own suffix.
    let error: serde_json::Error = de::Error::custom(text);
    (error.line() > 0).then(|| (error.line(), error.column()))
}

/// What `serde_json` finds where a visitor expects something else.
const KINDS: [&str; 9] = [
    "boolean",
    "integer",
    "floating point",
    "number",
    "string",
    "null",
    "sequence",
    "map",
    "unit variant",
];

/// The messages of `serde_json`, and ours.
const SYNTAX: [(&str, &str); 22] = [
    ("EOF while parsing a list", "end of input in an array"),
    ("EOF while parsing an object", "end of input in an object"),
    ("EOF while parsing a string", "end of input in a string"),
    ("EOF while parsing a value", "end of input, expected a value"),
    ("expected `:`", "expected `:`"),
    ("expected `,` or `]`", "expected `,` or `]`"),
    ("expected `,` or `}`", "expected `,` or `}`"),
    ("expected ident", "expected `true`, `false` or `null`"),
    ("expected value", "expected a value"),
    ("expected `\"`", "expected `\"`"),
    ("invalid escape", "invalid escape"),
    ("invalid number", "invalid number"),
    ("number out of range", "number out of range"),
    ("invalid unicode code point", "invalid unicode code point"),
    (
        "control character (\\u0000-\\u001F) found while parsing a string",
        "control character in a string",
    ),
    ("key must be a string", "key must be a string"),
    ("invalid value: expected key to be a number in quotes", "key must be a number in quotes"),
    ("lone leading surrogate in hex escape", "lone leading surrogate in hex escape"),
    ("trailing comma", "trailing comma"),
    ("trailing characters", "trailing characters"),
    ("unexpected end of hex escape", "unexpected end of hex escape"),
    ("recursion limit exceeded", "nested too deeply"),
];
