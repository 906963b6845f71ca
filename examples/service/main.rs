//! A web service whose configuration changes while it runs.
//!
//! The configuration is a JSON document, in memory or, with `--etcd ENDPOINTS`, in an etcd. Each request reads
//! the newest greeting and limit from it, and the log level follows it. A bad document is reported once, and the
//! last good one stays. `GET /ready` answers a load balancer, and `GET /metrics` a Prometheus. SIGTERM and SIGINT
//! end the service when the requests in progress are done.

mod config;
mod limit;
mod log_level;
mod readiness;
mod service;

use std::error::Error;
use std::time::Duration;

use axum::routing::get;
use clap::Parser;
use event_core::{BoxReader, Entry, Health, HealthState, MemoryValue, ReaderExt};
use event_etcd::{EtcdStore, Options};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, reload};

use crate::config::Config;

/// The configuration if there is no etcd.
const DOCUMENT: &str = r#"{"greeting": "hello", "log_level": "info", "max_requests": 100}"#;

#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
    /// The endpoints of an etcd, comma-separated. Without it, the configuration is in memory.
    #[arg(long)]
    etcd: Option<String>,
    /// The key of the configuration.
    #[arg(long, default_value = "config")]
    key: String,
    /// For how many seconds the service stays ready although its configuration may be stale.
    #[arg(long, default_value_t = 300)]
    tolerate_stale: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let (level, level_handle) = reload::Layer::new(LevelFilter::INFO);
    let lines = fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(level).with(lines).init();
    // The one place that decides where metrics go. Libraries only count.
    let metrics = PrometheusBuilder::new().install_recorder()?;

    // The one place that decides where the configuration lives.
    let (config, health) = match arguments.etcd {
        Some(endpoints) => in_etcd(endpoints, &arguments.key).await?,
        None => in_memory(),
    };
    let config = config.on_error(service::report);

    tokio::spawn(log_level::follow(
        config.clone().map(|config| config.log_level).dedup(),
        move |level| match level_handle.reload(level) {
            Ok(()) => tracing::info!("the log level is {level}"),
            Err(error) => tracing::error!("keeping the old log level: {error}"),
        },
    ));
    let tolerated = Duration::from_secs(arguments.tolerate_stale);
    let router = service::router(&config, &health, tolerated)
        .route("/metrics", get(move || async move { metrics.render() }));

    let stop = told_to_stop()?;
    let listener = TcpListener::bind(arguments.listen).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, router).with_graceful_shutdown(stop).await?;
    Ok(())
}

async fn in_etcd(
    endpoints: String,
    key: &str,
) -> Result<(BoxReader<Config>, BoxReader<Health>), event_core::Error> {
    let store = EtcdStore::connect([endpoints], Options::new()).await?;
    Ok((store.value(key).decode(Config::decoder()).boxed(), store.health().boxed()))
}

fn in_memory() -> (BoxReader<Config>, BoxReader<Health>) {
    let document = MemoryValue::new(Entry::present("config", 1, DOCUMENT));
    let health = MemoryValue::new(Health::new(HealthState::Live));
    (document.decode(Config::decoder()).boxed(), health.boxed())
}

/// Completes when SIGINT or SIGTERM comes, from now on.
fn told_to_stop() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping");
    })
}
