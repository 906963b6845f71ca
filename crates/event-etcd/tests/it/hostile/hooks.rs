//! The wrong answers that several tests need.

use etcd_client::proto::{PbEvent, PbKeyValue, PbResponseOp, PbWatchResponse};
use hostile_etcd::{Answer, Behaviour};

/// What no write of a test is.
pub(super) const GARBAGE: &str = "garbage";

/// A hook for the events of a response.
pub(super) fn events(change: impl Fn(&mut PbEvent) + Send + Sync + 'static) -> Behaviour {
    Behaviour::honest().event(move |mut response| {
        response.events.iter_mut().for_each(&change);
        vec![response]
    })
}

/// A hook for the revision at which an event's key was changed.
pub(super) fn event_revision(revision: i64) -> Behaviour {
    events(move |event| {
        if let Some(kv) = &mut event.kv {
            kv.mod_revision = revision;
        }
    })
}

/// A hook for the revision at which a key was changed, as a read has it.
pub(super) fn read_revision(revision: i64) -> Behaviour {
    Behaviour::honest().read(move |mut range| {
        range.kvs.iter_mut().for_each(|kv| kv.mod_revision = revision);
        range
    })
}

/// A hook for the store's revision in every answer.
pub(super) fn header_revision(revision: i64) -> Behaviour {
    Behaviour::honest().header(move |mut header| {
        header.revision = revision;
        header
    })
}

/// A hook for the responses of a transaction.
pub(super) fn responses(
    change: impl Fn(&mut Vec<PbResponseOp>) + Send + Sync + 'static,
) -> Behaviour {
    Behaviour::honest().txn(move |_, mut response| {
        change(&mut response.responses);
        Answer::Send(response)
    })
}

/// Each watch is created, and canceled at once since its start is compacted.
pub(super) fn always_compacted() -> Behaviour {
    Behaviour::honest().create(|_, honest| {
        let compacted = PbWatchResponse {
            created: false,
            canceled: true,
            compact_revision: i64::MAX,
            ..honest.clone()
        };
        vec![honest, compacted]
    })
}

pub(super) fn garbage(key: &str) -> PbKeyValue {
    PbKeyValue {
        key: key.into(),
        value: GARBAGE.into(),
        mod_revision: 2,
        create_revision: 2,
        version: 1,
        lease: 0,
    }
}

/// A response without events, such as a progress answer.
pub(super) fn empty(watch_id: i64) -> impl Fn(u64) -> PbWatchResponse + Send + Sync + 'static {
    move |_| PbWatchResponse { watch_id, ..PbWatchResponse::default() }
}
