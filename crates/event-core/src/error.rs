//! One error type for all backends.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Entry, KeyName};

/// The error of a `get`, of a refresh, and of a backend's own calls.
///
/// `Display` says what is wrong and where: the key, the revision, the place in the data. The key is the
/// full one, written so that it can be pasted into the backend's own tool. `{:#}` prints the causes too:
///
/// ```
/// use event_core::{Entry, Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Invalid, "validation refused the value")
///     .with_source("max_connections is 0")
///     .at(&Entry::present("config", 5, "…"));
/// assert_eq!(format!("{error}"), "key `config` at revision 5: validation refused the value");
/// assert_eq!(
///     format!("{error:#}"),
///     "key `config` at revision 5: validation refused the value: max_connections is 0"
/// );
/// ```
///
/// # Secrets
///
/// A value may be a secret. `event` writes no value into an error, neither in `Display` nor in `Debug`, unless you call
/// `reveal` on a decoder of `event-codec`. Words of your own program are printed as they are, such as the `Display` of
/// the error that a closure or a validation returns. Its `Debug` is not printed. The docs of `event-codec` list all
/// such words.
///
/// # Cost
///
/// Cheap to clone: all watchers of a value share one error.
#[derive(Clone)]
pub struct Error(Option<Arc<Inner>>); // None: closed, which needs no allocation

/// What kind of error it is, for code that has to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The value ended, so there will be no newer version: no writer is left or, for a backend that only reads, its
    /// store ended. Leave the loop, since every later `get` returns this kind again. You may keep using the last value.
    Closed,
    /// The key was deleted, and the decoder has no value that stands for a missing key.
    Deleted,
    /// The bytes do not decode.
    Decode,
    /// The value decodes, but validation refused it.
    Invalid,
    /// A decoder or a mapper panicked on this version. The error does not contain the panic's message, which the
    /// panic hook prints.
    Panicked,
    /// An argument can't be used: an endpoint, a certificate, an option, a key.
    InvalidArgument,
    /// The backend refused the credentials. A `get` and a refresh of `event-etcd` never return this kind:
    /// they wait. Its `EtcdStore::ready` returns it.
    Unauthenticated,
    /// The backend does not let this user read the key. A `get` of `event-etcd` or `event-file` never returns
    /// this kind: it waits. A refresh and `ready` return it.
    PermissionDenied,
    /// A limit is exceeded. A refresh of `event-etcd` returns this kind if the value is too large for one message. If the
    /// server is overloaded, a refresh waits, and `EtcdStore::ready` returns this kind when its timeout is over.
    /// The cause in the health of the key or of the store tells the two apart: `TooLarge` or `ResourceExhausted`.
    ResourceExhausted,
    /// There was no answer in time. While a backend can't be reached, a `get` and a refresh wait, and do not return
    /// this kind. What has a timeout returns it: the adapter `timeout` of [`ReaderExt`](crate::ReaderExt), and calls
    /// such as `EtcdStore::ready` of `event-etcd`.
    Unavailable,
}

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    at: Option<(Bytes, Option<i64>)>,
    source: Option<Source>,
}

impl Error {
    /// An error of `kind`.
    ///
    /// The message is a lowercase fragment that says what is wrong, where, and what to do. It must not
    /// contain the value.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Some(Arc::new(Inner { kind, message: message.into(), at: None, source: None })))
    }

    /// The end of a value: see [`ErrorKind::Closed`].
    #[must_use]
    pub const fn closed() -> Self {
        Self(None)
    }

    /// Adds the cause. Its `Display` must not contain the value. Its `Debug` may: it is never printed.
    ///
    /// [`source`](StdError::source) returns the cause's words, not the cause itself, so it can't be
    /// downcast.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        if let Some(inner) = &mut self.0 {
            Arc::make_mut(inner).source = Some(Source::of(&*source.into()));
        }
        self
    }

    /// Adds the key and the revision of the entry that the error is about.
    #[must_use]
    pub fn at(mut self, entry: &Entry) -> Self {
        if let Some(inner) = &mut self.0 {
            Arc::make_mut(inner).at = Some((entry.key.clone(), entry.revision()));
        }
        self
    }

    /// Puts `context` in front of the message, such as the part of a program that the error comes from. It must
    /// not contain the value. The end of a value stays as it is.
    ///
    /// ```
    /// use event_core::{Entry, Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Decode, "expected a number").at(&Entry::present("port", 5, "…"));
    /// assert_eq!(
    ///     error.with_context("the listener").to_string(),
    ///     "key `port` at revision 5: the listener: expected a number",
    /// );
    /// ```
    #[must_use]
    pub fn with_context(mut self, context: impl fmt::Display) -> Self {
        if let Some(inner) = &mut self.0 {
            let inner = Arc::make_mut(inner);
            inner.message = format!("{context}: {}", inner.message);
        }
        self
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.as_ref().map_or(ErrorKind::Closed, |inner| inner.kind)
    }

    /// Whether the value ended: every later `get` returns [`Closed`](ErrorKind::Closed) too.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_none() || self.kind() == ErrorKind::Closed
    }

    /// The full key that the error is about, if it is about one.
    #[must_use]
    pub fn key(&self) -> Option<&[u8]> {
        self.0.as_ref()?.at.as_ref().map(|(key, _)| key.as_ref())
    }

    /// The revision that the error is about, if it is about one.
    #[must_use]
    pub fn revision(&self) -> Option<i64> {
        self.0.as_ref()?.at.as_ref().and_then(|(_, revision)| *revision)
    }
}

/// The words of a cause, and those of its own causes.
#[derive(Clone)]
struct Source {
    words: String,
    next: Option<Arc<Source>>,
}

impl Source {
    /// Only the `Display` of each cause is kept: a `Debug` may print the data, as that of
    /// `FromUtf8Error` does.
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let next = error.source().map(|next| Arc::new(Self::of(next)));
        Self { words: error.to_string(), next }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.words, f)
    }
}

impl StdError for Source {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let next = self.next.as_deref()?;
        Some(next)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(inner) = &self.0 else {
            return f.write_str("closed: no writer is left");
        };
        if let Some((key, revision)) = &inner.at {
            write!(f, "key `{}`", KeyName(key))?;
            if let Some(revision) = revision {
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
            let mut next = self.source();
            while let Some(cause) = next {
                text.field("source", &format_args!("{cause}"));
                next = cause.source();
            }
        }
        text.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.as_ref()?.source.as_ref()?;
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
            .at(&Entry::present("app/port", 7, "x"));
        assert_eq!(error.to_string(), "key `app/port` at revision 7: expected a number");
        assert_eq!(error.source().unwrap().to_string(), "the cause");
        assert_eq!((error.key(), error.revision()), (Some(&b"app/port"[..]), Some(7)));
    }

    #[test]
    fn a_key_that_was_never_seen_has_no_revision() {
        let error = Error::new(ErrorKind::PermissionDenied, "denied").at(&Entry::never_seen("app"));
        assert_eq!(error.to_string(), "key `app`: denied");
        assert_eq!(error.revision(), None);
    }

    #[test]
    fn the_causes_of_a_cause_are_kept_in_words() {
        let inner = Error::new(ErrorKind::Invalid, "inner").with_source("innermost");
        let error = Error::new(ErrorKind::Decode, "outer").with_source(inner);
        assert_eq!(format!("{error:#}"), "outer: inner: innermost");
        let text = format!("{error:?}");
        assert!(text.contains("inner") && text.contains("innermost"), "{text}");
    }

    #[test]
    fn a_context_stands_between_the_key_and_the_message_and_keeps_the_rest() {
        let error = Error::new(ErrorKind::Decode, "bad").with_source("why");
        let error = error.with_context("inner").at(&Entry::present("k", 7, "")).with_context(1);
        assert_eq!(format!("{error:#}"), "key `k` at revision 7: 1: inner: bad: why");
        assert_eq!((error.kind(), error.revision()), (ErrorKind::Decode, Some(7)));
        assert!(Error::closed().with_context("x").is_closed());
    }

    #[test]
    fn an_error_is_one_word_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert!(Error::closed().is_closed());
    }
}
