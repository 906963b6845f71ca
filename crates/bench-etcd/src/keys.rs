//! The keys that are followed, and their values.
//!
//! A value begins with its generation, in ten digits, for a follower to tell which one it has.

use etcd_client::{Client, Txn, TxnOp};
use futures_util::stream::{self, StreamExt};

/// etcd allows 128 operations in a transaction.
const BATCH: usize = 100;
const UNDER_WAY: usize = 8;
const DIGITS: usize = 10;

/// A key's name, of 14 bytes.
pub(crate) fn name(key: usize) -> String {
    format!("bench/{key:08}")
}

/// A value of so many bytes, and 10 at least.
pub(crate) fn value(generation: u32, bytes: usize) -> String {
    let mut value = format!("{generation:010}");
    while value.len() < bytes {
        value.push('x');
    }
    value
}

/// The generation of a value; 0 of what is none.
pub(crate) fn generation(value: &[u8]) -> u32 {
    let digits = value.get(..DIGITS).and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Writes a generation of keys, in transactions.
pub(crate) async fn write(client: &Client, keys: usize, generation: u32, bytes: usize) {
    let value = value(generation, bytes);
    let put = |key| TxnOp::put(name(key), value.clone(), None);
    txns(client, keys, put).await;
}

/// Reads the keys, in transactions.
pub(crate) async fn read(client: &Client, keys: usize) {
    txns(client, keys, |key| TxnOp::get(name(key), None)).await;
}

async fn txns(client: &Client, keys: usize, operation: impl Fn(usize) -> TxnOp) {
    let starts = (0..keys).step_by(BATCH);
    let txns = starts.map(|start| {
        let operations: Vec<_> = (start..keys.min(start + BATCH)).map(&operation).collect();
        let mut kv = client.kv_client();
        async move {
            kv.txn(Txn::new().and_then(operations)).await.expect("a transaction");
        }
    });
    stream::iter(txns).buffer_unordered(UNDER_WAY).collect::<()>().await;
}
