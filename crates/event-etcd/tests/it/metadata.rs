//! What an entry has beside its bytes and its revision, on a real etcd.

use etcd_client::{Client, PutOptions};
use event_core::{Change, Entry, MapReader, MapWatcherExt, Metadata, ReaderExt, ValueReader};
use tokio::time::timeout;

use crate::support::{BOUND, delete, next, one_node, put};

/// A key of the client, bound to a lease. Returns its revision.
async fn put_with(client: &Client, key: &str, value: &str, lease: i64) -> i64 {
    let options = PutOptions::new().with_lease(lease);
    let answer = client.kv_client().put(key, value, Some(options)).await;
    answer.expect("the put is taken").header().expect("an answer has a header").revision()
}

async fn grant(client: &Client) -> i64 {
    client.lease_client().grant(3600, None).await.expect("a lease").id()
}

/// The next version of the map's key.
async fn next_put(watcher: &mut impl MapWatcherExt<event_core::Bytes, Entry>) -> Option<Entry> {
    loop {
        match timeout(BOUND, watcher.change()).await.expect("a change comes").expect("it goes on") {
            Change::Put { value, .. } => return Some(value),
            Change::Delete { .. } => return None,
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_key_has_its_create_revision_its_version_and_its_lease() {
    let (cluster, client, store) = one_node().await;
    let (mut one, mut map) = (store.value("s/a").watch(), store.map("s").watch());
    assert_eq!(next(&mut one).await.unwrap().metadata(), Metadata::new(), "it is not there");
    let lease = grant(&client).await;
    let created = put_with(&client, "s/a", "x", lease).await;
    for version in 1..=3 {
        if version > 1 {
            put_with(&client, "s/a", "x", lease).await;
        }
        let expected =
            Metadata::new().with_create_revision(created).with_version(version).with_lease(lease);
        // By the watch of the key, and by that of the range: the same bytes again are a new version.
        let entry = next(&mut one).await.unwrap();
        assert_eq!(entry.metadata(), expected);
        assert_eq!(next_put(&mut map).await.unwrap(), entry);
        // By a read of the key, and by that of the range.
        let read = crate::support::store(cluster.endpoints()).await;
        assert_eq!(next(&mut read.value("s/a").watch()).await.unwrap(), entry);
        assert_eq!(next_put(&mut read.map("s").watch()).await.unwrap(), entry);
        // And a later read of what is known finds nothing new.
        store.value("s/a").refresh().await.unwrap();
        store.map("s").refresh().await.unwrap();
    }
    let free = put(&client, "s/a", "x").await;
    let entry = next(&mut one).await.unwrap();
    let known = (entry.create_revision(), entry.version(), entry.lease());
    assert_eq!(known, (Some(created), Some(4), None), "a put without a lease frees the key");
    assert_eq!(next_put(&mut map).await.unwrap().revision(), Some(free));

    delete(&client, "s/a").await;
    assert_eq!(next(&mut one).await.unwrap().metadata(), Metadata::new());
    assert_eq!(next_put(&mut map).await, None);
    let created = put_with(&client, "s/a", "x", lease).await;
    let entry = next(&mut one).await.unwrap();
    let known = (entry.create_revision(), entry.version(), entry.lease());
    assert_eq!(known, (Some(created), Some(1), Some(lease)), "it is created anew");
    assert_eq!(next_put(&mut map).await.unwrap(), entry);
}

#[tokio::test]
async fn a_typed_value_has_the_metadata_of_its_entry() {
    let (_cluster, client, store) = one_node().await;
    let created = put(&client, "s/a", "1").await;
    put(&client, "s/a", "2").await;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
    let mut one = store.value("s/a").decode_versioned(text).watch();
    let versioned = next(&mut one).await.unwrap();
    let expected = Metadata::new().with_create_revision(created).with_version(2);
    assert_eq!((versioned.value.as_str(), versioned.metadata), ("2", expected));
}
