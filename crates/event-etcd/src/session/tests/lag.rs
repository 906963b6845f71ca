//! When a watch counts as lagging, and what the session does about it (E9).

use super::*;

const SILENCE: Duration = Duration::from_millis(100);

impl Script {
    /// As many events of a watch as are queued while a stream is held up, each with its own revision
    /// in the header. Returns what they cause other than publishing.
    fn burst(&mut self, watch_id: i64, revisions: std::ops::Range<i64>) -> Vec<Action> {
        let mut actions = Vec::new();
        for revision in revisions {
            actions.extend(self.receive(events(watch_id, revision, &[put("k", revision, "x")])));
        }
        actions.retain(|action| !matches!(action, Action::Publish(..)));
        actions
    }
}

#[test]
fn e9_a_watch_whose_header_is_far_ahead_is_let_go_after_one_read() {
    let mut script = Script::live(&["k"]);
    let news = script.receive(events(1, 100_000, &[put("k", 11, "x")]));
    assert_eq!(news, [publish(1, "k", 11, "x"), read(2, &["k"])]);
    assert_eq!(
        script.receive(events(1, 100_000, &[put("k", 12, "y")])),
        [publish(1, "k", 12, "y")]
    );
    assert_eq!(
        script.respond(2, 100_000, &[Some((100_000, "z"))]),
        [publish(1, "k", 100_000, "z"), cancel(1), Action::Send(create("k", 0))]
    );
    // What the old watch still says is ignored.
    assert_eq!(script.receive(events(1, 200_000, &[put("k", 13, "y")])), []);
    assert_eq!(script.receive(canceled(1)), []);
    assert_eq!(script.receive(created_at(2, 100_000)), []);
    assert_eq!(
        script.receive(events(2, 100_001, &[put("k", 100_001, "w")])),
        [publish(1, "k", 100_001, "w")]
    );
}

#[test]
fn e9_what_was_written_before_the_new_watch_began_is_read_once_more() {
    let mut script = Script::live(&["k"]);
    script.receive(events(1, 100_000, &[put("k", 11, "x")]));
    script.respond(2, 100_000, &[Some((100_000, "z"))]);
    assert_eq!(script.receive(created_at(2, 100_005)), [read(3, &["k"])]);
    assert_eq!(
        script.respond(3, 100_007, &[Some((100_004, "w"))]),
        [publish(1, "k", 100_004, "w")]
    );
}

#[test]
fn e9_a_burst_after_a_silence_is_read_at_once_and_the_watch_let_go() {
    let mut script = Script::live(&["k"]);
    script.wait(SILENCE);
    assert_eq!(script.burst(1, 11..42), []);
    assert_eq!(script.burst(1, 42..43), [read(2, &["k"])]);
    assert_eq!(script.burst(1, 43..200), []);
    assert_eq!(
        script.respond(2, 40_000, &[Some((40_000, "z"))])[1..],
        [cancel(1), Action::Send(create("k", 0))]
    );
}

#[test]
fn e9_a_burst_is_over_as_long_after_a_silence_as_the_silence_was() {
    for (rest, is_burst) in [(49, true), (50, false)] {
        let mut script = Script::live(&["k"]);
        script.wait(SILENCE);
        assert_eq!(script.burst(1, 11..41), []);
        script.wait(SILENCE / 2);
        assert_eq!(script.burst(1, 41..42), []);
        script.wait(Duration::from_millis(rest));
        assert_eq!(!script.burst(1, 42..43).is_empty(), is_burst, "after {rest} ms more");
    }
}

#[test]
fn e9_a_burst_whose_last_value_the_watch_had_already_changes_nothing() {
    let mut script = Script::live(&["k"]);
    script.wait(SILENCE);
    assert_eq!(script.burst(1, 11..61), [read(2, &["k"])]);
    // What else was written is of other keys; or is queued, and arrives without being replayed.
    assert_eq!(script.respond(2, 40_000, &[Some((60, "x"))]), []);
    script.wait(SILENCE);
    assert_eq!(script.burst(1, 40_001..40_051), [read(3, &["k"])]);
    let answered = script.respond(3, 40_200, &[Some((40_090, "y"))]);
    assert_eq!(answered, [publish(1, "k", 40_090, "y")]);
}

#[test]
fn e9_without_a_silence_many_events_are_no_burst() {
    let mut script = Script::live(&["k"]);
    for millisecond in 0..1000 {
        script.wait(Duration::from_millis(1));
        assert_eq!(script.burst(1, 11 + 20 * millisecond..31 + 20 * millisecond), []);
    }
}

#[test]
fn e9_a_key_that_changes_now_and_then_is_not_read() {
    let mut script = Script::live(&["k"]);
    for revision in 11..200 {
        script.wait(SILENCE * 5);
        assert_eq!(script.burst(1, revision..revision + 1), []);
    }
}

#[test]
fn e9_many_keys_that_change_after_a_silence_are_not_read() {
    let names: Vec<String> = (0..100).map(|name| name.to_string()).collect();
    let mut script = Script::live(&names.iter().map(String::as_str).collect::<Vec<_>>());
    script.wait(SILENCE);
    for revision in 11..2000 {
        let key = revision % 100;
        let event = put(&names[usize::try_from(key).unwrap()], revision, "x");
        let caused = script.receive(events(1 + key, revision, &[event]));
        assert!(matches!(caused[..], [Action::Publish(..)]), "{caused:?}");
    }
}

/// The header is far ahead because other keys were written.
#[test]
fn e9_writes_of_others_are_no_lag() {
    let mut script = Script::live(&["k"]);
    assert_eq!(script.receive(events(1, 100_000, &[put("k", 11, "x")]))[1..], [read(2, &["k"])]);
    assert_eq!(script.respond(2, 100_000, &[Some((11, "x"))]), []);
}

#[test]
fn e9_a_read_from_before_the_lag_was_seen_is_no_proof() {
    let mut script = Script::live(&["k"]);
    script.refresh(1, 1);
    script.wait(SILENCE);
    assert_eq!(script.burst(1, 11..61), [read(3, &["k"])]);
    assert_eq!(script.respond(2, 40, &[Some((40, "x"))]), [refreshed(1, 1)]);
    assert_eq!(
        script.respond(3, 40_000, &[Some((40_000, "z"))])[1..],
        [cancel(1), Action::Send(create("k", 0))]
    );
}

#[test]
fn e9_a_key_left_while_its_new_watch_is_created_is_not_watched() {
    let mut script = Script::live(&["k"]);
    script.receive(events(1, 100_000, &[put("k", 11, "x")]));
    script.respond(2, 100_000, &[Some((100_000, "z"))]);
    assert_eq!(script.unsubscribe(1), []);
    // Now it has an id to cancel it by.
    assert_eq!(script.receive(created_at(2, 100_005)), [cancel(2)]);
}

/// The connection may have ended because of the burst (C8).
#[test]
fn e9_after_a_reconnect_a_key_that_changed_is_watched_from_now_on_and_another_from_the_read() {
    let mut script = Script::live(&["a", "b", "c"]);
    script.receive(events(1, 11, &[put("a", 11, "x")]));
    script.fail(CauseKind::Unreachable);
    script.connect();
    let answered = script.respond(2, 40_000, &[Some((11, "x")), Some((40_000, "y")), None]);
    assert!(answered.contains(&Action::OpenStream(create("a", 40_000))), "{answered:?}");
    script.open();
    let others = [Action::Send(create("b", 0)), Action::Send(create("c", 40_000))];
    assert_eq!(script.receive(created_at(4, 40_005)), others);
    assert_eq!(script.receive(created_at(5, 40_005)), [read(3, &["b"])]);
    assert_eq!(script.receive(created_at(6, 40_005)), []);
}
