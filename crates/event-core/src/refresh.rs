//! Asking a backend for its newest data.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::Error;

type Pending = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// The future of [`ValueReader::refresh`](crate::ValueReader::refresh).
#[must_use = "futures do nothing unless awaited"]
#[derive(Default)]
pub struct Refresh {
    /// What still has to complete. Empty from the start if there is nothing to refresh.
    pending: Vec<Pending>,
}

impl Refresh {
    /// Completes at once: what the reader has is always the newest.
    pub const fn nothing() -> Self {
        Self { pending: Vec::new() }
    }

    /// A refresh that is complete when `future` is.
    pub fn new(future: impl Future<Output = Result<(), Error>> + Send + 'static) -> Self {
        Self { pending: vec![Box::pin(future)] }
    }

    /// Whether there is nothing left to wait for: it was made by [`nothing`](Self::nothing), or is
    /// complete.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.pending.is_empty()
    }

    /// Both refreshes, at the same time. If one fails, it ends with that error at once.
    pub fn and(mut self, other: Self) -> Self {
        self.pending.extend(other.pending);
        self
    }
}

impl Future for Refresh {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut result = Ok(());
        self.pending.retain_mut(|pending| match pending.as_mut().poll(cx) {
            Poll::Pending => true,
            Poll::Ready(Ok(())) => false,
            Poll::Ready(Err(error)) => {
                result = Err(error);
                false
            }
        });
        if result.is_err() {
            self.pending.clear();
        }
        if self.pending.is_empty() { Poll::Ready(result) } else { Poll::Pending }
    }
}

impl fmt::Debug for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresh").field("pending", &self.pending.len()).finish()
    }
}
