//! Waits for a condition, with a timeout.

use std::{
    fmt::Debug,
    future::Future,
    panic::Location,
    time::{Duration, Instant},
};

use tokio::time::sleep;

/// The pause between two checks.
const INTERVAL: Duration = Duration::from_millis(10);

/// The result of checking a condition: a `bool`, `Option<T>` or `Result<T, E>`.
pub trait Outcome {
    /// What [`eventually`] returns when the condition holds.
    type Done;

    /// The result, if the condition holds. Else a description of why it does not hold.
    fn done(self) -> Result<Self::Done, String>;
}

impl Outcome for bool {
    type Done = ();

    fn done(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("false".to_owned()) }
    }
}

impl<T> Outcome for Option<T> {
    type Done = T;

    fn done(self) -> Result<T, String> {
        self.ok_or_else(|| "None".to_owned())
    }
}

impl<T, E: Debug> Outcome for Result<T, E> {
    type Done = T;

    fn done(self) -> Result<T, String> {
        self.map_err(|error| format!("{error:?}"))
    }
}

/// Checks a condition repeatedly until it holds, and returns its result.
///
/// ```
/// # use std::time::Duration;
/// # use etcd_harness::eventually;
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let mut checks = 0;
/// let third = eventually(Duration::from_secs(1), "this is the third check", async || {
///     checks += 1;
///     (checks == 3).then_some(checks)
/// })
/// .await;
/// assert_eq!(third, 3);
/// # }
/// ```
///
/// # Panics
///
/// If the condition does not hold within `timeout`. The message has the timeout, the description `what` of
/// the condition, and the result of the last check. A check that does not complete is dropped at the
/// timeout.
#[track_caller]
pub fn eventually<R: Outcome>(
    timeout: Duration,
    what: &str,
    mut check: impl AsyncFnMut() -> R,
) -> impl Future<Output = R::Done> {
    let caller = Location::caller();
    async move {
        let start = Instant::now();
        let mut last = "no check completed".to_owned();
        loop {
            let left = timeout.saturating_sub(start.elapsed());
            match tokio::time::timeout(left, check()).await.map(Outcome::done) {
                Ok(Ok(done)) => return done,
                Ok(Err(reason)) => last = reason,
                Err(_elapsed) => {}
            }
            assert!(
                start.elapsed() < timeout,
                "{caller}: not within {timeout:?}: {what} (last check: {last})"
            );
            sleep(INTERVAL).await;
        }
    }
}
