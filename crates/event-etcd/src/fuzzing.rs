//! What the fuzz target drives: a session, with bytes for what a program and a server may say.

use std::time::{Duration, Instant};

use event_core::Bytes;

use crate::bounds::Bounds;
use crate::endpoints::Endpoints;
use crate::protocol::{CauseKind, Event, Failure, KeyValue, ReadAnswer, Request, Response};
use crate::session::{Action, Session};

/// More than this from one input is an endless loop.
const ACTIONS: usize = 100_000;

/// Tells a session what the bytes say, in any order, likely or not.
///
/// # Panics
///
/// If the session does, or if it never comes to rest.
pub fn session(bytes: &[u8]) {
    let mut said = bytes.iter().copied();
    let bounds = Bounds { connect: Duration::from_secs(5), detection: Duration::from_secs(5) };
    let mut now = Instant::now();
    let endpoints = Endpoints::new(["a", "b"].map(str::to_owned), Some(1));
    let mut session = Session::new(endpoints, bounds, now);
    let (mut next_id, mut reads, mut watches) = (0, Vec::new(), Vec::new());
    while let Some(what) = said.next() {
        let mut byte = || said.next().unwrap_or(0);
        match what % 13 {
            0 => {
                next_id += 1;
                session.follow(next_id, Bytes::from(vec![byte()]), now);
            }
            1 => session.leave(u64::from(byte()), now),
            2 => session.refresh(u64::from(byte()), u64::from(byte()), now),
            3 => session.connected(now),
            4 => session.opened(now),
            5 => session.failed(failure(byte()), now),
            6 => {
                let (id, asked) = pick(&reads, byte()).unwrap_or((u64::from(byte()), 1));
                let few = usize::from(byte() % 8 == 0); // now and then an answer to other keys
                let found = (0..asked + few).map(|_| found(byte(), byte())).collect();
                session.read(id, Ok(ReadAnswer { revision: revision(byte()), found }), now);
            }
            7 => {
                let (id, _) = pick(&reads, byte()).unwrap_or_default();
                session.read(id, Err(failure(byte())), now);
            }
            8 | 9 => {
                let flags = byte();
                let newest = (flags >> 6 > 0).then(|| event(byte(), byte()));
                let watch_id = pick(&watches, byte()).unwrap_or(i64::from(byte()) - 1);
                let response = Response {
                    revision: revision(byte()),
                    watch_id,
                    created: flags & 1 > 0,
                    canceled: flags & 2 > 0,
                    compact_revision: i64::from(flags & 4),
                    reason: String::new(),
                    newest,
                };
                session.heard(response, now);
            }
            10 => {
                let found = vec![found(byte(), byte())];
                session.recalled(Ok(ReadAnswer { revision: revision(byte()), found }), now);
            }
            11 => {
                now += Duration::from_millis(u64::from(byte()) * 40);
                session.tick(now);
            }
            _ if byte() % 2 == 0 => session.add_endpoint("c", now),
            _ => session.remove_endpoint(["a", "b", "c"][usize::from(byte() % 3)], now),
        }
        for count in 0.. {
            assert!(count < ACTIONS, "the session does not come to rest");
            match session.action() {
                None => break,
                Some(Action::Read(id, keys)) => reads.push((id, keys.len())),
                Some(
                    Action::Open(Request::Create { watch_id, .. })
                    | Action::Send(Request::Create { watch_id, .. }),
                ) => {
                    watches.push(watch_id);
                }
                Some(_) => {}
            }
        }
        // A deadline that has passed must be gone after a tick, or the driver spins.
        if let Some(deadline) = session.deadline().filter(|deadline| *deadline <= now) {
            session.tick(now);
            while session.action().is_some() {}
            assert!(
                session.deadline().is_none_or(|next| next > deadline),
                "a deadline that stays is an endless loop"
            );
        }
    }
}

fn pick<T: Copy>(from: &[T], byte: u8) -> Option<T> {
    // The newest first: an input is short.
    from.len().checked_sub(1 + usize::from(byte % 4)).map(|at| from[at])
}

fn failure(byte: u8) -> Failure {
    let kind = match byte % 6 {
        0 => CauseKind::Unreachable,
        1 => CauseKind::NoLeader,
        2 => CauseKind::Unauthenticated,
        3 => CauseKind::PermissionDenied,
        4 => CauseKind::InvalidArgument,
        _ => CauseKind::TooLarge,
    };
    Failure::new(kind, "a failure")
}

/// Small ones, and the ends of the range.
fn revision(byte: u8) -> i64 {
    match byte {
        255 => i64::MAX,
        254 => i64::MIN,
        byte => i64::from(byte) - 2,
    }
}

fn found(byte: u8, value: u8) -> Option<KeyValue> {
    (!byte.is_multiple_of(4))
        .then(|| KeyValue { mod_revision: revision(byte), value: Bytes::from(vec![value]) })
}

fn event(byte: u8, value: u8) -> Event {
    Event {
        mod_revision: revision(byte),
        value: (!value.is_multiple_of(4)).then(|| Bytes::from(vec![value])),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_session_takes_whatever_is_said() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..2000 {
            let bytes: Vec<u8> = (0..random.usize(..400)).map(|_| random.u8(..)).collect();
            super::session(&bytes);
        }
    }
}
