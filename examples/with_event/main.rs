//! Follows a key of an etcd and prints each value, and whether the value may be stale: with `event`.

use event_codec::Utf8;
use event_core::{ReaderExt, ValueReader, WatcherExt};
use event_etcd::{EtcdStore, Options};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = std::env::args().nth(1).ok_or("usage: with_event ENDPOINT")?;
    let store = EtcdStore::connect([endpoint], Options::new()).await?;
    let mut config = store.value("config").decode(Utf8).watch();
    let mut health = store.health().map(|health| health.state).dedup().watch();
    loop {
        tokio::select! {
            version = config.get() => match version {
                Ok(config) => println!("config: {config}"),
                Err(error) if error.is_closed() => return Ok(()),
                Err(error) => eprintln!("keeping the old config: {error:#}"),
            },
            Ok(state) = health.get() => println!("health: {state}"),
        }
    }
}
