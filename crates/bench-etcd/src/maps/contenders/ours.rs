//! A map of a store.

use event_core::{Change, MapReader, MapWatcherExt};
use event_etcd::{EtcdStore, Options};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::maps::seen::Seen;

pub(super) async fn follow(endpoint: &str, prefix: &str, seen: &Seen, tasks: &mut JoinSet<()>) {
    let store = EtcdStore::connect([endpoint], Options::new()).await.expect("a store");
    let mut watcher = store.map(prefix).watch();
    let (synced, is_synced) = oneshot::channel();
    let (mut synced, seen) = (Some(synced), seen.clone());
    tasks.spawn(async move {
        while let Ok(change) = watcher.change().await {
            match change {
                Change::Put { key, value } => {
                    seen.put(&key, value.value().map_or(&[][..], |value| value));
                }
                Change::Synced => drop(synced.take().map(|synced| synced.send(()))),
                _ => seen.delete(),
            }
        }
    });
    is_synced.await.expect("the map is read");
}
