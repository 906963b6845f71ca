//! Reads of a range, in pages at one revision, or as a stream.

use etcd_client::{Client, Error, GetOptions, KeyValue};

/// How many keys a page has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size {
    /// All keys in one page.
    All,
    /// At most so many.
    Keys(i64),
    /// As many as make about 8 MB, after a first one of 1000: as ours reads without streams.
    Bytes,
}

const FIRST: i64 = 1000;
const GROWTH: i64 = 16;
const PAGE: usize = 8 << 20;

/// Reads a range, gives each key, and returns the revision.
pub(super) async fn read(
    client: &Client,
    prefix: &str,
    size: Size,
    mut give: impl FnMut(KeyValue),
) -> Result<i64, Error> {
    let end = end(prefix);
    let mut kv = client.kv_client().max_decoding_message_size(usize::MAX);
    let (mut from, mut revision) = (prefix.as_bytes().to_vec(), 0);
    let mut limit = match size {
        Size::All => 0,
        Size::Keys(keys) => keys,
        Size::Bytes => FIRST,
    };
    loop {
        let options = GetOptions::new().with_range(&*end).with_limit(limit).with_revision(revision);
        let mut page = kv.get(&*from, Some(options)).await?;
        if revision == 0 {
            revision = page.header().map_or(0, etcd_client::ResponseHeader::revision);
        }
        let found = page.take_kvs();
        if let Some(last) = found.last() {
            from = [last.key(), b"\0"].concat();
        }
        if let Size::Bytes = size {
            let bytes: usize = found.iter().map(|kv| kv.key().len() + kv.value().len()).sum();
            let keys = found.len().saturating_mul(PAGE) / bytes.max(1);
            limit = i64::try_from(keys).unwrap_or(i64::MAX).clamp(1, limit * GROWTH);
        }
        found.into_iter().for_each(&mut give);
        if !page.more() {
            return Ok(revision);
        }
    }
}

/// Reads as ours reads, and keeps nothing: a page, and then a stream of the rest if the server has such streams, else
/// more pages.
pub(super) async fn throw_away(endpoint: &str, prefix: &str) {
    let client = Client::connect([endpoint], None).await.expect("a client");
    if !has_streams() {
        read(&client, prefix, Size::Bytes, drop).await.expect("a read");
        return;
    }
    let end = end(prefix);
    let mut kv = client.kv_client().max_decoding_message_size(usize::MAX);
    let options = GetOptions::new().with_range(&*end).with_limit(FIRST);
    let first = kv.get(prefix, Some(options)).await.expect("a read");
    let Some(last) = first.kvs().last().filter(|_| first.more()) else { return };
    let from = [last.key(), b"\0"].concat();
    let revision = first.header().map_or(0, etcd_client::ResponseHeader::revision);
    let options = GetOptions::new().with_range(end).with_revision(revision);
    let mut stream = kv.get_stream(from, Some(options)).await.expect("a stream");
    while stream.message().await.expect("a chunk").is_some() {}
}

/// Whether the server can send a range as a stream, as 3.7 can.
pub(crate) fn has_streams() -> bool {
    etcd_harness::Binary::find().version() >= (3, 7, 0)
}

/// Reads the range as a stream, and keeps nothing.
pub(super) async fn throw_stream_away(endpoint: &str, prefix: &str) {
    let client = Client::connect([endpoint], None).await.expect("a client");
    let mut kv = client.kv_client().max_decoding_message_size(usize::MAX);
    let options = GetOptions::new().with_range(end(prefix));
    let mut stream = kv.get_stream(prefix, Some(options)).await.expect("etcd 3.7 or newer");
    while stream.message().await.expect("a chunk").is_some() {}
}

/// The first key after those with the prefix, which ends with a slash.
fn end(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}
