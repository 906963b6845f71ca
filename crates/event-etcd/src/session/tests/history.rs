//! What can't be in one history (E5, E14).

use super::*;

impl Script {
    fn history_resets(&self) -> u64 {
        self.health.as_ref().map_or(0, |health| health.history_resets)
    }
}

#[test]
fn e14_a_key_whose_version_went_back_shows_another_history() {
    let old = put("k", 30, "old");
    let old = std::slice::from_ref(&old);
    let deleted = &[old[0].clone(), delete("k", 31)];
    let cases: [(&[Event], Values<'_>, u64); 7] = [
        (old, &[Some((30, "old"))], 0),
        (old, &[Some((31, "new"))], 0),
        (old, &[Some((29, "old"))], 1),
        (old, &[Some((30, "new"))], 1), // a revision has one value for ever
        (deleted, &[Some((32, "new"))], 0),
        (deleted, &[Some((31, "new"))], 1),
        (deleted, &[None], 0),
    ];
    for (changes, found, resets) in cases {
        let mut script = Script::live(&["k"]);
        for change in changes {
            script.receive(events(1, change.mod_revision, std::slice::from_ref(change)));
        }
        script.fail(CauseKind::Unreachable);
        script.connect();
        script.respond(2, 40, found);
        assert_eq!(script.history_resets(), resets, "{found:?} after {changes:?}");
    }
}

#[test]
fn a_change_where_a_read_found_none_is_a_contradiction() {
    for (revision, is_contradiction) in [(11, false), (12, true), (20, true), (21, false)] {
        let mut script = Script::live(&["k"]);
        script.receive(events(1, 11, &[put("k", 11, "x")]));
        script.refresh(1, 1);
        script.respond(2, 20, &[Some((11, "x"))]);
        let actions = script.receive(events(1, 30, &[put("k", revision, "y")]));
        assert_eq!(actions.contains(&Action::Disconnect), is_contradiction, "{revision}");
    }
}

#[test]
fn two_reads_that_contradict_each_other_end_the_connection() {
    let mut script = Script::live(&["k"]);
    script.receive(events(1, 11, &[put("k", 11, "x")]));
    script.refresh(1, 1);
    script.respond(2, 20, &[Some((11, "x"))]);
    script.refresh(1, 2);
    assert_eq!(script.respond(3, 25, &[Some((15, "y"))])[0], Action::Disconnect);
    let cause = script.health.unwrap().cause.unwrap();
    assert_eq!(cause.kind(), CauseKind::ProtocolViolation);
}

/// A revision of an earlier history says nothing about this one's.
#[test]
fn a_version_of_an_earlier_history_contradicts_nothing() {
    let mut script = Script::live(&["k"]);
    script.receive(events(1, 30, &[put("k", 30, "old")]));
    script.fail(CauseKind::Unreachable);
    script.connect();
    // The read finds what was published, which is of this history from now on.
    script.respond(2, 5, &[Some((4, "new"))]);
    script.open();
    script.receive(created_at(2, 5));
    assert_eq!(
        script.receive(events(2, 40, &[put("k", 6, "newer")])),
        [publish(1, "k", 6, "newer")]
    );
}

#[test]
fn a_read_that_an_event_was_quicker_than_shows_no_other_history() {
    let mut script = Script::live(&["k"]);
    script.refresh(1, 1);
    script.receive(events(1, 12, &[put("k", 12, "y")]));
    script.respond(2, 11, &[Some((11, "x"))]);
    assert_eq!(script.history_resets(), 0);
}

#[test]
fn e5_the_version_to_check_is_one_that_the_last_connection_saw() {
    let mut script = Script::live(&["a", "b"]);
    script.receive(events(1, 12, &[put("a", 12, "x")]));
    script.receive(events(2, 30, &[put("b", 30, "y")]));
    script.fail(CauseKind::Unreachable);
    script.connect();
    assert_eq!(script.refuse(2, CauseKind::TooLarge), [read(3, &["b"]), read(4, &["a"])]);
    // Of a key that can't be read, it is asked for.
    assert_eq!(script.refuse(3, CauseKind::TooLarge)[0], history_check("b", 30, "y"));
    script.respond(4, 40, &[Some((12, "x"))]);
    script.fail(CauseKind::Unreachable);
    script.next_actions();
    script.connect();
    script.refuse(5, CauseKind::TooLarge);
    script.respond(6, 40, &[None]);
    let actions = script.respond(7, 41, &[Some((41, "y"))]);
    assert!(actions.contains(&history_check("a", 12, "x")), "{actions:?}");
}

#[test]
fn a_probe_that_is_under_way_when_the_history_is_replaced_is_no_second_replacement() {
    let mut script = Script::live(&["k"]);
    script.answers_probes = false;
    script.receive(events(1, 30, &[put("k", 30, "old")]));
    let actions = script.next_actions();
    assert!(actions.iter().any(|action| matches!(action, Action::Probe(_))), "{actions:?}");
    script.refresh(1, 1);
    script.respond(2, 40, &[Some((20, "new"))]);
    let actions = script.probed(25, &[Some((20, ""))]);
    assert!(!actions.contains(&Action::Disconnect), "{actions:?}");
    assert_eq!(script.health.unwrap().history_resets, 1);
}

#[test]
fn e14_a_revision_that_has_other_metadata_than_it_had_is_of_another_history() {
    let lease = Metadata::new().with_lease(7);
    for (metadata, resets) in [(Metadata::new(), 0), (lease, 1)] {
        let mut script = Script::live(&["k"]);
        script.receive(events(1, 11, &[put("k", 11, "x")]));
        script.fail(CauseKind::Unreachable);
        script.connect();
        let found = KeyValue { metadata, ..key_value(11, "x") };
        script.session.handle_read(2, Ok(response(40, vec![Some(found)])), script.now);
        let published = Action::Publish(key_id(1), entry("k", 11, "x").with_metadata(metadata));
        assert_eq!(script.actions().contains(&published), resets == 1);
        assert_eq!(script.history_resets(), resets);
    }
}
