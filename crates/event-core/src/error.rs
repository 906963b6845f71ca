//! One error type for all backends.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::Entry;

/// Why a `get` has no value to give.
///
/// Cheap to clone, since every watcher of a value is told the same one. `Display` says what is wrong
/// and where: the key, the revision, the place in the data. It never prints the value. What caused it, such
/// as the reason of a validation, is its [`source`](StdError::source); `{error:#}` prints the causes too:
///
/// ```
/// use event_core::{Entry, Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Invalid, "validation refused the value")
///     .with_source("max_connections is 0")
///     .at(&Entry::new("config", 5, "…"));
/// assert_eq!(format!("{error}"), "key `config` at revision 5: validation refused the value");
/// assert_eq!(
///     format!("{error:#}"),
///     "key `config` at revision 5: validation refused the value: max_connections is 0"
/// );
/// ```
#[derive(Clone)]
pub struct Error(Option<Arc<Inner>>); // None: closed, which so costs no allocation

/// What sort of error it is, for code that has to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No writer is left: there will be no newer version.
    Closed,
    /// The key was deleted, and the decoder has no value that stands for this.
    Absent,
    /// The bytes do not decode.
    Decode,
    /// The value decodes, but validation refused it.
    Invalid,
    /// An argument can't be used: an endpoint, a certificate, a key.
    Argument,
    /// The backend can't give the value: it does not answer in time, or the value is larger than it can
    /// send.
    Unavailable,
    /// The backend refused: credentials or permissions.
    Refused,
}

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    at: Option<(Bytes, i64)>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`. The message is a lowercase fragment that says what is wrong, where, and
    /// what to do; it must not contain the value.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Some(Arc::new(Inner { kind, message: message.into(), at: None, source: None })))
    }

    /// The end of a value: no writer is left.
    #[must_use]
    pub const fn closed() -> Self {
        Self(None)
    }

    /// Adds what caused it. Neither its `Display` nor its `Debug` may contain the value.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        if let Some(inner) = &mut self.0 {
            Arc::make_mut(inner).source = Some(Arc::from(source.into()));
        }
        self
    }

    /// Adds the key and the revision of the entry it is about.
    #[must_use]
    pub fn at(mut self, entry: &Entry) -> Self {
        if let Some(inner) = &mut self.0 {
            Arc::make_mut(inner).at = Some((entry.key.clone(), entry.revision));
        }
        self
    }

    /// What sort of error it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.as_ref().map_or(ErrorKind::Closed, |inner| inner.kind)
    }

    /// Whether this is the end: no writer is left, and every later `get` will say so again.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.kind() == ErrorKind::Closed
    }

    /// The key it is about, where it is about one.
    #[must_use]
    pub fn key(&self) -> Option<&[u8]> {
        self.0.as_ref()?.at.as_ref().map(|(key, _)| key.as_ref())
    }

    /// The revision it is about, where it is about one.
    #[must_use]
    pub fn revision(&self) -> Option<i64> {
        self.0.as_ref()?.at.as_ref().map(|(_, revision)| *revision).filter(|revision| *revision > 0)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(inner) = &self.0 else {
            return f.write_str("closed: no writer is left");
        };
        if let Some((key, revision)) = &inner.at {
            write!(f, "key `{}`", String::from_utf8_lossy(key).escape_debug())?;
            if *revision > 0 {
                write!(f, " at revision {revision}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&inner.message)?;
        if f.alternate() {
            let mut next = self.source();
            while let Some(cause) = next {
                write!(f, ": {cause}")?;
                next = cause.source();
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Error");
        text.field("kind", &self.kind());
        if let Some(inner) = &self.0 {
            text.field("message", &inner.message);
            if let Some((key, revision)) = &inner.at {
                text.field("key", key).field("revision", revision);
            }
            if let Some(source) = &inner.source {
                text.field("source", source);
            }
        }
        text.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.as_ref()?.source.as_deref()?;
        Some(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_says_what_and_where_and_does_not_repeat_its_source() {
        let source = std::io::Error::other("the cause");
        let error = Error::new(ErrorKind::Decode, "expected a number")
            .with_source(source)
            .at(&Entry::new("app/port", 7, "x"));
        assert_eq!(error.to_string(), "key `app/port` at revision 7: expected a number");
        assert_eq!(error.source().unwrap().to_string(), "the cause");
        assert_eq!((error.key(), error.revision()), (Some(&b"app/port"[..]), Some(7)));
    }

    #[test]
    fn a_key_that_was_never_there_has_no_revision() {
        let error = Error::new(ErrorKind::Refused, "no permission").at(&Entry::absent("app", 0));
        assert_eq!(error.to_string(), "key `app`: no permission");
        assert_eq!(error.revision(), None);
    }

    #[test]
    fn closed_is_one_word_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert!(Error::closed().is_closed());
    }
}
