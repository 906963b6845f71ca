//! A `HashMap` of the content, with the revision of each key: the least that a program can keep.

use std::collections::HashMap;

use event_core::Bytes;

use crate::keys::value;
use crate::maps::keys::{EMPTY, VALUE, name};

pub(super) type Table = HashMap<Bytes, (Bytes, i64)>;

/// The prefix of the folder has the number of the keys: `map/100000`.
pub(super) fn fill(prefix: &str) -> Table {
    let keys = if prefix == EMPTY { 0 } else { number(prefix) };
    (0..keys).map(|key| (name(key).into(), (value(1, VALUE).into(), 1))).collect()
}

fn number(prefix: &str) -> usize {
    prefix.rsplit('/').next().and_then(|number| number.parse().ok()).expect("a number of keys")
}
