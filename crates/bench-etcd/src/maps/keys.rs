//! The keys of a map: names of 40 bytes with values of 100, and a sentinel.
//!
//! The sentinel is the last of the keys. It is written last, and every way to read a range gives it last. Who
//! has its newest generation therefore has all that was written before.

use etcd_client::{Client, Txn, TxnOp};
use futures_util::stream::{self, StreamExt};

use crate::keys::value;

/// The folder that the contenders follow.
pub(crate) const PREFIX: &str = "map/";
/// A folder with a sentinel only: what a contender takes without keys.
pub(crate) const EMPTY: &str = "nil/";
/// How the name of the sentinel ends. The Go program knows it too.
pub(crate) const SENTINEL: &str = "~last";
/// What the name and the value of a key take.
pub(crate) const CONTENT: usize = 140;
pub(crate) const VALUE: usize = 100;

const BATCH: usize = 100;
const UNDER_WAY: usize = 8;

/// A key's name, of 40 bytes.
pub(crate) fn name(key: usize) -> String {
    format!("{PREFIX}{key:036}")
}

fn sentinel(prefix: &str) -> String {
    format!("{prefix}{SENTINEL:~>36}")
}

/// Writes the sentinel of a folder, after all else.
pub(crate) async fn write_sentinel(client: &Client, prefix: &str, generation: u32) {
    let value = value(generation, VALUE);
    client.kv_client().put(sentinel(prefix), value, None).await.expect("a put");
}

/// Writes a generation of so many keys, and of both sentinels.
pub(crate) async fn write_all(client: &Client, keys: usize, generation: u32) {
    write(client, keys, generation).await;
    write_sentinel(client, EMPTY, generation).await;
    write_sentinel(client, PREFIX, generation).await;
}

/// Writes a generation of the first keys, in transactions.
pub(crate) async fn write(client: &Client, keys: usize, generation: u32) {
    let txns = (0..keys).step_by(BATCH).map(|start| {
        let txn = puts(start..keys.min(start + BATCH), generation);
        let mut kv = client.kv_client();
        async move {
            kv.txn(txn).await.expect("a transaction");
        }
    });
    stream::iter(txns).buffer_unordered(UNDER_WAY).collect::<()>().await;
}

/// A transaction that puts keys.
pub(crate) fn puts(keys: impl Iterator<Item = usize>, generation: u32) -> Txn {
    let value = value(generation, VALUE);
    let put = |key| TxnOp::put(name(key), value.clone(), None);
    Txn::new().and_then(keys.map(put).collect::<Vec<_>>())
}
