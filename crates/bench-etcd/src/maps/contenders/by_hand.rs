//! A read into a `HashMap`, and a watch from there, by hand.
//!
//! As the raw loops for keys, it has no bound, takes no care of a compaction, and does not notice a connection
//! that is silent.

use std::collections::HashMap;
use std::time::Duration;

use etcd_client::{Client, Error, EventType, KeyValue, WatchOptions};
use event_core::Bytes;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::pages::{self, Size};
use super::table::Table;
use crate::maps::seen::Seen;

/// How long it waits before it connects again.
const PAUSE: Duration = Duration::from_millis(10);
/// What an apiserver of Kubernetes reads of etcd at once.
const KUBE_PAGE: i64 = 10_000;

/// With a buffer, a read fills a second table in pages, which then replaces the first. Without, it is one page,
/// put into the table that is there, and deletes that were missed stay unknown.
pub(super) async fn follow(
    endpoint: &str,
    prefix: &str,
    is_buffered: bool,
    seen: &Seen,
    tasks: &mut JoinSet<()>,
) {
    let (ready, is_ready) = oneshot::channel();
    let (endpoint, prefix) = (endpoint.to_owned(), prefix.to_owned());
    let mut loop_ = Loop {
        endpoint,
        prefix,
        is_buffered,
        seen: seen.clone(),
        table: HashMap::new(),
        ready: Some(ready),
    };
    tasks.spawn(async move {
        loop {
            let _ = loop_.connection().await;
            sleep(PAUSE).await;
        }
    });
    is_ready.await.expect("the range is read");
}

struct Loop {
    endpoint: String,
    prefix: String,
    is_buffered: bool,
    seen: Seen,
    table: Table,
    ready: Option<oneshot::Sender<()>>,
}

impl Loop {
    /// Reads and watches, until the connection ends.
    async fn connection(&mut self) -> Result<(), Error> {
        let mut client = Client::connect([&self.endpoint], None).await?;
        let revision = self.read(&client).await?;
        if let Some(ready) = self.ready.take() {
            let _ = ready.send(());
        }
        let options = WatchOptions::new().with_prefix().with_start_revision(revision + 1);
        let mut stream = client.watch(&*self.prefix, Some(options)).await?;
        while let Some(response) = stream.message().await? {
            // Of the message itself, for nothing to be copied.
            for event in response.0.events {
                let is_delete = event.r#type == EventType::Delete as i32;
                let Some(kv) = event.kv else { continue };
                if is_delete {
                    self.seen.delete();
                    self.table.remove(&*kv.key);
                } else {
                    self.seen.put(&kv.key, &kv.value);
                    self.table.insert(kv.key.into(), (kv.value.into(), kv.mod_revision));
                }
            }
        }
        Ok(())
    }

    async fn read(&mut self, client: &Client) -> Result<i64, Error> {
        if !self.is_buffered {
            let Self { table, seen, .. } = self;
            let give = |kv: KeyValue| {
                seen.put(kv.key(), kv.value());
                insert(table, kv);
            };
            return pages::read(client, &self.prefix, Size::All, give).await;
        }
        let mut buffer = HashMap::new();
        let give = |kv| insert(&mut buffer, kv);
        let revision = pages::read(client, &self.prefix, Size::Keys(KUBE_PAGE), give).await?;
        self.table = buffer;
        // The consumer gets all of it, and the sentinel last.
        let mut sentinel = None;
        for (key, (value, _)) in &self.table {
            if key.ends_with(crate::maps::keys::SENTINEL.as_bytes()) {
                sentinel = Some((key, value));
            } else {
                self.seen.put(key, value);
            }
        }
        if let Some((key, value)) = sentinel {
            self.seen.put(key, value);
        }
        Ok(revision)
    }
}

fn insert(table: &mut Table, kv: KeyValue) {
    let revision = kv.mod_revision();
    let (key, value) = kv.into_key_value();
    table.insert(Bytes::from(key), (Bytes::from(value), revision));
}
