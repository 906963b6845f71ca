//! Pages of a range, in etcd's words.

use async_trait::async_trait;
use etcd_client::proto::PbRangeResponse;
use etcd_client::{Client, Error as EtcdError, GetOptions, GetStreamResponse};
use event_core::{Bytes, CauseKind};

use super::{MESSAGE, failure, key_value, without_values};
use crate::seam::failure::is_compacted;
use crate::seam::{Failure, KeyValue, Page, PageRequest, PageResponse, Pages};

/// How etcd names the first of all keys, and the end of a range that has none.
const ZERO: &[u8] = b"\0";

pub(super) async fn read(client: &Client, page: PageRequest) -> Result<PageResponse, Failure> {
    let mut kv = client.kv_client().max_decoding_message_size(MESSAGE);
    let options = options(&page).with_limit(page.limit.into());
    match kv.get(start(&page.from), Some(options)).await {
        Ok(response) => {
            let (revision, cluster) =
                response.header().map_or((0, 0), |header| (header.revision(), header.cluster_id()));
            let has_more = response.more();
            let found = found(response.0, page.keys_only);
            Ok(PageResponse::Page(Page { revision, cluster, found, has_more }))
        }
        Err(error) => failed(&error),
    }
}

/// Opens a stream of all pages from this one on, unless the server has no such streams (E15).
pub(super) async fn stream(
    client: &Client,
    page: PageRequest,
) -> Result<Option<Box<dyn Pages>>, Failure> {
    let mut kv = client.kv_client().max_decoding_message_size(MESSAGE);
    match kv.get_stream(start(&page.from), Some(options(&page))).await {
        Ok(chunks) => Ok(Some(Box::new(Stream {
            chunks,
            revision: page.revision,
            keys_only: page.keys_only,
        }))),
        Err(error) => match failure(&error) {
            failure if failure.kind == CauseKind::Unimplemented => Ok(None),
            failure => Err(failure),
        },
    }
}

struct Stream {
    chunks: GetStreamResponse,
    revision: i64,
    keys_only: bool,
}

#[async_trait]
impl Pages for Stream {
    async fn next(&mut self) -> Result<PageResponse, Failure> {
        let response = match self.chunks.message().await {
            Ok(Some(response)) => response,
            Ok(None) => {
                let message = "the server ended a stream of pages before the last one";
                return Err(Failure::new(CauseKind::ProtocolViolation, message));
            }
            Err(error) => return failed(&error),
        };
        // Only the last chunk has a header.
        let (revision, cluster, has_more) = match response.header() {
            Some(header) => (header.revision(), header.cluster_id(), response.more()),
            None => (self.revision, 0, true),
        };
        let found = found(response.0, self.keys_only);
        Ok(PageResponse::Page(Page { revision, cluster, found, has_more }))
    }
}

fn failed(error: &EtcdError) -> Result<PageResponse, Failure> {
    match error {
        EtcdError::GRpcStatus(status) if is_compacted(status.message()) => {
            Ok(PageResponse::Compacted)
        }
        error => Err(failure(error)),
    }
}

fn found(response: PbRangeResponse, keys_only: bool) -> Vec<(Bytes, KeyValue)> {
    let found = |kv| match key_value(kv) {
        (key, found) if keys_only => (key, found.without_value()),
        found => found,
    };
    response.kvs.into_iter().map(found).collect()
}

fn options(page: &PageRequest) -> GetOptions {
    let options = GetOptions::new().with_range(end(page.end.as_ref())).with_revision(page.revision);
    without_values(options, page.keys_only)
}

/// The first key of a range: etcd has no empty key.
pub(super) fn start(key: &Bytes) -> Vec<u8> {
    if key.is_empty() { ZERO.to_vec() } else { key.to_vec() }
}

/// The first key after a range.
pub(super) fn end(key: Option<&Bytes>) -> Vec<u8> {
    key.map_or(ZERO, |key| &key[..]).to_vec()
}
