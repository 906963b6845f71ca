//! Waiting for a condition, with a bound.

use std::{
    fmt::Debug,
    future::Future,
    panic::Location,
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

/// How long to wait before a condition is looked at again.
const PAUSE: Duration = Duration::from_millis(10);

/// What a look at a condition can answer: `bool`, `Option<T>` or `Result<T, E>`.
pub trait Outcome {
    /// What [`eventually`] returns once the condition holds.
    type Done;

    /// The result, or what to say if it was the last look.
    fn done(self) -> Result<Self::Done, String>;
}

impl Outcome for bool {
    type Done = ();

    fn done(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("it did not hold".to_owned()) }
    }
}

impl<T> Outcome for Option<T> {
    type Done = T;

    fn done(self) -> Result<T, String> {
        self.ok_or_else(|| "there was none".to_owned())
    }
}

impl<T, E: Debug> Outcome for Result<T, E> {
    type Done = T;

    fn done(self) -> Result<T, String> {
        self.map_err(|error| format!("{error:?}"))
    }
}

/// Looks at a condition again and again until it holds, and returns what it gave.
///
/// ```
/// # use std::time::Duration;
/// # use etcd_harness::eventually;
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let mut looks = 0;
/// let third = eventually(Duration::from_secs(1), "the third look", async || {
///     looks += 1;
///     (looks == 3).then_some(looks)
/// })
/// .await;
/// assert_eq!(third, 3);
/// # }
/// ```
///
/// # Panics
///
/// If it does not hold within `bound`; the message tells `what` was awaited, for how long, and what the
/// last look said. A look that hangs is cut off at the bound.
#[track_caller]
pub fn eventually<R: Outcome>(
    bound: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> R,
) -> impl Future<Output = R::Done> {
    let caller = Location::caller();
    async move {
        let start = Instant::now();
        let mut last = "no look came to an end".to_owned();
        loop {
            let left = bound.saturating_sub(start.elapsed());
            match timeout(left, look()).await.map(Outcome::done) {
                Ok(Ok(done)) => return done,
                Ok(Err(reason)) => last = reason,
                Err(_elapsed) => {}
            }
            assert!(
                start.elapsed() < bound,
                "{caller}: not within {bound:?}: {what} (last look: {last})"
            );
            sleep(PAUSE).await;
        }
    }
}
