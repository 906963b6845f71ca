//! The key without a name. etcd has no such key, and refuses each request for it.

use event_core::{Cause, CauseKind, Entry, Error, ErrorKind, MemoryValue};

const WORDS: &str = "the key's name is empty, and etcd has no such key";

/// The value of the key: an error, which each watcher yields once. It ends with the store.
pub(super) fn value() -> MemoryValue<Entry> {
    let value = MemoryValue::empty();
    value.fail(error());
    value
}

pub(crate) fn error() -> Error {
    Error::new(ErrorKind::InvalidArgument, WORDS)
}

pub(crate) fn cause() -> Cause {
    Cause::new(CauseKind::InvalidArgument, WORDS)
}
