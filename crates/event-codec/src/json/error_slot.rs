//! How a type's error gets through `serde_json`.

use std::cell::Cell;
use std::fmt::Display;

use serde::de;

use super::error::JsonError;
use super::expected::Expectation;
use super::parser_error::{parser_error, split_position};

/// Keeps a type's error while `serde_json` returns.
///
/// A type raises a [`JsonError`] inside a visitor, which `serde_json` called. But the functions of
/// `serde_json` return only errors of its own type. So [`stash`](Self::stash) puts the error into this
/// slot and returns an empty one in its place. `serde_json` adds the line and the column to the empty
/// one and returns it, and [`restore`](Self::restore) takes the error back out of the slot. If the slot
/// is empty then, the error is one that `serde_json` itself raised.
#[derive(Default)]
pub(super) struct ErrorSlot {
    error: Cell<Option<JsonError>>,
    /// What the current visitor expects, for an error that `serde_json` itself raises.
    expected: Cell<Option<Expectation>>,
}

impl ErrorSlot {
    /// Puts a type's error into the slot, on the way into `serde_json`.
    pub(super) fn stash<E: de::Error>(&self, error: JsonError) -> E {
        self.error.set(Some(error));
        E::custom("")
    }

    /// Takes a type's error out of the slot, on the way out of `serde_json`.
    pub(super) fn restore(&self, error: &impl Display) -> JsonError {
        let text = error.to_string();
        let (words, position) = split_position(&text);
        let expected = self.expected.take().unwrap_or(Expectation::UNKNOWN);
        self.error.take().unwrap_or_else(|| parser_error(words, expected)).at(position)
    }

    pub(super) fn expect(&self, expected: Expectation) {
        self.expected.set(Some(expected));
    }
}
