//! Service discovery: instances register, and a client balances over those that are live.
//!
//! Without arguments, two instances and a client run in this program, over a store in memory. With `--etcd ENDPOINTS`
//! and `--serve NAME`, the program is one instance: it keeps its key with a lease, and registers again when the lease
//! is lost. With `--etcd ENDPOINTS` alone, it is the client, until it is killed.

mod balance;
mod instance;
mod register;

use std::time::Duration;

use clap::Parser;
use event_core::{BoxMapReader, Bytes, Change, MapReader, MapWatcherExt, MemoryStore};
use event_etcd::{EtcdStore, Options};
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;
use tokio::time::interval;
use tower::BoxError;
use tracing_subscriber::filter::LevelFilter;

use crate::balance::{balanced, call, instances};
use crate::instance::serve;
use crate::register::Registration;

#[derive(Debug, Parser)]
struct Arguments {
    /// The endpoints of an etcd, comma-separated. Without it, all is in memory.
    #[arg(long)]
    etcd: Option<String>,
    /// The name of the service.
    #[arg(long, default_value = "web")]
    service: String,
    /// Serve as an instance of this name.
    #[arg(long, requires = "etcd")]
    serve: Option<String>,
    /// Where an instance listens.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt().with_max_level(LevelFilter::INFO).with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    let Some(etcd) = arguments.etcd else { return in_memory().await };
    if let Some(name) = arguments.serve {
        let listener = TcpListener::bind(arguments.listen).await?;
        let key = format!("services/{}/{name}", arguments.service);
        let address = listener.local_addr()?.to_string();
        let registration = Registration { etcd, key, address, ttl: 5 };
        let mut registered = None;
        tokio::select! {
            () = registration.keep(&mut registered) => {}
            () = serve(listener, &name) => {}
            _ = ctrl_c() => {}
        }
        if let Some(registered) = registered {
            registered.leave().await?;
        }
        return Ok(());
    }
    let store = EtcdStore::connect(etcd.split(','), Options::new()).await?;
    let instances = instances(&store, &arguments.service);
    tokio::join!(print_changes(&instances), call_forever(&instances));
    Ok(())
}

async fn in_memory() -> Result<(), BoxError> {
    let store = MemoryStore::new();
    for name in ["a", "b"] {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        store.set(format!("services/web/{name}"), listener.local_addr()?.to_string());
        tokio::spawn(async move { serve(listener, name).await });
    }
    let instances = instances(&store, "web");
    let mut service = balanced(&instances);
    for _ in 0..4 {
        println!("answered by {}", call(&mut service).await?);
    }
    store.delete("services/web/a");
    println!("a is gone");
    println!("answered by {}", call(&mut service).await?);
    Ok(())
}

async fn print_changes(instances: &BoxMapReader<Bytes, String>) {
    let mut watcher = instances.watch();
    while let Ok(change) = watcher.change().await {
        match change {
            Change::Put { key, value } => println!("{} is at {value}", key.escape_ascii()),
            Change::Delete { key } => println!("{} is gone", key.escape_ascii()),
            Change::Failed { key, error } => println!("{}: {error:#}", key.escape_ascii()),
            _ => println!("these are all"),
        }
    }
}

async fn call_forever(instances: &BoxMapReader<Bytes, String>) {
    let mut service = balanced(instances);
    let mut pace = interval(Duration::from_secs(1));
    loop {
        pace.tick().await;
        match call(&mut service).await {
            Ok(name) => println!("answered by {name}"),
            Err(error) => println!("not answered: {error}"),
        }
    }
}
