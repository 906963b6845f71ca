//! What the fuzz target drives: a session, with bytes for what a program and a server may do.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_core::upstream::KeyId;
use event_core::{Bytes, CauseKind, KeyRange, Metadata};

use crate::seam::{
    Event, Failure, KeyValue, Page, PageResponse, ReadResponse, WatchRequest, WatchResponse,
};
use crate::session::{Action, Endpoints, Session, Timeouts};

/// More than this from one input is an endless loop.
const ACTIONS: usize = 100_000;

/// Gives a session the inputs that the bytes stand for, in any order, likely or not.
///
/// # Panics
///
/// If the session does, or if it never comes to rest.
pub fn session(bytes: &[u8]) {
    let mut bytes = bytes.iter().copied();
    let five = Duration::from_secs(5);
    let timeouts = Timeouts { connect: five, login: five, liveness: five };
    let mut now = Instant::now();
    let endpoints = Endpoints::new(["a", "b"].map(str::to_owned), Some(1));
    let mut session = Session::new(endpoints, timeouts, None, now);
    let (mut next_slot, mut ids) = (0, Vec::new());
    let (mut reads, mut pages, mut watches) = (Vec::new(), Vec::new(), Vec::new());
    let nobody = KeyId { slot: 7, generation: NonZeroU32::MAX };
    while let Some(what) = bytes.next() {
        let mut byte = || bytes.next().unwrap_or(0);
        match what % 18 {
            is_range @ (0 | 15) => {
                next_slot += 1;
                let id = KeyId {
                    slot: next_slot / 2,
                    generation: NonZeroU32::MIN.saturating_add(next_slot),
                };
                ids.push(id);
                if is_range > 0 {
                    session.handle_subscribe_range(id, range(byte()), now);
                } else {
                    session.handle_subscribe(id, Bytes::from(vec![byte()]), now);
                }
            }
            16 | 17 => {
                let id = pick(&pages, byte()).unwrap_or(u64::from(byte()));
                session.handle_page(id, page(&mut byte), now);
            }
            1 => session.handle_unsubscribe(pick(&ids, byte()).unwrap_or(nobody)),
            2 => {
                let id = pick(&ids, byte()).unwrap_or(nobody);
                session.handle_refresh(id, u64::from(byte()));
            }
            3 => session.handle_connected(now),
            4 => session.handle_open(now),
            5 => session.handle_failure(failure(byte()), now),
            6 => {
                let (id, asked) = pick(&reads, byte()).unwrap_or((u64::from(byte()), 1));
                let few = usize::from(byte() % 8 == 0); // now and then a response to other keys
                let found = (0..asked + few).map(|_| found(byte(), byte())).collect();
                let response = response(byte(), byte(), found);
                session.handle_read(id, Ok(response), now);
            }
            7 => {
                let (id, _) = pick(&reads, byte()).unwrap_or_default();
                session.handle_read(id, Err(failure(byte())), now);
            }
            8 | 9 => {
                let watch_id = pick(&watches, byte()).unwrap_or(i64::from(byte()) - 1);
                let response = watch_response(watch_id, &mut byte);
                session.handle_response(response, now);
            }
            10 => {
                let found = vec![found(byte(), byte())];
                let response = response(byte(), byte(), found);
                session.handle_history_check(Ok(response));
            }
            11 => {
                let addresses = (0..byte() % 3).map(|_| Arc::from(byte().to_string())).collect();
                let addresses = if byte() % 4 == 0 { Err(failure(byte())) } else { Ok(addresses) };
                session.handle_resolved(
                    &["a", "b", "c"][usize::from(byte() % 3)].into(),
                    addresses,
                    now,
                );
            }
            12 => {
                let found = (0..=byte() % 2).map(|_| found(byte(), byte())).collect();
                let response = response(byte(), byte(), found);
                let failed = byte() % 4 == 0;
                session.handle_probe(if failed { Err(failure(byte())) } else { Ok(response) }, now);
            }
            13 => {
                now += Duration::from_millis(u64::from(byte()) * 40);
                session.handle_timeout(now);
            }
            _ if byte() % 2 == 0 => session.handle_add_endpoint("c", now),
            _ => session.handle_remove_endpoint(["a", "b", "c"][usize::from(byte() % 3)], now),
        }
        for count in 0.. {
            assert!(count < ACTIONS, "the session does not come to rest");
            match session.poll_action(now) {
                None => break,
                Some(Action::Read(id, keys)) => reads.push((id, keys.len())),
                Some(Action::ReadPage(id, _)) => pages.push(id),
                Some(
                    Action::OpenStream(WatchRequest::Create { .. })
                    | Action::Send(WatchRequest::Create { .. }),
                ) => {
                    // Those of a server that counts from 0, on the first stream at least.
                    watches.push(i64::try_from(watches.len()).unwrap_or(0));
                }
                Some(_) => {}
            }
        }
        check_timeout(&mut session, now);
    }
}

/// A deadline that has passed must be gone after a tick, or the driver spins.
fn check_timeout(session: &mut Session, now: Instant) {
    if let Some(deadline) = session.poll_timeout().filter(|deadline| *deadline <= now) {
        session.handle_timeout(now);
        while session.poll_action(now).is_some() {}
        assert!(
            session.poll_timeout().is_none_or(|next| next > deadline),
            "a deadline that stays is an endless loop"
        );
    }
}

fn pick<T: Copy>(from: &[T], byte: u8) -> Option<T> {
    // The newest first: an input is short.
    from.len().checked_sub(1 + usize::from(byte % 4)).map(|at| from[at])
}

fn failure(byte: u8) -> Failure {
    let kind = match byte % 8 {
        0 => CauseKind::Unreachable,
        1 => CauseKind::NoLeader,
        2 => CauseKind::Unauthenticated,
        3 => CauseKind::PermissionDenied,
        4 => CauseKind::InvalidArgument,
        5 => CauseKind::ResourceExhausted,
        6 => CauseKind::Unimplemented,
        _ => CauseKind::TooLarge,
    };
    Failure::new(kind, "a failure")
}

fn watch_response(watch_id: i64, byte: &mut impl FnMut() -> u8) -> WatchResponse {
    match byte() % 8 {
        0 => WatchResponse::Created { watch_id, revision: revision(byte()) },
        1 => WatchResponse::Refused,
        2 => WatchResponse::Compacted { watch_id },
        3 => WatchResponse::Canceled { watch_id, failure: failure(byte()) },
        4 => WatchResponse::Progress,
        flags => WatchResponse::Events {
            watch_id,
            revision: revision(byte()),
            events: (0..byte() % 3).map(|_| event(byte(), byte(), byte())).collect(),
            is_fragment: flags == 5,
        },
    }
}

/// All keys, or those that begin with a byte, or some.
fn range(byte: u8) -> KeyRange {
    match byte % 4 {
        0 => KeyRange::all(),
        1 => KeyRange::prefix(vec![byte]).one_level(),
        2 => KeyRange::prefix(vec![byte]),
        _ => KeyRange::between(vec![byte / 4], vec![byte]),
    }
}

fn page(byte: &mut impl FnMut() -> u8) -> Result<PageResponse, Failure> {
    match byte() % 8 {
        0 => Err(failure(byte())),
        1 => Ok(PageResponse::Compacted),
        flags => {
            let (mut key, mut found) = (byte(), Vec::new());
            for _ in 0..byte() % 4 {
                let value = key_value(byte(), byte());
                found.push((Bytes::from(vec![key]), value));
                key = key.wrapping_add(byte() % 8);
            }
            let (revision, cluster) = (revision(byte()), u64::from(byte() % 3));
            Ok(PageResponse::Page(Page { revision, cluster, found, has_more: flags == 2 }))
        }
    }
}

/// Small ones, and the ends of the range.
fn revision(byte: u8) -> i64 {
    match byte {
        255 => i64::MAX,
        254 => i64::MIN,
        byte => i64::from(byte) - 2,
    }
}

fn response(at: u8, cluster: u8, found: Vec<Option<KeyValue>>) -> ReadResponse {
    ReadResponse { revision: revision(at), cluster: u64::from(cluster % 3), found }
}

fn found(byte: u8, value: u8) -> Option<KeyValue> {
    (!byte.is_multiple_of(4)).then(|| key_value(byte, value))
}

fn key_value(byte: u8, value: u8) -> KeyValue {
    let value = Bytes::from(vec![value]);
    KeyValue { mod_revision: revision(byte), metadata: metadata(byte, &value), value }
}

/// That of a write at a revision, mostly.
fn metadata(byte: u8, value: &[u8]) -> Metadata {
    let (version, lease) =
        (i64::from(byte % 4), value.first().map_or(0, |byte| i64::from(byte % 2)));
    let created = if byte.is_multiple_of(16) { i64::from(byte) } else { revision(byte).min(1) };
    Metadata::new().with_create_revision(created).with_version(version).with_lease(lease)
}

fn event(key: u8, byte: u8, value: u8) -> Event {
    Event {
        key: Bytes::from(vec![key]),
        mod_revision: revision(byte),
        metadata: metadata(byte, &[value]),
        value: (!value.is_multiple_of(4)).then(|| Bytes::from(vec![value])),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_session_takes_any_inputs_in_any_order() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..2000 {
            let bytes: Vec<u8> = (0..random.usize(..400)).map(|_| random.u8(..)).collect();
            super::session(&bytes);
        }
    }
}
