//! Writes keys past the proxy, in the forms that the server takes.

use etcd_client::{
    Client, Compare, CompareOp, DeleteOptions, Error, GetOptions, KeyValue, Txn, TxnOp,
};
use futures_util::{StreamExt, TryStreamExt, stream};

#[derive(Clone)]
pub(crate) struct Writer {
    client: Client,
    /// kine takes writes in the forms in which Kubernetes makes them: create, update and delete of one key.
    is_kine: bool,
}

impl Writer {
    pub(crate) fn new(client: Client, is_kine: bool) -> Self {
        Self { client, is_kine }
    }

    pub(crate) async fn put(&self, key: &str, value: &str) -> Result<(), Error> {
        let mut kv = self.client.kv_client();
        if !self.is_kine {
            return kv.put(key, value, None).await.map(drop);
        }
        let revision = self.revision(key).await?;
        let txn = Txn::new().when([unchanged(key, revision)]);
        let txn = txn.and_then([TxnOp::put(key, value, None)]);
        let txn = if revision == 0 { txn } else { txn.or_else([TxnOp::get(key, None)]) };
        kv.txn(txn).await.map(drop)
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<(), Error> {
        let mut kv = self.client.kv_client();
        if !self.is_kine {
            return kv.delete(key, None).await.map(drop);
        }
        let txn = Txn::new().when([unchanged(key, self.revision(key).await?)]);
        let txn = txn.and_then([TxnOp::delete(key, None)]).or_else([TxnOp::get(key, None)]);
        kv.txn(txn).await.map(drop)
    }

    /// Puts two keys. Says whether that was one transaction.
    pub(crate) async fn put_both(&self, keys: &[String; 2], value: &str) -> Result<bool, Error> {
        if self.is_kine {
            for key in keys {
                self.put(key, value).await?;
            }
            return Ok(false);
        }
        let puts = keys.each_ref().map(|key| TxnOp::put(key.as_str(), value, None));
        self.client.kv_client().txn(Txn::new().and_then(puts)).await?;
        Ok(true)
    }

    /// Deletes all keys with a prefix. Says whether that was one request; if not, so many are under way at once.
    pub(crate) async fn delete_all(&self, prefix: &str, at_once: usize) -> Result<bool, Error> {
        if !self.is_kine {
            let all = DeleteOptions::new().with_prefix();
            self.client.kv_client().delete(prefix, Some(all)).await?;
            return Ok(true);
        }
        let found = self.range(prefix).await?;
        let deleted = stream::iter(found)
            .map(|kv| async move { self.delete(&String::from_utf8_lossy(kv.key())).await })
            .buffer_unordered(at_once);
        deleted.try_collect::<Vec<()>>().await?;
        Ok(false)
    }

    /// All keys with a prefix, at one revision.
    pub(crate) async fn range(&self, prefix: &str) -> Result<Vec<KeyValue>, Error> {
        let all = GetOptions::new().with_prefix();
        let mut found = self.client.kv_client().get(prefix, Some(all)).await?;
        Ok(found.take_kvs())
    }

    async fn revision(&self, key: &str) -> Result<i64, Error> {
        let found = self.client.kv_client().get(key, None).await?;
        Ok(found.kvs().first().map_or(0, KeyValue::mod_revision))
    }
}

fn unchanged(key: &str, revision: i64) -> Compare {
    Compare::mod_revision(key, CompareOp::Equal, revision)
}
