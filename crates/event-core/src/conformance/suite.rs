//! Running the laws, each bounded in time.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::maps::MapSubject;
use super::progress::Progress;
use super::{Subject, block_on};
use crate::{MapReader, ValueReader};

/// How long a law may take, if nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The future of one law on one subject, for the executor to run.
pub type LawFuture = Pin<Box<dyn Future<Output = ()>>>;

/// The laws, and how to run them: what makes a subject, which executor, how long each may take.
///
/// [`conformance_tests!`](crate::conformance_tests) makes one for each test.
#[derive(Debug, Clone)]
#[must_use = "a suite does nothing unless a law is checked"]
pub struct Suite<N, B = fn(LawFuture)> {
    new: N,
    block_on: B,
    timeout: Duration,
}

impl<N> Suite<N> {
    /// A suite for what `new` makes: a reader without a version, and its [`Subject`].
    ///
    /// Each law gets a pair of its own.
    pub fn new(new: N) -> Self {
        Self { new, block_on: block_on::<LawFuture>, timeout: TIMEOUT }
    }
}

impl<N, B> Suite<N, B> {
    /// Sets the executor: a function that runs a future to completion on the calling thread.
    ///
    /// The default needs no runtime.
    pub fn block_on<C: FnOnce(LawFuture)>(self, block_on: C) -> Suite<N, C> {
        Suite { new: self.new, block_on, timeout: self.timeout }
    }

    /// Sets how long each law may take, including the time to make its subject. 30 seconds by default.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Checks one law. `law` is a function of the module [`laws`](super::laws), and `name` is its name, for
    /// the message.
    ///
    /// The law runs on a thread of its own, so the timeout holds even if a poll never returns.
    ///
    /// # Panics
    ///
    /// If the law is broken: with its number, its name and what was seen.
    pub fn check<R, S, F>(self, name: &str, law: impl FnOnce(R, S) -> F + Send + 'static)
    where
        N: AsyncFnOnce() -> (R, S) + Send + 'static,
        B: FnOnce(LawFuture) + Send + 'static,
        F: Future<Output = ()>,
        R: 'static,
        S: 'static,
    {
        if let Some(failure) = self.failure(name, law) {
            panic!("{failure}");
        }
    }

    /// Checks all laws, one after the other, and returns a message for each that is broken.
    ///
    /// For a program without `#[test]`s.
    #[must_use]
    pub fn failures<R, S>(&self) -> Vec<String>
    where
        N: AsyncFnOnce() -> (R, S) + Clone + Send + 'static,
        B: FnOnce(LawFuture) + Clone + Send + 'static,
        R: ValueReader<u64, Watcher: Send + 'static> + 'static,
        S: Subject + 'static,
    {
        let mut failures = Vec::new();
        macro_rules! check {
            ({} $($law:ident)*) => {
                $(failures.extend(self.clone().failure(stringify!($law), super::laws::$law));)*
            };
        }
        crate::__conformance_laws!({} check);
        failures
    }

    /// The same for the laws of maps.
    #[must_use]
    pub fn map_failures<R, S>(&self) -> Vec<String>
    where
        N: AsyncFnOnce() -> (R, S) + Clone + Send + 'static,
        B: FnOnce(LawFuture) + Clone + Send + 'static,
        R: MapReader<S::Key, u64, Watcher: Send + 'static> + 'static,
        S: MapSubject<Key: Send> + 'static,
    {
        let mut failures = Vec::new();
        macro_rules! check {
            ({} $($law:ident)*) => {
                $(failures.extend(self.clone().failure(stringify!($law), super::maps::laws::$law));)*
            };
        }
        crate::__map_conformance_laws!({} check);
        failures
    }

    fn failure<R, S, F>(
        self,
        name: &str,
        law: impl FnOnce(R, S) -> F + Send + 'static,
    ) -> Option<String>
    where
        N: AsyncFnOnce() -> (R, S) + Send + 'static,
        B: FnOnce(LawFuture) + Send + 'static,
        F: Future<Output = ()>,
        R: 'static,
        S: 'static,
    {
        let Self { new, block_on, timeout } = self;
        let progress = Arc::new(Progress::default());
        let theirs = Arc::clone(&progress);
        let (done, outcome) = mpsc::channel();
        thread::spawn(move || {
            theirs.enter();
            let run = || {
                block_on(Box::pin(async move {
                    let (reader, subject) = new().await;
                    law(reader, subject).await;
                }));
            };
            done.send(catch_unwind(AssertUnwindSafe(run)))
        });
        let seen = match outcome.recv_timeout(timeout) {
            Ok(Ok(())) => None,
            Ok(Err(panic)) => Some(message(&*panic)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                let step = progress.last_step();
                Some(format!("not done within {timeout:?}; last step: {step}"))
            }
        };
        progress.abandon();
        seen.map(|seen| format!("{}: {seen}", title(name)))
    }
}

/// `law_4_last_one_arrives` as `law 4, last one arrives`.
fn title(name: &str) -> String {
    let words = name.replace('_', " ");
    match words.strip_prefix("law ").and_then(|law| law.split_once(' ')) {
        Some((number, rest)) => format!("law {number}, {rest}"),
        None => words,
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref().cloned()).unwrap_or_else(|| "a panic".to_owned())
}
