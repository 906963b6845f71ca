//! Pages of a range, in etcd's words.

use etcd_client::{Client, Error as EtcdError, GetOptions};
use event_core::Bytes;

use super::{MESSAGE, failure, key_value, without_values};
use crate::seam::failure::is_compacted;
use crate::seam::{Failure, Page, PageRequest, PageResponse};

/// How etcd names the first of all keys, and the end of a range that has none.
const ZERO: &[u8] = b"\0";

pub(super) async fn read(client: &Client, page: PageRequest) -> Result<PageResponse, Failure> {
    let options = GetOptions::new()
        .with_range(end(page.end.as_ref()))
        .with_limit(page.limit.into())
        .with_revision(page.revision);
    let options = without_values(options, page.keys_only);
    let mut kv = client.kv_client().max_decoding_message_size(MESSAGE);
    let response = match kv.get(start(&page.from), Some(options)).await {
        Ok(response) => response.0,
        Err(EtcdError::GRpcStatus(status)) if is_compacted(status.message()) => {
            return Ok(PageResponse::Compacted);
        }
        Err(error) => return Err(failure(&error)),
    };
    let header = response.header.unwrap_or_default();
    let found = |kv| match key_value(kv) {
        (key, found) if page.keys_only => (key, found.without_value()),
        found => found,
    };
    Ok(PageResponse::Page(Page {
        revision: header.revision,
        cluster: header.cluster_id,
        found: response.kvs.into_iter().map(found).collect(),
        has_more: response.more,
    }))
}

/// The first key of a range: etcd has no empty key.
pub(super) fn start(key: &Bytes) -> Vec<u8> {
    if key.is_empty() { ZERO.to_vec() } else { key.to_vec() }
}

/// The first key after a range.
pub(super) fn end(key: Option<&Bytes>) -> Vec<u8> {
    key.map_or(ZERO, |key| &key[..]).to_vec()
}
