//! Many watchers, each in a task of its own, and the time until all of them have a new version.

use std::sync::Arc;
use std::time::Instant;

use measure::{Role, median};
use tokio::task::JoinSet;

use crate::board::Board;
use crate::run::Run;

/// Watchers of one source.
pub(super) struct Audience<S> {
    who: (&'static str, Role),
    pub(super) source: S,
    pub(super) board: Arc<Board>,
    times: Vec<f64>,
    pub(super) tasks: JoinSet<()>,
}

impl<S> Audience<S> {
    pub(super) fn new(who: (&'static str, Role), source: S, watchers: usize) -> Self {
        let board = Arc::new(Board::new(watchers));
        Self { who, source, board, times: Vec::new(), tasks: JoinSet::new() }
    }

    /// Makes a version, and waits until all have it.
    pub(super) async fn publish(&mut self, generation: u32, make: impl AsyncFnOnce(&S)) {
        self.board.want(generation);
        let start = Instant::now();
        make(&self.source).await;
        self.board.complete().await;
        self.times.push(start.elapsed().as_secs_f64() * 1e3);
    }

    /// Forgets the times until now.
    pub(super) fn warmed_up(&mut self) {
        self.times.clear();
    }

    /// Reports the median. What is in memory lacks the `put`.
    pub(super) fn report(&mut self, run: &mut Run, work: &str, watchers: usize, put: f64) {
        run.add_as(work, Some(watchers), self.who, median(&mut self.times) + put, "ms");
    }
}
