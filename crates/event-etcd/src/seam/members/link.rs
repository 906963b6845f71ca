//! What becomes of one connection, seen from below HTTP/2.
//!
//! The HTTP/2 library says "operation was canceled: connection closed" where the server's TLS said that it
//! wants a certificate. So the connection is observed where the server's words arrive.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::SystemTime;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::advice::{Ended, advice};
use super::settings::Settings;
use super::validity::{Validity, without_clock};
use crate::seam::etcd::causes;

/// Anything that bytes flow over.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// What is known of a connection.
#[derive(Default)]
pub(super) struct Link {
    tls: bool,
    in_handshake: bool,
    /// The client's certificate. `None`: it has none, or its validity is unknown.
    identity: Option<Validity>,
    has_identity: bool,
    /// The first byte that the server sent, or 0 if there was none.
    first_byte: AtomicU8,
    /// How many bytes the server sent.
    received: AtomicU64,
    settings: Settings,
    /// How the connection ended.
    end: OnceLock<String>,
}

impl Link {
    pub(super) fn plain() -> Self {
        Self::default()
    }

    pub(super) fn tls(has_identity: bool, identity: Option<Validity>) -> Self {
        Self { tls: true, in_handshake: true, has_identity, identity, ..Self::default() }
    }

    pub(super) fn after_handshake(self) -> Self {
        Self { in_handshake: false, ..self }
    }

    /// Whether the server sent anything.
    pub(super) fn has_answered(&self) -> bool {
        self.first_byte.load(Ordering::Relaxed) != 0
    }

    /// An error of this connection in words: what to change, if that is known, and what happened.
    pub(super) fn explain(&self, error: &(dyn StdError + 'static)) -> String {
        let mut words = without_clock(&causes(error));
        if let Some(end) = self.end.get()
            && !words.contains(end.as_str())
        {
            words = format!("{words}: {end}");
        }
        let ended = Ended {
            tls: self.tls,
            in_handshake: self.in_handshake,
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

    /// How many bytes the server sent.
    pub(super) fn bytes(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Whether the server takes no more than one call or stream at a time.
    pub(super) fn takes_one_at_a_time(&self) -> bool {
        self.settings.most_streams() == 1
    }

    fn received(&self, bytes: &[u8]) {
        self.settings.read(self.received.load(Ordering::Relaxed), bytes);
        self.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
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
    /// Writing failed with this error, and what the server sent before is not read yet.
    failed: Option<io::Error>,
}

impl Observed {
    pub(super) fn new(io: Box<dyn Io>, link: Arc<Link>) -> Self {
        Self { io, link, failed: None }
    }

    /// Writes. A server that ends a connection says why, and can still be read where writing fails: the
    /// error is returned when all was read.
    fn write<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut Box<dyn Io>>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let error = match self.failed.take() {
            Some(error) => error,
            None => match write(Pin::new(&mut self.io), cx) {
                Poll::Ready(Err(error)) => error,
                written => return written,
            },
        };
        let mut bytes = [0; 1024];
        let end = loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
                Poll::Pending => {
                    self.failed = Some(error);
                    return Poll::Pending;
                }
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.link.received(buffer.filled());
                }
                Poll::Ready(Ok(())) => break causes(&error),
                Poll::Ready(Err(reason)) => break causes(&reason),
            }
        };
        let _ = self.link.end.set(end); // the first one counts
        Poll::Ready(Err(error))
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
        self.write(cx, |io, cx| io.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, |io, cx| io.poll_write_vectored(cx, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write(cx, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// A connection that can't be written to, and ends with these words when it is read.
    struct Refused {
        words: Option<&'static str>,
        waker: Option<Waker>,
    }

    impl AsyncRead for Refused {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            match self.words {
                Some(words) if self.waker.is_some() => Poll::Ready(Err(io::Error::other(words))),
                _ => {
                    self.waker.insert(cx.waker().clone()).wake_by_ref();
                    Poll::Pending
                }
            }
        }
    }

    impl AsyncWrite for Refused {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn what_the_server_said_is_read_also_after_writing_failed() {
        let link = Arc::new(Link::tls(false, None).after_handshake());
        let words = Some("received fatal alert: CertificateRequired");
        let mut observed =
            Observed::new(Box::new(Refused { words, waker: None }), Arc::clone(&link));
        let error = observed.write_all(b"PRI * HTTP/2.0").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        let text = link.explain(&error);
        assert!(
            text.contains("`Options::identity`") && text.contains("CertificateRequired"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_link_knows_whether_the_server_sent_anything() {
        let link = Arc::new(Link::plain());
        let (io, mut server) = duplex(64);
        let mut observed = Observed::new(Box::new(io), Arc::clone(&link));
        observed.write_all(b"question").await.unwrap();
        assert!(!link.has_answered());
        server.write_all(&[0, 0, 18, 4]).await.unwrap();
        let mut bytes = [0; 4];
        observed.read_exact(&mut bytes).await.unwrap();
        assert!(link.has_answered());
        drop(server);
        assert_eq!(observed.read(&mut bytes).await.unwrap(), 0);
        let error = io::Error::other("connection error");
        assert_eq!(link.explain(&error), "connection error: the server closed the connection");
    }
}
