//! The errors that `serde-saphyr` itself raises, in words that can't contain the data.

use crate::tracked::{Expectation, TrackedError};

/// Translates the text of an error.
///
/// Only the beginning of the text is compared: it may end in numbers and a position.
pub(super) fn explain(text: &str, expected: Expectation) -> TrackedError {
    if let Some(found) = find(&WRONG_TYPE, text) {
        return TrackedError::wrong_type(found, expected);
    }
    if text
        .strip_prefix("invalid ")
        .is_some_and(|rest| SCALARS.iter().any(|name| rest.starts_with(name)))
    {
        return TrackedError::wrong_value("scalar", expected);
    }
    TrackedError::syntax(find(&SYNTAX, text).unwrap_or("invalid YAML"))
}

fn find(table: &[(&str, &'static str)], text: &str) -> Option<&'static str> {
    let (_, ours) = table.iter().find(|(theirs, _)| text.starts_with(theirs))?;
    Some(ours)
}

/// What it says if a value has another type than the one it was asked for, and what was found.
const WRONG_TYPE: [(&str, &str); 10] = [
    ("cannot deserialize null into string", "null"),
    ("invalid char: cannot deserialize null", "null"),
    ("unexpected value for unit", "another kind of value"),
    ("expected string scalar", "another kind of value"),
    ("expected scalar", "another kind of value"),
    ("expected binary scalar", "another kind of value"),
    ("expected sequence start", "another kind of value"),
    ("expected mapping start", "another kind of value"),
    ("expected empty mapping", "another kind of value"),
    ("externally tagged enum expected scalar or mapping", "another kind of value"),
];

/// What it calls the scalars that it could not read. A small integer is read as an `i64`.
const SCALARS: [&str; 7] = ["i64", "i128", "u64", "u128", "boolean", "floating point", "char"];

/// The messages of `serde-saphyr` and of its parser, and ours.
const SYNTAX: [(&str, &str); 33] = [
    ("unexpected end of input", "end of input, expected a value"),
    ("unexpected EOF while parsing a flow sequence", "end of input in a flow sequence"),
    ("unexpected EOF while parsing a flow mapping", "end of input in a flow mapping"),
    ("unexpected EOF while parsing", "end of input in a collection"),
    ("multiple YAML documents", "more than one document"),
    ("duplicate mapping key", "duplicate key"),
    ("YAML merge value must be", "merge value must be a mapping or a sequence of mappings"),
    ("alias references unknown anchor", "unknown anchor"),
    ("alias replay", "too large, aliases included"),
    ("alias expansion", "too large, aliases included"),
    ("budget breached: Depth", "nested too deeply"),
    ("budget breached", "too large, aliases included"),
    ("recursion limit exceeded", "nested too deeply"),
    ("recursive references", "recursive alias"),
    ("block sequence entries are not allowed", "block sequence entry not allowed here"),
    ("invalid content after document end", "invalid content after the end of the document"),
    ("invalid indentation", "invalid indentation"),
    ("invalid trailing content after", "trailing characters after a quoted scalar"),
    ("mapping keys are not allowed", "mapping key not allowed here"),
    ("mapping values are not allowed", "mapping value not allowed here"),
    ("mismatched bracket", "mismatched bracket"),
    ("misplaced bracket", "misplaced bracket"),
    ("non-finite float", "expected a finite number"),
    ("simple key expected ':'", "expected `:`"),
    ("tab cannot be used as indentation", "tab in indentation"),
    ("tabs disallowed", "tab not allowed here"),
    ("unclosed bracket", "unclosed bracket"),
    ("unclosed quote", "unclosed quote"),
    ("while parsing a block mapping, did not find expected key", "expected a key"),
    ("while parsing a flow mapping, did not find expected", "expected `,` or `}`"),
    ("while parsing a flow sequence, expected", "expected `,` or `]`"),
    ("while parsing a quoted scalar, found unknown escape", "invalid escape"),
    ("wrongly indented line in block scalar", "invalid indentation in a block scalar"),
];
