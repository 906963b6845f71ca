//! What is under way on a connection. Dropping it ends all of it, so no response of an old connection
//! reaches the session.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;

use event_core::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;

use super::range_pages::{PageReader, RangePages};
use crate::seam::{
    Connection, Connector, Failure, OpenStream, PageResponse, ReadResponse, WatchRequest,
    WatchRequests, WatchResponse, WatchResponses,
};
use crate::session::ReadId;

/// How many requests are sent before the stream is looked at again.
const SENDS: usize = 256;

#[derive(Default)]
pub(super) struct InFlight {
    pub(super) connection: Option<Arc<dyn Connection>>,
    pub(super) responses: Option<Box<dyn WatchResponses>>,
    /// `None` while a call sends with it.
    pub(super) requests: Option<Box<dyn WatchRequests>>,
    pub(super) to_send: VecDeque<WatchRequest>,
    /// A call looks for keys below others.
    pub(super) looks_below: bool,
    pub(super) pages: RangePages,
    pub(super) calls: FuturesUnordered<BoxFuture<'static, Done>>,
}

/// A call that is done.
pub(super) enum Done {
    Resolved(Arc<str>, Result<Vec<Arc<str>>, Failure>),
    Connected(Result<Arc<dyn Connection>, Failure>),
    Read(ReadId, Result<ReadResponse, Failure>),
    Page(PageReader, Result<PageResponse, Failure>),
    Probed(Result<ReadResponse, Failure>),
    CheckedHistory(Result<ReadResponse, Failure>),
    OpenedStream(Result<OpenStream, Failure>),
    Sent(Box<dyn WatchRequests>),
    ListedMembers(Result<Vec<Vec<String>>, Failure>),
    LookedBelow(Vec<Bytes>, Result<Vec<bool>, Failure>),
    Failed(Failure),
}

impl InFlight {
    pub(super) fn resolve(&mut self, connector: Arc<dyn Connector>, endpoint: Arc<str>) {
        self.calls.push(Box::pin(async move {
            let addresses = connector.resolve(&endpoint).await;
            Done::Resolved(endpoint, addresses)
        }));
    }

    pub(super) fn connect(
        &mut self,
        connector: Arc<dyn Connector>,
        endpoint: Arc<str>,
        address: Arc<str>,
    ) {
        let connect = async move { Done::Connected(connector.connect(&endpoint, &address).await) };
        self.calls.push(Box::pin(connect));
    }

    pub(super) fn call<F>(&mut self, call: impl FnOnce(Arc<dyn Connection>) -> F)
    where
        F: Future<Output = Done> + Send + 'static,
    {
        if let Some(connection) = &self.connection {
            self.calls.push(Box::pin(call(Arc::clone(connection))));
        }
    }

    /// Sends what waits, unless a call does so already. The stream is read at the same time (C6).
    pub(super) fn send_more(&mut self) {
        if self.to_send.is_empty() {
            return;
        }
        let Some(mut requests) = self.requests.take() else { return };
        let batch: Vec<_> = self.to_send.drain(..self.to_send.len().min(SENDS)).collect();
        if self.to_send.is_empty() {
            self.to_send.shrink_to(SENDS); // after the start of many watches it is large
        }
        self.calls.push(Box::pin(async move {
            for request in batch {
                if let Err(failure) = requests.send(request).await {
                    return Done::Failed(failure);
                }
            }
            Done::Sent(requests)
        }));
    }
}

pub(super) async fn next(
    responses: &mut Option<Box<dyn WatchResponses>>,
) -> Result<WatchResponse, Failure> {
    match responses {
        Some(responses) => responses.next().await,
        None => pending().await,
    }
}
