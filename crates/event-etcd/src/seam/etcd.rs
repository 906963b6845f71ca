//! etcd-client's calls and streams behind the seam. Only this module and that of the members name its types,
//! apart from the client that a program passes to [`EtcdStore::from_client`](crate::EtcdStore::from_client).

mod pages;

use std::error::Error as StdError;

use async_trait::async_trait;
use etcd_client::proto::{PbEvent, PbKeyValue, PbRangeResponse, PbResponseOp, PbTxnOpResponse};
use etcd_client::{
    Client, Error as EtcdError, GetOptions, Txn, TxnOp, WatchOptions, WatchRequestSender,
    WatchResponse as EtcdResponse, WatchResponseStream,
};
use event_core::{Bytes, CauseKind, Metadata};
use futures_util::future::FutureExt;

use super::failure::kind_of;
use super::messages::Keys;
use super::{
    Connection, Event, Events, Failure, KeyValue, OpenStream, PageRequest, PageResponse, Pages,
    ReadResponse, WatchRequest, WatchRequests, WatchResponse, WatchResponses,
};

/// The largest message that is taken. A read of many keys that is larger is halved, so this limits
/// one value: far above etcd's own limit of 1.5 MB, which a server may raise (E8).
const MESSAGE: usize = 64 << 20;

#[async_trait]
impl Connection for Client {
    async fn read(&self, keys: Vec<Bytes>) -> Result<ReadResponse, Failure> {
        read(self, keys, GetOptions::new()).await
    }

    async fn probe(&self, keys: Vec<Bytes>) -> Result<ReadResponse, Failure> {
        read(self, keys, GetOptions::new().with_keys_only()).await
    }

    async fn read_at(
        &self,
        key: Bytes,
        revision: i64,
        keys_only: bool,
    ) -> Result<ReadResponse, Failure> {
        let options = GetOptions::new().with_revision(revision);
        let mut response = read(self, vec![key], without_values(options, keys_only)).await?;
        if keys_only {
            let found = response.found.into_iter();
            response.found = found.map(|found| found.map(KeyValue::without_value)).collect();
        }
        Ok(response)
    }

    async fn read_page(&self, page: PageRequest) -> Result<PageResponse, Failure> {
        pages::read(self, page).await
    }

    async fn stream_pages(&self, page: PageRequest) -> Result<Option<Box<dyn Pages>>, Failure> {
        pages::stream(self, page).await
    }

    async fn has_keys_below(&self, keys: Vec<Bytes>) -> Result<Vec<bool>, Failure> {
        let below = |key: &Bytes| {
            let folder = [key.strip_suffix(b"/").unwrap_or(key), b"/"].concat();
            TxnOp::get(folder, Some(GetOptions::new().with_prefix().with_limit(1).with_keys_only()))
        };
        let reads: Vec<_> = keys.iter().map(below).collect();
        let response = self.kv_client().txn(Txn::new().and_then(reads)).await;
        let some = |response| matches!(response, Some(PbTxnOpResponse::ResponseRange(range)) if !range.kvs.is_empty());
        let responses = response.map_err(|error| failure(&error))?.0.responses;
        Ok(responses.into_iter().map(|response| some(response.response)).collect())
    }

    async fn member_urls(&self) -> Result<Vec<Vec<String>>, Failure> {
        let response = self.cluster_client().member_list().await;
        let members = response.map_err(|error| failure(&error))?.0.members;
        // A learner answers no linearizable read (C15).
        let voters = members.into_iter().filter(|member| !member.is_learner);
        Ok(voters.map(|member| member.client_ur_ls).collect())
    }

    async fn open_stream(&self, first: WatchRequest) -> Result<OpenStream, Failure> {
        let WatchRequest::Create { keys, start_revision } = first else {
            let message = "a stream has to be opened with a watch";
            return Err(Failure::new(CauseKind::ProtocolViolation, message));
        };
        let mut watch = self.watch_client().max_decoding_message_size(MESSAGE);
        let (key, options) = create(keys, start_revision);
        let stream = watch.watch(key, Some(options)).await;
        let (requests, responses) = stream.map_err(|error| failure(&error))?.split();
        Ok((Box::new(requests), Box::new(responses)))
    }
}

/// A server need not heed it, so who asks drops the values, too.
fn without_values(options: GetOptions, keys_only: bool) -> GetOptions {
    if keys_only { options.with_keys_only() } else { options }
}

/// Reads one key by a plain request, which every server takes (C10), and several in one transaction.
async fn read(
    client: &Client,
    keys: Vec<Bytes>,
    options: GetOptions,
) -> Result<ReadResponse, Failure> {
    let mut kv = client.kv_client().max_decoding_message_size(MESSAGE);
    let (header, ranges) = if let [key] = keys.as_slice() {
        let response = kv.get(key.to_vec(), Some(options)).await;
        let mut range = response.map_err(|error| failure(&error))?.0;
        (range.header.take(), vec![Some(range)])
    } else {
        let get = |key: &Bytes| TxnOp::get(key.to_vec(), Some(options.clone()));
        let reads: Vec<_> = keys.iter().map(get).collect();
        let response = kv.txn(Txn::new().and_then(reads)).await;
        let response = response.map_err(|error| failure(&error))?.0;
        let range = |response: PbResponseOp| match response.response {
            Some(PbTxnOpResponse::ResponseRange(range)) => Some(range),
            _ => None,
        };
        (response.header, response.responses.into_iter().map(range).collect())
    };
    let header = header.unwrap_or_default();
    if ranges.len() != keys.len() {
        let message = "a read was answered with another number of keys than it asked for";
        return Err(Failure::new(CauseKind::ProtocolViolation, message));
    }
    let found = ranges.into_iter().zip(&keys).map(|(range, key)| found(range, key));
    let found = found.collect::<Result<_, _>>()?;
    Ok(ReadResponse { revision: header.revision, cluster: header.cluster_id, found })
}

/// What a range of one key found.
fn found(range: Option<PbRangeResponse>, key: &Bytes) -> Result<Option<KeyValue>, Failure> {
    let wrong =
        || Failure::new(CauseKind::ProtocolViolation, "a read was answered with another key");
    let mut kvs = range.ok_or_else(wrong)?.kvs.into_iter();
    match (kvs.next(), kvs.next()) {
        (None, _) => Ok(None),
        (Some(kv), None) if kv.key == *key => Ok(Some(key_value(kv).1)),
        _ => Err(wrong()),
    }
}

fn key_value(kv: PbKeyValue) -> (Bytes, KeyValue) {
    let (mod_revision, metadata) = (kv.mod_revision, metadata(&kv));
    (Bytes::from(kv.key), KeyValue { mod_revision, metadata, value: Bytes::from(kv.value) })
}

fn metadata(kv: &PbKeyValue) -> Metadata {
    Metadata::new()
        .with_create_revision(kv.create_revision)
        .with_version(kv.version)
        .with_lease(kv.lease)
}

/// Fragments, so that no response is larger than the server's limit for one request (E8).
fn create(keys: Keys, start_revision: i64) -> (Vec<u8>, WatchOptions) {
    let options = WatchOptions::new().with_start_revision(start_revision).with_fragment();
    match keys {
        Keys::One(key) => (key.to_vec(), options),
        Keys::Range(range) => {
            let (start, end) = (pages::start(range.start()), pages::end(range.end()));
            (start, options.with_range(end))
        }
    }
}

#[async_trait]
impl WatchRequests for WatchRequestSender {
    async fn send(&mut self, request: WatchRequest) -> Result<(), Failure> {
        let sent = match request {
            WatchRequest::Create { keys, start_revision } => {
                let (key, options) = create(keys, start_revision);
                self.watch(key, Some(options)).await
            }
            WatchRequest::Cancel { watch_id } => self.cancel(watch_id).await,
            WatchRequest::Progress => self.request_progress().await,
        };
        sent.map_err(|error| failure(&error))
    }
}

#[async_trait]
impl WatchResponses for WatchResponseStream {
    async fn next(&mut self) -> Result<WatchResponse, Failure> {
        translate(self.message().await)
    }

    fn try_next(&mut self) -> Option<Result<WatchResponse, Failure>> {
        self.message().now_or_never().map(translate)
    }
}

fn translate(message: Result<Option<EtcdResponse>, EtcdError>) -> Result<WatchResponse, Failure> {
    let response = match message {
        Ok(Some(response)) => response.0,
        Ok(None) => {
            return Err(Failure::new(CauseKind::Unreachable, "the server ended the stream"));
        }
        Err(error) => return Err(failure(&error)),
    };
    let watch_id = response.watch_id;
    let revision = response.header.map_or(0, |header| header.revision);
    Ok(match (response.created, response.canceled) {
        (true, false) => WatchResponse::Created { watch_id, revision },
        (true, true) => WatchResponse::Refused,
        (false, true) if response.compact_revision != 0 => WatchResponse::Compacted { watch_id },
        (false, true) => {
            let reason = response.cancel_reason;
            let message = format!("the server canceled the watch: {reason}");
            WatchResponse::Canceled {
                watch_id,
                failure: Failure::new(kind_of(0, &reason), message),
            }
        }
        (false, false) if response.events.is_empty() => WatchResponse::Progress,
        (false, false) => {
            let events: Option<Events> = response.events.into_iter().map(event).collect();
            let events = events.ok_or_else(|| {
                Failure::new(CauseKind::ProtocolViolation, "a watch sent an event without a key")
            })?;
            WatchResponse::Events { watch_id, revision, events, is_fragment: response.fragment }
        }
    })
}

fn event(event: PbEvent) -> Option<Event> {
    const DELETE: i32 = etcd_client::EventType::Delete as i32;
    let kv = event.kv?;
    if event.r#type == DELETE {
        let (key, mod_revision) = (Bytes::from(kv.key), kv.mod_revision);
        return Some(Event { key, mod_revision, metadata: Metadata::new(), value: None });
    }
    let (key, KeyValue { mod_revision, metadata, value }) = key_value(kv);
    Some(Event { key, mod_revision, metadata, value: Some(value) })
}

pub(super) fn failure(error: &EtcdError) -> Failure {
    let EtcdError::GRpcStatus(status) = error else {
        return Failure::new(CauseKind::Unreachable, causes(error));
    };
    let kind = kind_of(status.code() as i32, status.message());
    Failure::new(kind, causes_after(status.message(), status.source()))
}

/// An error with its causes: tonic's own `Display` says no more than "transport error".
pub(super) fn causes(error: &dyn StdError) -> String {
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
