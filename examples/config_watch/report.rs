//! The lines on stdout: one JSON object each, flushed at once.

use std::io::{self, Write};
use std::sync::Mutex;

use event_core::{Error, ErrorKind, Health};
use serde::Serialize;
use serde_json::json;

use crate::follow::Config;

/// The line of a version. It is a type of its own because a `serde_json::Value` can't hold every document as
/// it was stored.
#[derive(Serialize)]
struct ValueLine<'a, T> {
    event: &'static str,
    key: String,
    revision: Option<i64>,
    value: &'a T,
}

/// Where the lines go.
pub(crate) struct Report {
    out: Mutex<Box<dyn Write + Send>>,
    /// Keys are printed without it.
    namespace: String,
}

impl Report {
    pub(crate) fn new(out: impl Write + Send + 'static, namespace: impl Into<String>) -> Self {
        Self { out: Mutex::new(Box::new(out)), namespace: namespace.into() }
    }

    pub(crate) fn value(&self, config: &Config<impl Serialize>) {
        let Config { key, revision, value, .. } = config;
        self.line(&ValueLine { event: "value", key: self.key(key), revision: *revision, value });
    }

    /// A deletion, or what else is wrong.
    pub(crate) fn error(&self, error: &Error) {
        if let (ErrorKind::Deleted, Some(key)) = (error.kind(), error.key()) {
            let (key, revision) = (self.key(key), error.revision());
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

    fn key(&self, key: &[u8]) -> String {
        let key = key.strip_prefix(self.namespace.as_bytes()).unwrap_or(key);
        String::from_utf8_lossy(key).into_owned()
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
                eprintln!("could not write to stdout: {error}");
                std::process::exit(1);
            }
        }
    }
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
