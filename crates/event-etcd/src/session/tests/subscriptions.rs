//! Keys that come and go.

use super::*;

/// More than a session could forget in the time of a test run, if it searched a line for each.
const MANY: u32 = 200_000;

fn session_with_many_keys() -> (Session, Instant) {
    let now = Instant::now();
    let endpoints = Endpoints::new(["one".to_owned()], Some(1));
    let mut session = Session::new(endpoints, TIMEOUTS, None, now);
    for id in 0..MANY {
        session.handle_subscribe(key_id(id), id.to_string().into(), now);
    }
    (session, now)
}

#[test]
fn unsubscribing_many_keys_while_disconnected_searches_nothing() {
    let (mut session, now) = session_with_many_keys();
    session.handle_failure(Failure::new(CauseKind::Unreachable, "broken"), now);
    (0..MANY).for_each(|id| session.handle_unsubscribe(key_id(id)));
    assert!(session.keys.is_empty());
}

#[test]
fn unsubscribing_many_keys_that_wait_to_be_read_searches_nothing() {
    let (mut session, now) = session_with_many_keys();
    session.handle_connected(now);
    (0..MANY).for_each(|id| session.handle_unsubscribe(key_id(id)));
    assert!(session.keys.is_empty());
}

/// The keys that wait to be read are bounded by the slots, whatever the program does.
#[test]
fn a_slot_that_waits_to_be_read_waits_once_though_its_keys_change() {
    let mut script = Script::new(&["one"]);
    let first: Vec<u32> = (0..8 * 128).collect();
    for id in &first {
        script.subscribe(*id, "k");
    }
    let reads = script.connect(); // as many as there may be at once
    let newest = later(5000, 99);
    for generation in 0..=99 {
        let id = later(5000, generation);
        script.session.handle_subscribe(id, "other".into(), script.now);
        if id != newest {
            script.session.handle_unsubscribe(id);
        }
    }
    assert_eq!(script.actions(), []);
    let read = |action: &Action| matches!(action, Action::Read(..));
    assert_eq!(reads.iter().filter(|action| read(action)).count(), 8);
    let after = script.respond(1, 10, &[None; 128]);
    assert_eq!(after.into_iter().filter(read).collect::<Vec<_>>(), [super::read(9, &["other"])]);
}

#[test]
fn a_response_for_a_key_that_left_does_not_reach_the_next_key_in_its_slot() {
    let mut script = Script::new(&["one"]);
    script.subscribe(1, "old");
    script.connect();
    script.unsubscribe(1);
    let next = later(1, 1);
    script.session.handle_subscribe(next, "new".into(), script.now);
    assert_eq!(script.actions(), [read(2, &["new"])]);
    assert_eq!(script.respond(1, 10, &[Some((7, "old"))]), []);
    let published = script.respond(2, 10, &[Some((8, "new"))]);
    assert_eq!(published[0], Action::Publish(next, entry("new", 8, "new")));
}

#[test]
fn a_refusal_for_a_key_that_left_does_not_disturb_the_next_key_in_its_slot() {
    let mut script = Script::new(&["one"]);
    script.subscribe(1, "old");
    script.subscribe(2, "other");
    script.connect();
    script.unsubscribe(1);
    let next = later(1, 1);
    script.session.handle_subscribe(next, "new".into(), script.now);
    assert_eq!(script.actions(), [read(2, &["new"])]);
    // Only the key that is left of the batch is read again, and the read of the new key still counts.
    assert_eq!(script.refuse(1, CauseKind::TooLarge), [read(3, &["other"])]);
    let published = script.respond(2, 10, &[Some((8, "new"))]);
    assert_eq!(published[0], Action::Publish(next, entry("new", 8, "new")));
    assert_eq!(published[1], Action::OpenStream(create("new", 10)));
}
