//! At most so many requests at once as the newest configuration says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use event_core::adapters::Current;

use crate::config::Config;

/// Counts the requests in progress, and compares the count with the newest configuration.
#[derive(Clone)]
pub(crate) struct Limit {
    config: Current<Config>,
    in_progress: Arc<AtomicUsize>,
}

/// A request in progress.
struct InProgress(Arc<AtomicUsize>);

impl Limit {
    pub(crate) fn new(config: Current<Config>) -> Self {
        Self { config, in_progress: Arc::default() }
    }

    /// `None` if there are too many, or if there is no configuration yet.
    fn enter(&self) -> Option<InProgress> {
        let max = self.config.get()?.max_requests;
        let others = self.in_progress.fetch_add(1, Ordering::Relaxed);
        let request = InProgress(Arc::clone(&self.in_progress));
        (others < max).then_some(request)
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Refuses a request that is one too many.
pub(crate) async fn limit(State(limit): State<Limit>, request: Request, next: Next) -> Response {
    match limit.enter() {
        Some(_in_progress) => next.run(request).await,
        None => (StatusCode::SERVICE_UNAVAILABLE, "too many requests\n").into_response(),
    }
}
