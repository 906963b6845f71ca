//! What the service does, wherever its configuration lives.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;
use event_core::adapters::Current;
use event_core::{Error, Health, ReaderExt, ValueReader};

use crate::config::Config;
use crate::limit::{Limit, limit};
use crate::readiness::readiness;

/// The state that all requests share. Each of them reads the newest versions from it.
#[derive(Clone)]
struct Service {
    config: Current<Config>,
    health: Current<Health>,
    /// How long the service stays ready although its configuration may be stale.
    tolerated: Duration,
}

/// The routes, over any reader of the configuration and of the backend's health.
pub(crate) fn router<C, H>(config: &C, health: &H, tolerated: Duration) -> Router
where
    C: ValueReader<Config, Watcher: Send + 'static>,
    H: ValueReader<Health, Watcher: Send + 'static>,
{
    let (config, health) = (config.current(), health.current());
    Router::new()
        .route("/", get(greet))
        .layer(from_fn_with_state(Limit::new(config.clone()), limit))
        .route("/ready", get(ready)) // not limited: a busy service is no broken one
        .with_state(Service { config, health, tolerated })
}

/// Logs and counts a version of the configuration that can't be used. The last good one stays.
pub(crate) fn report(error: &Error) {
    tracing::error!("keeping the old configuration: {error:#}");
    metrics::counter!("config_errors_total").increment(1);
}

async fn greet(State(service): State<Service>) -> Result<String, StatusCode> {
    let config = service.config.get().ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(format!("{}\n", config.greeting))
}

async fn ready(State(service): State<Service>) -> impl IntoResponse {
    let has_config = service.config.get().is_some();
    let ready = match service.health.get() {
        Some(health) => readiness(has_config, &health, service.tolerated),
        None => Err("the health is unknown".to_owned()),
    };
    match ready {
        Ok(body) => (StatusCode::OK, format!("{body}\n")),
        Err(body) => (StatusCode::SERVICE_UNAVAILABLE, format!("{body}\n")),
    }
}
