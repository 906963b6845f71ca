//! The I/O seam: the only file that speaks etcd-client.
//!
//! Why a seam? What must be right is when to read, watch and resume, which is the session's part and
//! needs no server to be tested. What is left here is translation.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use etcd_client::proto::{PbEvent, PbRangeResponse, PbTxnOpResponse};
use etcd_client::{
    Client, ConnectOptions, Error as EtcdError, GetOptions, Txn, TxnOp, WatchOptions,
    WatchRequestSender, WatchResponse, WatchResponseStream,
};
use event_core::{Bytes, Error, ErrorKind};
use futures_util::future::FutureExt;
use tokio::time::timeout;

use crate::protocol::{CauseKind, Event, Failure, KeyValue, ReadAnswer, Request, Response};

/// The largest message that is taken. A read of many keys that is larger is halved, so this bounds
/// one value: far above etcd's own limit of 1.5 MB, which a server may raise (E8).
const MESSAGE: usize = 64 << 20;

/// Where connections come from.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub(crate) trait Source: Send + Sync {
    /// Connects to one member, and authenticates where there is a user.
    async fn connect(&self, endpoint: &str) -> Result<Arc<dyn Link>, Failure>;
}

/// A connection to one member.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub(crate) trait Link: Send + Sync {
    /// Reads keys, linearizable, in one transaction.
    async fn read(&self, keys: Vec<Bytes>) -> Result<ReadAnswer, Failure>;

    /// Reads a key as it was at a revision, linearizable.
    async fn recall(&self, key: Bytes, revision: i64) -> Result<ReadAnswer, Failure>;

    /// Says of each key whether there are keys below it, as files are in a folder.
    async fn look_below(&self, keys: Vec<Bytes>) -> Result<Vec<bool>, Failure>;

    /// Opens a watch stream with its first request.
    async fn open(&self, first: Request) -> Result<Opened, Failure>;
}

/// The halves of a watch stream.
pub(crate) type Opened = (Box<dyn Requests>, Box<dyn Responses>);

/// The sending half of a watch stream.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub(crate) trait Requests: Send {
    async fn send(&mut self, request: Request) -> Result<(), Failure>;
}

/// The receiving half of a watch stream.
#[async_trait]
pub(crate) trait Responses: Send {
    /// The next response. Cancel safe. An end is a failure (C3).
    async fn next(&mut self) -> Result<Response, Failure>;

    /// The next response, if it is there already. `next` has to be awaited to be woken for it.
    fn ready(&mut self) -> Option<Result<Response, Failure>>;
}

/// Connections of our own, each to one member (C4).
pub(crate) struct Members {
    pub(crate) options: ConnectOptions,
    /// For the connect and the authentication.
    pub(crate) bound: Duration,
}

#[async_trait]
impl Source for Members {
    async fn connect(&self, endpoint: &str) -> Result<Arc<dyn Link>, Failure> {
        let connect = Client::connect([endpoint], Some(self.options.clone()));
        match timeout(self.bound, connect).await {
            Ok(Ok(client)) => Ok(Arc::new(client)),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(Failure::new(
                CauseKind::Unreachable,
                format!("no connection within {:?}", self.bound),
            )),
        }
    }
}

/// Checks that the options can be used. They must be without a user: then etcd-client makes no
/// connection before the first call.
pub(crate) async fn check(endpoint: &str, options: &ConnectOptions) -> Result<(), Error> {
    let made = Client::connect([endpoint], Some(options.clone())).await;
    made.map(drop).map_err(|error| {
        Error::new(ErrorKind::InvalidArgument, format!("endpoint `{endpoint}`: {}", causes(&error)))
    })
}

/// The one connection of a client that the program has.
#[async_trait]
impl Source for Client {
    async fn connect(&self, _endpoint: &str) -> Result<Arc<dyn Link>, Failure> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Link for Client {
    async fn read(&self, keys: Vec<Bytes>) -> Result<ReadAnswer, Failure> {
        let reads: Vec<_> = keys.iter().map(|key| TxnOp::get(key.to_vec(), None)).collect();
        let mut kv = self.kv_client().max_decoding_message_size(MESSAGE);
        let answer = kv.txn(Txn::new().and_then(reads)).await.map_err(|error| failure(&error))?.0;
        let found = answer
            .responses
            .into_iter()
            .map(|response| match response.response {
                Some(PbTxnOpResponse::ResponseRange(range)) => found(range),
                _ => None,
            })
            .collect();
        Ok(ReadAnswer { revision: answer.header.map_or(0, |header| header.revision), found })
    }

    async fn recall(&self, key: Bytes, revision: i64) -> Result<ReadAnswer, Failure> {
        let mut kv = self.kv_client().max_decoding_message_size(MESSAGE);
        let options = GetOptions::new().with_revision(revision);
        let answer = kv.get(key.to_vec(), Some(options)).await.map_err(|error| failure(&error))?.0;
        let revision = answer.header.as_ref().map_or(0, |header| header.revision);
        Ok(ReadAnswer { revision, found: vec![found(answer)] })
    }

    async fn look_below(&self, keys: Vec<Bytes>) -> Result<Vec<bool>, Failure> {
        let below = |key: &Bytes| {
            let folder = [key.strip_suffix(b"/").unwrap_or(key), b"/"].concat();
            TxnOp::get(folder, Some(GetOptions::new().with_prefix().with_limit(1).with_keys_only()))
        };
        let looks: Vec<_> = keys.iter().map(below).collect();
        let answer = self
            .kv_client()
            .txn(Txn::new().and_then(looks))
            .await
            .map_err(|error| failure(&error))?;
        let some = |response| matches!(response, Some(PbTxnOpResponse::ResponseRange(range)) if !range.kvs.is_empty());
        Ok(answer.0.responses.into_iter().map(|answer| some(answer.response)).collect())
    }

    async fn open(&self, first: Request) -> Result<Opened, Failure> {
        let Request::Create { watch_id, key, start_revision } = first else {
            return Err(Failure::new(CauseKind::Unreachable, "a stream opens with a watch"));
        };
        let mut watch = self.watch_client().max_decoding_message_size(MESSAGE);
        let stream = watch.watch(key.to_vec(), Some(create(watch_id, start_revision))).await;
        let (requests, responses) = stream.map_err(|error| failure(&error))?.split();
        Ok((Box::new(requests), Box::new(responses)))
    }
}

fn found(range: PbRangeResponse) -> Option<KeyValue> {
    let kv = range.kvs.into_iter().next()?;
    Some(KeyValue { mod_revision: kv.mod_revision, value: Bytes::from(kv.value) })
}

/// Fragments, so that no response is larger than the server's limit for one request (E8).
fn create(watch_id: i64, start_revision: i64) -> WatchOptions {
    WatchOptions::new().with_watch_id(watch_id).with_start_revision(start_revision).with_fragment()
}

#[async_trait]
impl Requests for WatchRequestSender {
    async fn send(&mut self, request: Request) -> Result<(), Failure> {
        let sent = match request {
            Request::Create { watch_id, key, start_revision } => {
                self.watch(key.to_vec(), Some(create(watch_id, start_revision))).await
            }
            Request::Cancel { watch_id } => self.cancel(watch_id).await,
            Request::Progress => self.request_progress().await,
        };
        sent.map_err(|error| failure(&error))
    }
}

#[async_trait]
impl Responses for WatchResponseStream {
    async fn next(&mut self) -> Result<Response, Failure> {
        translate(self.message().await)
    }

    fn ready(&mut self) -> Option<Result<Response, Failure>> {
        self.message().now_or_never().map(translate)
    }
}

fn translate(message: Result<Option<WatchResponse>, EtcdError>) -> Result<Response, Failure> {
    let response = match message {
        Ok(Some(response)) => response.0,
        Ok(None) => {
            return Err(Failure::new(CauseKind::Unreachable, "the server ended the stream"));
        }
        Err(error) => return Err(failure(&error)),
    };
    Ok(Response {
        revision: response.header.map_or(0, |header| header.revision),
        watch_id: response.watch_id,
        created: response.created,
        canceled: response.canceled,
        compact_revision: response.compact_revision,
        reason: response.cancel_reason,
        newest: response.events.into_iter().next_back().and_then(event),
    })
}

fn event(event: PbEvent) -> Option<Event> {
    const DELETE: i32 = etcd_client::EventType::Delete as i32;
    let kv = event.kv?;
    let value = (event.r#type != DELETE).then(|| Bytes::from(kv.value));
    Some(Event { mod_revision: kv.mod_revision, value })
}

/// Sorts an error into what the session does about it.
fn failure(error: &EtcdError) -> Failure {
    // gRPC codes, by number: etcd-client does not hand on the type that names them.
    const INVALID_ARGUMENT: i32 = 3;
    const OUT_OF_RANGE: i32 = 11;
    const PERMISSION_DENIED: i32 = 7;
    const RESOURCE_EXHAUSTED: i32 = 8;
    const UNAUTHENTICATED: i32 = 16;

    let EtcdError::GRpcStatus(status) = error else {
        return Failure::new(CauseKind::Unreachable, causes(error));
    };
    let message = status.message();
    let kind = match status.code() as i32 {
        PERMISSION_DENIED => CauseKind::PermissionDenied,
        UNAUTHENTICATED => CauseKind::Unauthenticated,
        OUT_OF_RANGE | RESOURCE_EXHAUSTED
            if message.contains("larger than") || message.contains("too large") =>
        {
            CauseKind::TooLarge
        }
        _ if message.contains("too many operations") => CauseKind::TooLarge,
        _ if AUTH.iter().any(|refusal| message.contains(refusal)) => CauseKind::Unauthenticated,
        INVALID_ARGUMENT => CauseKind::InvalidArgument,
        _ if message.contains("no leader") || message.contains("request timed out") => {
            CauseKind::NoLeader
        }
        _ => CauseKind::Unreachable,
    };
    Failure::new(kind, causes_after(message, status.source()))
}

/// How etcd words a refusal of credentials; the codes differ from version to version.
const AUTH: [&str; 5] = [
    "authentication failed",
    "invalid auth token",
    "auth token",
    "user name is empty",
    "revision of auth store is old",
];

/// An error with its causes: tonic's own `Display` says no more than "transport error".
fn causes(error: &dyn StdError) -> String {
    causes_after(&error.to_string(), error.source())
}

fn causes_after(message: &str, mut next: Option<&dyn StdError>) -> String {
    let mut text = message.to_owned();
    while let Some(error) = next {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        next = error.source();
    }
    text
}
