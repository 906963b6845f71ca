//! The writing side: an instance that keeps itself registered in an etcd.
//!
//! event-etcd only reads, so this is etcd-client alone. The key has a lease: if the instance dies, etcd deletes the
//! key when the lease ends.

use std::time::Duration;

use etcd_client::{Client, Error, PutOptions};
use tokio::time::{sleep, timeout};

/// How long to wait before the next try.
const PAUSE: Duration = Duration::from_millis(500);

/// What an instance says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Registration {
    pub(crate) etcd: String,
    pub(crate) key: String,
    pub(crate) address: String,
    /// How long the key outlives an instance that has died, in seconds.
    pub(crate) ttl: i64,
}

impl Registration {
    /// Keeps the instance registered, until the future is dropped. The key then lives until its lease ends; call
    /// [`Registered::leave`] to delete it at once.
    pub(crate) async fn keep(&self, registered: &mut Option<Registered>) {
        loop {
            if let Err(error) = self.register(registered).await {
                tracing::warn!(%error, key = self.key, "not registered");
            }
            sleep(PAUSE).await;
        }
    }

    /// Registers, and returns when the lease is lost.
    async fn register(&self, registered: &mut Option<Registered>) -> Result<(), Error> {
        let mut client = Client::connect(self.etcd.split(',').collect::<Vec<_>>(), None).await?;
        let lease = client.lease_grant(self.ttl, None).await?.id();
        let options = PutOptions::new().with_lease(lease);
        client.put(self.key.as_str(), self.address.as_str(), Some(options)).await?;
        *registered = Some(Registered { client: client.clone(), lease });
        tracing::info!(key = self.key, lease, "registered");
        let (mut keeper, mut answers) = client.lease_keep_alive(lease).await?;
        let third = Duration::from_millis(1000 * self.ttl.unsigned_abs() / 3);
        loop {
            sleep(third).await;
            keeper.keep_alive().await?;
            // A server that does not answer is left in time to renew the lease elsewhere.
            let answer = timeout(third, answers.message()).await;
            match answer.map_err(|_| Error::LeaseKeepAliveError("no answer".to_owned()))?? {
                Some(answer) if answer.ttl() > 0 => {}
                _ => return Err(Error::LeaseKeepAliveError("the lease has ended".to_owned())),
            }
        }
    }
}

/// A key that is registered.
pub(crate) struct Registered {
    client: Client,
    lease: i64,
}

impl Registered {
    /// Deletes the key: the instance ends.
    pub(crate) async fn leave(mut self) -> Result<(), Error> {
        self.client.lease_revoke(self.lease).await.map(drop)
    }
}
