//! A connection to one member, and a second one where the first can't take calls beside the stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use etcd_client::Client;
use event_core::Bytes;
use tokio::sync::OnceCell;

use super::Dialer;
use super::link::Link;
use crate::endpoint::{Address, Endpoint};
use crate::seam::{
    Connection, Failure, OpenStream, PageRequest, PageResponse, Pages, ReadResponse, WatchRequest,
};

pub(super) struct Member {
    dialer: Arc<Dialer>,
    endpoint: Endpoint,
    address: Address,
    client: Client,
    link: Arc<Link>,
    has_stream: AtomicBool,
    /// For calls, if the server takes one call or stream at a time: the first connection has the stream.
    second: OnceCell<(Client, Arc<Link>)>,
}

impl Member {
    pub(super) async fn connect(
        dialer: Arc<Dialer>,
        endpoint: Endpoint,
        address: Address,
    ) -> Result<Self, Failure> {
        let (client, link) = dialer.dial(&endpoint, &address).await?;
        let (has_stream, second) = (AtomicBool::new(false), OnceCell::new());
        Ok(Self { dialer, endpoint, address, client, link, has_stream, second })
    }

    /// The client for calls.
    async fn for_calls(&self) -> Result<&Client, Failure> {
        if !self.has_stream.load(Ordering::Relaxed) || !self.link.takes_one_at_a_time() {
            return Ok(&self.client);
        }
        let dial = || self.dialer.dial(&self.endpoint, &self.address);
        Ok(&self.second.get_or_try_init(dial).await?.0)
    }

    /// Calls, and calls again if the server refused the call unseen: its limit of calls at a time is not known
    /// before its first answer.
    async fn call<T, F>(&self, call: impl Fn(Client) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        for _ in 0..REFUSALS {
            match call(self.for_calls().await?.clone()).await {
                Err(failure) if failure.message.contains("refused stream") => {}
                result => return result,
            }
        }
        call(self.for_calls().await?.clone()).await
    }
}

/// How often a call is refused unseen before that is a failure.
const REFUSALS: usize = 3;

#[async_trait]
impl Connection for Member {
    async fn read(&self, keys: Vec<Bytes>) -> Result<ReadResponse, Failure> {
        let read = |client: Client, keys| async move { client.read(keys).await };
        self.call(|client| read(client, keys.clone())).await
    }

    async fn probe(&self, keys: Vec<Bytes>) -> Result<ReadResponse, Failure> {
        let probe = |client: Client, keys| async move { client.probe(keys).await };
        self.call(|client| probe(client, keys.clone())).await
    }

    async fn read_at(
        &self,
        key: Bytes,
        revision: i64,
        keys_only: bool,
    ) -> Result<ReadResponse, Failure> {
        let read =
            |client: Client, key| async move { client.read_at(key, revision, keys_only).await };
        self.call(|client| read(client, key.clone())).await
    }

    async fn read_page(&self, page: PageRequest) -> Result<PageResponse, Failure> {
        let read = |client: Client, page| async move { client.read_page(page).await };
        self.call(|client| read(client, page.clone())).await
    }

    async fn stream_pages(&self, page: PageRequest) -> Result<Option<Box<dyn Pages>>, Failure> {
        if self.link.takes_one_at_a_time() {
            return Ok(None); // the stream would keep all other calls waiting
        }
        let open = |client: Client, page| async move { client.stream_pages(page).await };
        self.call(|client| open(client, page.clone())).await
    }

    async fn has_keys_below(&self, keys: Vec<Bytes>) -> Result<Vec<bool>, Failure> {
        self.for_calls().await?.has_keys_below(keys).await
    }

    async fn member_urls(&self) -> Result<Vec<Vec<String>>, Failure> {
        self.for_calls().await?.member_urls().await
    }

    async fn open_stream(&self, first: WatchRequest) -> Result<OpenStream, Failure> {
        self.has_stream.store(true, Ordering::Relaxed);
        self.client.open_stream(first).await
    }

    fn received(&self) -> u64 {
        self.link.bytes() + self.second.get().map_or(0, |(_, link)| link.bytes())
    }
}
