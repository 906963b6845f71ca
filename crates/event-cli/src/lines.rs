//! The lines on stdout: one JSON object each, flushed at once. The example `config_watch` prints them, too.

use std::io::{self, Write};
use std::sync::Mutex;

use event_core::{Bytes, Change, Error, ErrorKind, Health, KeyName, Versioned};
use serde::Serialize;
use serde_json::json;

/// The line of a version, of a key or within a map. It is a type of its own because a `serde_json::Value` can't hold every document as
/// it was stored.
#[derive(Serialize)]
struct ValueLine<'a, T> {
    event: &'static str,
    key: &'a str,
    revision: Option<i64>,
    value: &'a T,
}

/// Where the lines go.
pub(crate) struct Lines {
    out: Mutex<Box<dyn Write + Send>>,
}

impl Lines {
    pub(crate) fn new(out: impl Write + Send + 'static) -> Self {
        Self { out: Mutex::new(Box::new(out)) }
    }

    /// A version of a key, which is printed by the name that the user gave it.
    pub(crate) fn value<T: Serialize>(&self, key: &str, version: &Versioned<T>) {
        let Versioned { revision, value, .. } = version;
        self.line(&ValueLine { event: "value", key, revision: *revision, value });
    }

    /// A change of a map, whose keys begin with `prefix`.
    pub(crate) fn change<T: Serialize>(&self, prefix: &[u8], change: &Change<Bytes, Versioned<T>>) {
        let name = |key: &Bytes| key_text(&[prefix, key].concat());
        match change {
            Change::Put { key, value: Versioned { revision, value, .. } } => {
                let key = &*name(key);
                self.line(&ValueLine { event: "put", key, revision: *revision, value });
            }
            Change::Delete { key } => self.line(&json!({"event": "delete", "key": name(key)})),
            Change::Failed { key, error } => self.error(&name(key), error),
            Change::Synced => {
                self.line(&json!({"event": "synced", "prefix": key_text(prefix)}));
            }
            _ => {}
        }
    }

    /// A deletion of the key, or what else is wrong.
    pub(crate) fn error(&self, key: &str, error: &Error) {
        if error.kind() == ErrorKind::Deleted && error.key().is_some() {
            let revision = error.revision();
            return self.line(&json!({"event": "absent", "key": key, "revision": revision}));
        }
        let kind = snake_case(&format!("{:?}", error.kind()));
        self.line(&json!({"event": "error", "kind": kind, "message": format!("{error:#}")}));
    }

    pub(crate) fn health(&self, health: &Health) {
        let cause = health.cause.as_ref().map(ToString::to_string);
        let (state, endpoint) = (health.state.to_string(), health.source.as_deref());
        self.line(&json!({
            "event": "health",
            "state": state,
            "cause": cause,
            "endpoint": endpoint,
            "resets": health.history_resets,
            "cluster": health.cluster.as_deref(),
        }));
    }

    fn line(&self, line: &impl Serialize) {
        let line =
            serde_json::to_string(line).expect("a line has only texts, numbers and documents");
        // In a document, line breaks can only be between tokens.
        let line = line.replace(['\n', '\r'], " ");
        let mut out = self.out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match writeln!(out, "{line}").and_then(|()| out.flush()) {
            Ok(()) => {}
            // Who read our lines is gone: there is nobody left to tell.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => {
                // If stderr is closed, too, there is nobody left to tell.
                let _ = writeln!(io::stderr(), "error: could not write to stdout: {error}");
                std::process::exit(2);
            }
        }
    }
}

/// A key as text. One that is not UTF-8 is written as a word of a shell.
pub(crate) fn key_text(key: &[u8]) -> String {
    str::from_utf8(key).map_or_else(|_| KeyName(key).to_string(), str::to_owned)
}

/// `PermissionDenied` as `permission_denied`.
fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(c.to_lowercase());
    }
    text
}
