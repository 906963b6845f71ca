//! What becomes of one connection, seen from below HTTP/2.
//!
//! The HTTP/2 library says "operation was canceled: connection closed" where the server's TLS said that it
//! wants a certificate. So the connection is observed where the server's words arrive.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::SystemTime;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::advice::{Ended, advice};
use super::tls::Validity;
use crate::seam::etcd::causes;

/// Anything that bytes flow over.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// What is known of a connection.
#[derive(Default)]
pub(super) struct Link {
    tls: bool,
    /// The client's certificate. `None`: it has none, or its validity is unknown.
    identity: Option<Validity>,
    has_identity: bool,
    /// The first byte that the server sent, or 0 if there was none.
    first_byte: AtomicU8,
    /// How the connection ended.
    end: OnceLock<String>,
}

impl Link {
    pub(super) fn plain() -> Self {
        Self::default()
    }

    pub(super) fn tls(has_identity: bool, identity: Option<Validity>) -> Self {
        Self { tls: true, has_identity, identity, ..Self::default() }
    }

    /// Whether the server sent anything.
    pub(super) fn has_answered(&self) -> bool {
        self.first_byte.load(Ordering::Relaxed) != 0
    }

    /// An error of this connection in words: what to change, if that is known, and what happened.
    pub(super) fn explain(&self, error: &(dyn StdError + 'static)) -> String {
        let mut words = causes(error);
        if let Some(end) = self.end.get()
            && !words.contains(end.as_str())
        {
            words = format!("{words}: {end}");
        }
        let ended = Ended {
            tls: self.tls,
            has_identity: self.has_identity,
            first_byte: self.first_byte.load(Ordering::Relaxed),
        };
        let Some(advice) = advice(&words, &ended) else { return words };
        // The server may say no more than that the certificate is bad.
        let own = self.identity.as_ref().filter(|_| advice.is_about_identity);
        match own.and_then(|identity| identity.problem(SystemTime::now())) {
            Some(problem) => format!("{problem} ({words})"),
            None => format!("{} ({words})", advice.text),
        }
    }

    fn received(&self, bytes: &[u8]) {
        // HTTP/2 begins with the length of a frame, which may be zero in its first byte.
        if let Some(first) = bytes.first()
            && !self.has_answered()
        {
            self.first_byte.store((*first).max(1), Ordering::Relaxed);
        }
    }
}

/// An error of the connection in the words of [`Link::explain`].
#[derive(Debug)]
pub(super) struct LinkError(pub(super) String);

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for LinkError {}

/// The bytes of a connection, observed.
pub(super) struct Observed {
    io: Box<dyn Io>,
    link: Arc<Link>,
}

impl Observed {
    pub(super) fn new(io: Box<dyn Io>, link: Arc<Link>) -> Self {
        Self { io, link }
    }

    /// Notes how the connection ended. A server that ends it says why in what can still be read, also
    /// where writing fails first.
    fn note(&mut self, error: &io::Error, cx: &mut Context<'_>) {
        let mut byte = [0];
        let read = Pin::new(&mut self.io).poll_read(cx, &mut ReadBuf::new(&mut byte));
        let end = match read {
            Poll::Ready(Err(reason)) => causes(&reason),
            _ => causes(error),
        };
        let _ = self.link.end.set(end); // the first one counts
    }

    fn written<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &written {
            self.note(error, cx);
        }
        written
    }
}

impl AsyncRead for Observed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let has_room = buffer.remaining() > 0;
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        match &read {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => {
                self.link.received(&buffer.filled()[before..]);
            }
            Poll::Ready(Ok(())) if has_room => {
                let _ = self.link.end.set("the server closed the connection".to_owned());
            }
            Poll::Ready(Err(error)) => {
                let _ = self.link.end.set(causes(error));
            }
            _ => {}
        }
        read
    }
}

impl AsyncWrite for Observed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.written(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, parts);
        self.written(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.written(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
