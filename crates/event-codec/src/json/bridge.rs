//! The way of an error through the parser.

use std::cell::Cell;
use std::fmt::Display;

use serde::de;

use super::fault::Fault;
use super::said::Said;

/// Carries faults through the frames of `serde_json`, which knows errors of its own type only.
///
/// A type raises a fault inside a visitor that `serde_json` called. There the fault is laid aside and
/// an error without content goes up in its stead, to which the parser adds the line and the column;
/// where that comes out, the fault is taken up again. An error for which no fault was laid aside is the
/// parser's own.
#[derive(Default)]
pub(super) struct Bridge {
    fault: Cell<Option<Fault>>,
    /// What the visitor at hand expects, for errors that the parser makes of it.
    expected: Cell<Option<Said>>,
}

impl Bridge {
    /// From a type to the parser.
    pub(super) fn over<E: de::Error>(&self, fault: Fault) -> E {
        self.fault.set(Some(fault));
        E::custom("")
    }

    /// From the parser to a type.
    pub(super) fn back(&self, error: &impl Display) -> Fault {
        let text = error.to_string();
        let (words, position) = split_position(&text);
        let expected = self.expected.take().unwrap_or(Said::NOTHING);
        self.fault.take().unwrap_or_else(|| of_the_parser(words, expected)).at(position)
    }

    pub(super) fn expect(&self, said: Said) {
        self.expected.set(Some(said));
    }
}

/// Takes the line and the column off an error of `serde_json`.
///
/// That which stands before may hold data; the end never does, since the last words of such an error
/// are fixed or what our visitor says.
fn split_position(text: &str) -> (&str, Option<(usize, usize)>) {
    // The parser reads its own suffix.
    let error: serde_json::Error = de::Error::custom(text);
    match (error.line(), error.column()) {
        (0, _) => (text, None),
        (line, column) => {
            let suffix = format!(" at line {line} column {column}");
            (text.strip_suffix(&suffix).unwrap_or(text), Some((line, column)))
        }
    }
}

/// Says what an error of the parser's own says, in words that stand here.
fn of_the_parser(text: &str, expected: Said) -> Fault {
    if let Some((_, words)) = SYNTAX.iter().find(|(known, _)| *known == text) {
        return Fault::syntax(words);
    }
    let found = text.strip_prefix("invalid type: ");
    match found.and_then(|found| KINDS.iter().find(|kind| found.starts_with(**kind))) {
        Some(kind) => Fault::wrong_type(kind, expected),
        None => de::Error::custom(""),
    }
}

/// What the parser finds where a visitor expects something else.
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

/// The parser's messages, and ours.
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
