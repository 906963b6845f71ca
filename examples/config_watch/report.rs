//! The lines on stdout: those of `event watch`.

#[path = "../../crates/event-cli/src/lines.rs"]
mod lines;

use std::io::Write;

use event_core::{Bytes, Change, Error, Health};
use serde::Serialize;

use crate::follow::Config;
use lines::{Lines, key_text};

/// Where the lines go.
pub(crate) struct Report {
    lines: Lines,
    /// Keys are printed without it.
    namespace: Vec<u8>,
}

impl Report {
    pub(crate) fn new(out: impl Write + Send + 'static, namespace: impl Into<Vec<u8>>) -> Self {
        Self { lines: Lines::new(out), namespace: namespace.into() }
    }

    pub(crate) fn value(&self, config: &Config<impl Serialize>) {
        self.lines.value(&self.key(&config.key), config);
    }

    /// A change of a map, whose keys begin with `prefix` beside the namespace.
    pub(crate) fn change(&self, prefix: &[u8], change: &Change<Bytes, Config<impl Serialize>>) {
        self.lines.change(prefix, change);
    }

    /// A deletion, or what else is wrong.
    pub(crate) fn error(&self, error: &Error) {
        self.lines.error(&self.key(error.key().unwrap_or_default()), error);
    }

    pub(crate) fn health(&self, health: &Health) {
        self.lines.health(health);
    }

    fn key(&self, key: &[u8]) -> String {
        key_text(key.strip_prefix(self.namespace.as_slice()).unwrap_or(key))
    }
}
