//! The traits that the driver does its I/O through.

use std::sync::Arc;

use async_trait::async_trait;
use event_core::Bytes;

use super::{Failure, PageRequest, PageResponse, ReadResponse, WatchRequest, WatchResponse};

/// Where connections come from.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub(crate) trait Connector: Send + Sync {
    /// The addresses that an endpoint has now. Each is tried by itself.
    async fn resolve(&self, endpoint: &str) -> Result<Vec<Arc<str>>, Failure> {
        Ok(vec![endpoint.into()])
    }

    /// The endpoint that a URL of a member is, if it can be connected to.
    fn endpoint_of(&self, url: &str) -> Option<String> {
        let _ = url;
        None
    }

    /// Connects to one address of an endpoint, and authenticates if there is a user.
    async fn connect(&self, endpoint: &str, address: &str) -> Result<Arc<dyn Connection>, Failure>;
}

/// A connection to one member.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub(crate) trait Connection: Send + Sync {
    /// Reads keys, linearizable, in one transaction.
    async fn read(&self, keys: Vec<Bytes>) -> Result<ReadResponse, Failure>;

    /// Reads keys without their values, linearizable, in one transaction.
    async fn probe(&self, keys: Vec<Bytes>) -> Result<ReadResponse, Failure>;

    /// Reads a key as it was at a revision, linearizable; perhaps without its value.
    async fn read_at(
        &self,
        key: Bytes,
        revision: i64,
        keys_only: bool,
    ) -> Result<ReadResponse, Failure>;

    /// Reads a page of a range, linearizable.
    async fn read_page(&self, page: PageRequest) -> Result<PageResponse, Failure>;

    /// Opens a stream of this page and all that follow. `None`: the server has no such streams.
    async fn stream_pages(&self, page: PageRequest) -> Result<Option<Box<dyn Pages>>, Failure>;

    /// Says of each key whether there are keys below it, as files are in a folder.
    async fn has_keys_below(&self, keys: Vec<Bytes>) -> Result<Vec<bool>, Failure>;

    /// The URLs for clients of each member of the cluster.
    async fn member_urls(&self) -> Result<Vec<Vec<String>>, Failure>;

    /// How many bytes the member sent so far; 0 if that is not known.
    fn received(&self) -> u64 {
        0
    }

    /// Opens a watch stream with its first watch.
    async fn open_stream(&self, first: WatchRequest) -> Result<OpenStream, Failure>;
}

/// The pages of a range, which the server sends one after the other. Dropping it ends the stream.
#[async_trait]
pub(crate) trait Pages: Send {
    /// The next page. After the last one, do not call it.
    async fn next(&mut self) -> Result<PageResponse, Failure>;
}

/// The halves of a watch stream.
pub(crate) type OpenStream = (Box<dyn WatchRequests>, Box<dyn WatchResponses>);

/// The sending half of a watch stream.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub(crate) trait WatchRequests: Send {
    async fn send(&mut self, request: WatchRequest) -> Result<(), Failure>;
}

/// The receiving half of a watch stream.
#[async_trait]
pub(crate) trait WatchResponses: Send {
    /// The next response. Cancel safe. The end of the stream is a failure (C3).
    async fn next(&mut self) -> Result<WatchResponse, Failure>;

    /// The next response, if it is there already. Only `next` leaves a waker.
    fn try_next(&mut self) -> Option<Result<WatchResponse, Failure>>;
}
