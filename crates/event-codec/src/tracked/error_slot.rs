//! How a type's error gets through a format.

use std::cell::Cell;
use std::fmt::Display;

use serde::de;

use super::error::{Position, TrackedError};
use super::expected::Expectation;

/// Keeps a type's error while the format returns.
///
/// A type raises a [`TrackedError`] inside a visitor, which the format called. But the functions of the
/// format return only errors of its own type. So [`stash`](Self::stash) puts the error into this slot and
/// returns an empty one in its place, and [`restore`](Self::restore) takes the error back out of the slot.
/// If the slot is empty then, the error is one that the format itself raised.
pub(crate) struct ErrorSlot {
    error: Cell<Option<TrackedError>>,
    format: Format,
    /// The text that the type was given last. Stays empty unless the decoder reveals.
    seen: Cell<Option<String>>,
    reveal: bool,
}

/// How to read the text of a format's errors.
pub(crate) struct Format {
    /// Translates an error that the format itself raised into words that can't contain the data.
    pub(crate) explain: fn(&str, Expectation) -> TrackedError,
    /// The position at the end of the text, if the format puts one there.
    pub(crate) position: fn(&str) -> Option<Position>,
}

impl ErrorSlot {
    pub(crate) fn new(format: Format, reveal: bool) -> Self {
        Self { error: Cell::default(), format, seen: Cell::default(), reveal }
    }

    /// Puts a type's error into the slot, on the way into the format.
    pub(crate) fn stash<E: de::Error>(&self, error: TrackedError) -> E {
        self.error.set(Some(error));
        E::custom("")
    }

    /// Takes a type's error out of the slot, on the way out of the format.
    pub(crate) fn restore(&self, error: &impl Display, expected: Expectation) -> TrackedError {
        let text = error.to_string();
        let error = self.error.take().unwrap_or_else(|| (self.format.explain)(&text, expected));
        error.at((self.format.position)(&text))
    }

    /// Remembers a text or a number that the format gives to the type, in case it is a key.
    pub(super) fn see(&self, value: &impl Display) {
        if self.reveal {
            self.seen.set(Some(value.to_string()));
        }
    }

    /// What [`see`](Self::see) remembered last. `None` unless the decoder reveals.
    pub(super) fn take_seen(&self) -> Option<String> {
        self.seen.take()
    }
}
