//! What the health of the store and of its keys is.

use event_core::Cause;

use super::*;

fn cause(script: &Script) -> Option<(CauseKind, Option<Vec<u8>>)> {
    let cause = script.health.as_ref()?.cause.as_ref();
    cause.map(|cause: &Cause| (cause.kind(), cause.key().map(<[u8]>::to_vec)))
}

fn denied(key: &str) -> (CauseKind, Option<Vec<u8>>) {
    (CauseKind::PermissionDenied, Some(key.as_bytes().to_vec()))
}

#[test]
fn a_key_that_is_refused_leaves_the_store_live_and_is_named_by_the_cause() {
    let mut script = Script::live(&["a", "b"]);
    script.refresh(1, 1);
    script.refuse(2, CauseKind::PermissionDenied);
    assert_eq!((script.state(), cause(&script)), (HealthState::Live, Some(denied("a"))));
    assert_eq!(script.refusals, BTreeMap::from([(key_id(1), CauseKind::PermissionDenied)]));
    // Refused again: nothing changed.
    let healths = script.healths;
    assert_eq!(script.wait(SECOND), [read(3, &["a"])]);
    script.refuse(3, CauseKind::PermissionDenied);
    assert_eq!(script.healths, healths);
    assert_eq!(script.wait(SECOND), [read(4, &["a"])]);
    script.respond(4, 11, &[None]);
    assert_eq!((script.state(), cause(&script)), (HealthState::Live, None));
    assert!(script.refusals.is_empty());
}

#[test]
fn a_refused_key_that_the_program_unsubscribes_from_is_no_cause_any_more() {
    let mut script = Script::live(&["a", "b"]);
    script.refresh(1, 1);
    script.refuse(2, CauseKind::PermissionDenied);
    script.unsubscribe(1);
    assert_eq!((script.state(), cause(&script)), (HealthState::Live, None));
}

#[test]
fn a_store_whose_only_key_is_refused_is_live() {
    let mut script = Script::new(&["one"]);
    script.subscribe(1, "a");
    script.connect();
    assert_eq!(script.state(), HealthState::Connecting);
    script.refuse(1, CauseKind::PermissionDenied);
    assert_eq!((script.state(), cause(&script)), (HealthState::Live, Some(denied("a"))));
    assert_eq!(script.wait(SECOND), [read(2, &["a"])]);
    assert_eq!(script.respond(2, 11, &[None])[1], Action::OpenStream(create("a", 11)));
    assert_eq!((script.state(), cause(&script)), (HealthState::Live, None));
}

#[test]
fn a_stall_is_told_before_a_refused_key_and_the_key_after_it() {
    let mut script = Script::live(&["a", "b"]);
    script.refresh(1, 1);
    script.refuse(2, CauseKind::PermissionDenied);
    script.fail(CauseKind::Unreachable);
    assert_eq!(script.state(), HealthState::Stalled);
    assert_eq!(cause(&script), Some((CauseKind::Unreachable, None)));
    script.connect();
    script.refuse(3, CauseKind::PermissionDenied); // of both: one is to blame
    script.respond(4, 11, &[None]);
    script.refuse(5, CauseKind::PermissionDenied);
    assert_eq!(script.state(), HealthState::Stalled, "the stream is not open yet");
    script.open();
    script.receive(created(1));
    assert_eq!(script.state(), HealthState::Live);
    assert!(matches!(cause(&script), Some((CauseKind::PermissionDenied, Some(_)))));
}

#[test]
fn an_overload_is_over_when_a_key_is_refused() {
    let mut script = Script::new(&["one"]);
    script.subscribe(1, "a");
    script.connect();
    script.refuse(1, CauseKind::ResourceExhausted);
    assert_eq!(script.state(), HealthState::Stalled);
    assert_eq!(script.wait(SECOND), [read(2, &["a"])]);
    script.refuse(2, CauseKind::PermissionDenied);
    assert_eq!((script.state(), cause(&script)), (HealthState::Live, Some(denied("a"))));
}

#[test]
fn while_nothing_is_watched_the_end_of_the_connection_is_no_stall() {
    let mut script = Script::live(&["k"]);
    script.unsubscribe(1);
    assert_eq!(script.state(), HealthState::Live);
    script.fail(CauseKind::Unreachable);
    assert_eq!((script.state(), cause(&script)), (HealthState::Connecting, None));
    assert_eq!(script.patience(), None, "nothing is tried");
    // The end of a connection that nobody used is no cause.
    script.subscribe(1, "k");
    assert_eq!((script.state(), cause(&script)), (HealthState::Connecting, None));
}

#[test]
fn a_stall_ends_when_nothing_is_watched_any_more_and_goes_on_when_a_key_is() {
    let mut script = Script::live(&["k"]);
    script.fail(CauseKind::Unreachable);
    script.fail(CauseKind::Unreachable);
    assert_eq!(script.state(), HealthState::Stalled);
    script.unsubscribe(1);
    assert_eq!((script.state(), cause(&script)), (HealthState::Connecting, None));
    script.subscribe(1, "k");
    assert_eq!(script.state(), HealthState::Stalled);
    assert_eq!(cause(&script), Some((CauseKind::Unreachable, None)));
}

#[test]
fn a_store_whose_only_key_is_refused_is_live_only_while_the_member_answers() {
    let mut script = Script::new(&["one"]);
    script.answers_probes = false;
    script.subscribe(1, "a");
    script.connect();
    script.refuse(1, CauseKind::TooLarge);
    let begin = script.now;
    let mut probed = false;
    while script.state() == HealthState::Live && script.now < begin + 10 * SECOND {
        for action in script.wait(SECOND / 10) {
            match action {
                Action::Read(id, _) => drop(script.refuse(id, CauseKind::TooLarge)),
                Action::Probe(_) => probed = true,
                _ => {}
            }
        }
    }
    assert!(probed && script.state() == HealthState::Stalled);
    assert!(script.now - begin <= TIMEOUTS.liveness, "{:?}", script.now - begin);
}
