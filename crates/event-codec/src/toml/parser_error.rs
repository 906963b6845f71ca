//! The errors that `toml` itself raises, in words that can't contain the data.

use crate::tracked::{Expectation, TrackedError};

/// Translates the message of the parser.
///
/// Only its beginning is compared: it ends in what the parser expected.
pub(super) fn syntax_error(message: &str) -> TrackedError {
    let known = SYNTAX.iter().find(|words| message.starts_with(**words));
    TrackedError::syntax(known.unwrap_or(&"invalid TOML"))
}

/// Translates the message of the deserializer, which looks only at a table, an array, a number or the name
/// of a variant.
pub(super) fn explain(message: &str, expected: Expectation) -> TrackedError {
    match message {
        _ if message.starts_with("integer number overflowed") => {
            TrackedError::syntax("number out of range")
        }
        _ if message.starts_with("wanted string or table") => {
            TrackedError::wrong_type("another kind of value", expected)
        }
        _ if message.starts_with("expected ") => {
            TrackedError::wrong_value("the content of a variant", expected)
        }
        _ => TrackedError::refused(),
    }
}

/// The messages of the parser that have no data in them. They stay as they are.
const SYNTAX: [&str; 46] = [
    "`_` may only go between digits",
    "cannot extend value",
    "cannot recurse further; max recursion depth met",
    "carriage return must be followed by newline",
    "duplicate key",
    "extra `=`",
    "extra assignment between key-value pairs",
    "extra comma in array",
    "extra comma in inline table",
    "integers with a radix cannot be signed",
    "invalid basic string",
    "invalid binary number",
    "invalid boolean",
    "invalid comment character",
    "invalid date-time",
    "invalid float",
    "invalid hexadecimal number",
    "invalid inline table element",
    "invalid integer number",
    "invalid key-value pair",
    "invalid literal string",
    "invalid multi-line basic string",
    "invalid multi-line literal string",
    "invalid octal number",
    "invalid string",
    "invalid unquoted key",
    "invalid value",
    "key with no value",
    "keys cannot be multi-line",
    "missing assignment between key-value pairs",
    "missing comma between",
    "missing escaped value",
    "missing opening quote",
    "missing value",
    "radix must be lowercase",
    "recursion limit",
    "redundant",
    "string values must be quoted",
    "too few unicode value digits",
    "unclosed array",
    "unclosed inline table",
    "unclosed table",
    "unexpected content",
    "unexpected key or value",
    "unexpected leading zero",
    "unquoted keys cannot be empty",
];
