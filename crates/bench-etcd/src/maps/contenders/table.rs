//! A `HashMap` of the content, with the revision of each key: the least that a program can keep.

use std::collections::HashMap;

use event_core::Bytes;

use crate::keys::value;
use crate::maps::keys::{EMPTY, VALUE, name};

pub(super) type Table = HashMap<Bytes, (Bytes, i64)>;

/// The prefix ends with the number of the keys: `map/100000`.
pub(super) fn fill(prefix: &str) -> Table {
    let keys = if prefix == EMPTY { 0 } else { number(prefix) };
    // Copied, for each to take no more than its bytes.
    let bytes = |text: String| Bytes::copy_from_slice(text.as_bytes());
    (0..keys).map(|key| (bytes(name(key)), (bytes(value(1, VALUE)), 1))).collect()
}

fn number(prefix: &str) -> usize {
    prefix.rsplit('/').next().and_then(|number| number.parse().ok()).expect("a number of keys")
}
