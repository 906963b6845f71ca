//! The end of a value, which is answered for ever.

use std::task::{Context, Poll};

use crate::Error;

/// After this many answers in a row a poll yields to the executor once. A loop that goes on asking a
/// closed value would otherwise keep its thread from all other tasks.
const ANSWERS: u8 = 32;

/// Counts how often a watcher has yielded `Closed`.
#[derive(Debug, Default)]
pub(crate) struct End(u8);

impl End {
    pub(crate) fn poll<T>(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        self.0 += 1;
        if self.0 > ANSWERS {
            self.0 = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Err(Error::closed()))
    }
}
