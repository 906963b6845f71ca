//! The errors that `serde_json` itself raises, in words that can't contain the data.

use serde::de;

use super::error::JsonError;
use super::expected::Expectation;

/// Splits the text of a `serde_json` error into the words and the line and column.
///
/// The words may contain the data, even text that looks like a position. The end is safe: the last words
/// of such an error are fixed, or our visitor writes them.
pub(super) fn split_position(text: &str) -> (&str, Option<(usize, usize)>) {
    // serde_json parses its own suffix.
    let error: serde_json::Error = de::Error::custom(text);
    match (error.line(), error.column()) {
        (0, _) => (text, None),
        (line, column) => {
            let suffix = format!(" at line {line} column {column}");
            (text.strip_suffix(&suffix).unwrap_or(text), Some((line, column)))
        }
    }
}

/// Translates the words of a `serde_json` error into words of this file.
pub(super) fn parser_error(words: &str, expected: Expectation) -> JsonError {
    if let Some((_, ours)) = SYNTAX.iter().find(|(theirs, _)| *theirs == words) {
        return JsonError::syntax(ours);
    }
    let found = words.strip_prefix("invalid type: ");
    match found.and_then(|found| KINDS.iter().find(|kind| found.starts_with(**kind))) {
        Some(kind) => JsonError::wrong_type(kind, expected),
        None => de::Error::custom(""),
    }
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
