//! What is read, and what a response means.

use super::*;

#[test]
fn a_key_is_read_and_published_and_watched_from_the_revision_of_the_read() {
    let mut script = Script::new(&["one"]);
    assert_eq!(script.subscribe(1, "k"), [connect("one")]);
    assert_eq!(script.connect(), [read(1, &["k"])]);
    assert_eq!(
        script.respond(1, 10, &[Some((7, "v"))]),
        [publish(1, "k", 7, "v"), Action::OpenStream(create("k", 10))]
    );
}

#[test]
fn e5_after_a_reconnect_only_what_differs_is_published() {
    let mut script = Script::live(&["a", "b", "c"]);
    script.receive(events(1, 11, &[put("a", 11, "x")]));
    script.receive(events(2, 12, &[put("b", 12, "x")]));
    script.fail(CauseKind::Unreachable);
    assert_eq!(script.connect(), [read(2, &["a", "b", "c"])]);
    let actions = script.respond(2, 14, &[Some((11, "x")), Some((13, "y")), None]);
    assert!(actions.contains(&publish(2, "b", 13, "y")), "{actions:?}");
    assert!(actions.contains(&history_check("b", 12, "x")), "{actions:?}");
    assert_eq!(actions.iter().filter(|action| matches!(action, Action::Publish(..))).count(), 1);
}

#[test]
fn e5_a_lower_revision_is_another_history_and_the_read_is_the_truth() {
    let mut script = Script::live(&["k"]);
    script.receive(events(1, 30, &[put("k", 30, "old")]));
    script.fail(CauseKind::Unreachable);
    script.connect();
    assert_eq!(script.respond(2, 5, &[Some((4, "new"))])[0], publish(1, "k", 4, "new"));
    assert_eq!(script.health.as_ref().unwrap().history_resets, 1);
    script.open();
    script.receive(created_at(2, 5));
    assert_eq!(
        script.receive(events(2, 6, &[put("k", 6, "newer")])),
        [publish(1, "k", 6, "newer")]
    );
}

#[test]
fn e5_other_bytes_at_the_same_revision_are_published() {
    let mut script = Script::live(&["k"]);
    script.receive(events(1, 11, &[put("k", 11, "old")]));
    script.fail(CauseKind::Unreachable);
    script.connect();
    assert_eq!(script.respond(2, 11, &[Some((11, "new"))])[0], publish(1, "k", 11, "new"));
}

#[test]
fn e5_the_versions_of_a_history_that_has_passed_the_old_one_are_published() {
    let mut script = Script::live(&["k"]);
    script.receive(events(1, 11, &[put("k", 11, "old")]));
    script.fail(CauseKind::Unreachable);
    script.connect();
    assert_eq!(script.respond(2, 20, &[Some((3, "new"))])[0], publish(1, "k", 3, "new"));
}

#[test]
fn e5_another_version_at_a_published_revision_means_another_history() {
    let cases: [(Values<'_>, u64); 4] = [
        (&[Some((11, "old"))], 0),
        (&[Some((11, "new"))], 1), // restored, and another value at the same revision
        (&[Some((9, "old"))], 1),
        (&[None], 1), // wiped, and the key made later
    ];
    for (found, resets) in cases {
        let mut script = Script::live(&["k"]);
        script.receive(events(1, 11, &[put("k", 11, "old")]));
        script.fail(CauseKind::Unreachable);
        script.connect();
        script.respond(2, 20, &[Some((18, "new"))]);
        script.history_check(Ok((20, found)));
        assert_eq!(script.health.unwrap().history_resets, resets, "{found:?}");
    }
}

#[test]
fn e5_a_history_check_of_a_compacted_revision_is_inconclusive() {
    let mut script = Script::live(&["k"]);
    script.receive(events(1, 11, &[put("k", 11, "old")]));
    script.fail(CauseKind::Unreachable);
    script.connect();
    script.respond(2, 20, &[Some((12, "new"))]);
    script.history_check(Err(CauseKind::Unreachable));
    script.open();
    script.receive(created_at(2, 20));
    assert_eq!((script.state(), script.health.unwrap().history_resets), (HealthState::Live, 0));
}

#[test]
fn e5_a_version_that_a_read_shows_is_not_asked_for() {
    let mut script = Script::live(&["a", "b"]);
    script.receive(events(1, 11, &[put("a", 11, "old")]));
    script.receive(events(2, 30, &[put("b", 30, "old")]));
    script.fail(CauseKind::Unreachable);
    script.connect();
    let actions = script.respond(2, 40, &[Some((35, "new")), Some((30, "old"))]);
    assert!(!actions.iter().any(|it| matches!(it, Action::CheckHistory(_))), "{actions:?}");
    // A response to nothing.
    script.history_check(Ok((40, &[None])));
    assert_eq!(script.health.unwrap().history_resets, 0);
}

#[test]
fn e5_the_version_of_a_key_that_left_is_asked_for() {
    for before in [true, false] {
        let mut script = Script::live(&["a", "b"]);
        script.receive(events(1, 11, &[put("a", 11, "old")]));
        script.fail(CauseKind::Unreachable);
        let mut actions = Vec::new();
        if before {
            actions.extend(script.unsubscribe(1));
        }
        actions.extend(script.connect());
        if !before {
            actions.extend(script.unsubscribe(1));
        }
        assert!(actions.contains(&history_check("a", 11, "old")), "{before}: {actions:?}");
    }
}

#[test]
fn e5_a_history_reset_is_counted_once_whatever_shows_it_first() {
    let mut script = Script::live(&["k"]);
    script.receive(events(1, 30, &[put("k", 30, "old")]));
    script.fail(CauseKind::Unreachable);
    script.connect();
    script.respond(2, 35, &[Some((34, "new"))]);
    script.history_check(Ok((35, &[None])));
    script.refresh(1, 1);
    script.respond(3, 35, &[Some((34, "new"))]);
    assert_eq!(script.health.unwrap().history_resets, 1);
}

#[test]
fn e5_a_key_that_the_new_history_does_not_have_is_deleted() {
    let mut script = Script::live(&["k"]);
    script.receive(events(1, 11, &[put("k", 11, "old")]));
    script.fail(CauseKind::Unreachable);
    script.connect();
    assert_eq!(
        script.respond(2, 2, &[None])[0],
        Action::Publish(key_id(1), Entry::deleted("k", 2))
    );
}

#[test]
fn e5_a_read_of_another_history_than_the_streams_ends_the_connection() {
    let mut script = Script::live(&["k"]);
    script.refresh(1, 1);
    assert_eq!(script.respond(2, 3, &[None]), [Action::Disconnect, connect("two")]);
    assert_eq!(script.connect(), [read(3, &["k"])]);
    assert!(script.respond(3, 3, &[None]).contains(&refreshed(1, 1)));
    assert_eq!(script.health.unwrap().history_resets, 1);
}

/// Found by seed 125,228 of the simulation: two responses from a history that had just passed the old
/// one's revision, the later one first.
#[test]
fn e5_responses_out_of_order_do_not_publish_an_older_version() {
    let mut script = Script::live(&["k"]);
    script.fail(CauseKind::Unreachable);
    script.connect();
    script.refresh(1, 1);
    script.respond(3, 12, &[Some((12, "new"))]);
    let late = script.respond(2, 9, &[None]);
    assert!(!late.iter().any(|action| matches!(action, Action::Publish(..))), "{late:?}");
}

#[test]
fn e6_a_key_created_anew_is_newer_than_what_it_was() {
    let mut script = Script::live(&["k"]);
    script.receive(events(1, 11, &[put("k", 11, "v")]));
    script.receive(events(1, 12, &[delete("k", 12)]));
    // The same bytes, and version 1 again.
    assert_eq!(script.receive(events(1, 13, &[put("k", 13, "v")])), [publish(1, "k", 13, "v")]);
    script.fail(CauseKind::Unreachable);
    script.connect();
    assert_eq!(script.respond(2, 15, &[Some((15, "v"))])[0], publish(1, "k", 15, "v"));
}

#[test]
fn e8_values_that_are_too_large_for_one_response_are_read_in_halves() {
    let mut script = Script::new(&["one"]);
    for (id, key) in (1..).zip(["a", "b", "c"]) {
        script.subscribe(id, key);
    }
    script.connect();
    let halves = script.refuse(1, CauseKind::TooLarge);
    assert_eq!(halves, [read(2, &["b", "c"]), read(3, &["a"])]);
    assert_eq!(script.respond(3, 10, &[Some((2, "x"))])[0], publish(1, "a", 2, "x"));
    assert_eq!(script.refuse(2, CauseKind::TooLarge), [read(4, &["c"]), read(5, &["b"])]);
    assert_eq!(script.respond(5, 10, &[Some((3, "y"))])[0], publish(2, "b", 3, "y"));
    // A value that is too large by itself does not harm the others.
    assert_eq!(script.refuse(4, CauseKind::TooLarge), []);
    assert_eq!(script.refusals, BTreeMap::from([(key_id(3), CauseKind::TooLarge)]));
    assert_eq!(script.wait(SECOND), [read(6, &["c"])]);
    assert_eq!(script.respond(6, 10, &[Some((4, "z"))])[0], publish(3, "c", 4, "z"));
    assert!(script.refusals.is_empty());
}

#[test]
fn c10_a_server_that_reads_one_key_at_a_time_is_asked_so() {
    let mut script = Script::new(&["one", "two"]);
    for (id, key) in (1..).zip(["a", "b"]) {
        script.subscribe(id, key);
    }
    script.connect();
    let each = script.refuse(1, CauseKind::Unimplemented);
    assert_eq!(each, [read(2, &["a"]), read(3, &["b"])]);
    assert_eq!(script.refuse(2, CauseKind::Unimplemented), [Action::Disconnect, connect("two")]);
}

#[test]
fn a_refused_key_is_asked_for_again_and_its_neighbours_go_on() {
    let mut script = Script::live(&["a", "b"]);
    script.refresh(1, 1);
    let refused = script.refuse(2, CauseKind::PermissionDenied);
    assert!(
        matches!(&refused[..], [Action::Refreshed(_, 1, Err(_)), Action::Send(_)]),
        "{refused:?}"
    );
    let health = script.health.clone().unwrap();
    assert_eq!(health.cause.unwrap().kind(), CauseKind::PermissionDenied);
    assert_eq!(script.receive(events(2, 11, &[put("b", 11, "x")])), [publish(2, "b", 11, "x")]);
    assert_eq!(script.wait(SECOND), [read(3, &["a"])]);
    // Not an answer to the refusal of a watch, so it proves nothing about the stream's credentials.
    assert_eq!(script.respond(3, 11, &[None]), [Action::Send(create("a", 11))]);
    assert_eq!(script.state(), HealthState::Live);
}

#[test]
fn keys_that_are_refused_are_asked_for_again_the_later_the_more_they_are() {
    let names: Vec<String> = (1..=70).map(|name| name.to_string()).collect();
    let mut script = Script::live(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let begun = script.now;
    for (id, ticket) in (1..=70).zip(1..) {
        script.refresh(id, ticket);
        script.refuse(ticket + 1, CauseKind::PermissionDenied);
    }
    (1..70).for_each(|id| drop(script.unsubscribe(id)));
    assert_eq!(script.next_actions(), [read(72, &["70"])]);
    assert_eq!(script.now - begun, 3 * SECOND / 2);
}

#[test]
fn a_value_that_is_too_large_is_asked_for_ever_later() {
    let half = SECOND / 2;
    for (kind, waits) in [
        (CauseKind::TooLarge, [1, 2, 4, 8, 16, 32, 60, 60].map(|halves| halves * half)),
        (CauseKind::PermissionDenied, [half; 8]),
    ] {
        let mut script = Script::live(&["k"]);
        script.refresh(1, 1);
        for (id, wait) in (2..).zip(waits) {
            script.refuse(id, kind);
            let refused = script.now;
            assert_eq!(script.next_actions(), [read(id + 1, &["k"])]);
            assert_eq!(script.now - refused, wait, "{kind:?}");
        }
    }
}

#[test]
fn a_key_that_is_refused_again_and_again_does_not_delay_the_others() {
    let mut script = Script::live(&["a", "b"]);
    for (ticket, id) in (1..).zip([1, 2]) {
        script.refresh(id, ticket);
        script.refuse(ticket + 1, CauseKind::PermissionDenied);
    }
    let asked_again = (4..).take(5).any(|id| {
        let refresh = script.refresh(1, id);
        assert_eq!(refresh, [read(id, &["a"])]);
        script.refuse(id, CauseKind::PermissionDenied);
        !script.wait(SECOND / 4).is_empty()
    });
    assert!(asked_again);
}

#[test]
fn after_a_read_of_many_keys_timed_out_fewer_are_read_at_once_until_the_connection_is_live() {
    let names: Vec<String> = (0..128).map(|name| name.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut script = Script::new(&["one"]);
    for (id, name) in (1..).zip(&names) {
        script.subscribe(id, name);
    }
    assert_eq!(script.connect(), [read(1, &names)]);
    script.wait(5 * SECOND); // no response
    script.wait(SECOND);
    assert_eq!(script.connect(), [read(2, &names[..64]), read(3, &names[64..])]);
    script.respond(2, 10, &[None; 64]);
    script.respond(3, 10, &[None; 64]);
    script.open();
    (1..=128).for_each(|id| drop(script.receive(created(id))));
    script.fail(CauseKind::Unreachable);
    script.wait(SECOND);
    assert_eq!(script.connect(), [read(4, &names)]);
}

#[test]
fn after_a_read_of_one_key_timed_out_as_many_are_read_at_once_as_before() {
    let names: Vec<String> = (1..=128).map(|name| name.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut script = Script::new(&["one"]);
    script.subscribe(1, "1");
    assert_eq!(script.connect(), [read(1, &["1"])]);
    script.wait(5 * SECOND); // no response
    for (id, name) in (1..).zip(&names).skip(1) {
        script.subscribe(id, name);
    }
    script.wait(SECOND);
    assert_eq!(script.connect(), [read(2, &names)]);
}

#[test]
fn a_refresh_is_read_after_the_call_and_survives_the_connection() {
    let mut script = Script::new(&["one", "two"]);
    script.subscribe(1, "k");
    script.connect();
    // The read under way may have been served before the call.
    assert_eq!(script.refresh(1, 7), [read(2, &["k"])]);
    assert!(!script.respond(1, 10, &[None]).contains(&refreshed(1, 7)));
    script.fail(CauseKind::Unreachable);
    script.connect();
    assert!(script.respond(3, 10, &[None]).contains(&refreshed(1, 7)));
}

#[test]
fn a_refresh_is_not_done_by_a_read_that_was_sent_before_it() {
    let mut script = Script::live(&["k"]);
    assert_eq!(script.refresh(1, 7), [read(2, &["k"])]);
    assert_eq!(script.refresh(1, 8), [read(3, &["k"])]);
    assert_eq!(script.respond(2, 10, &[None]), [refreshed(1, 7)]);
    assert_eq!(script.respond(3, 10, &[None]), [refreshed(1, 8)]);
}

#[test]
fn refreshes_that_wait_for_a_read_share_it() {
    let mut script = Script::new(&["one"]);
    script.subscribe(1, "k");
    script.refresh(1, 7);
    script.refresh(1, 8);
    assert_eq!(script.connect(), [read(1, &["k"])]);
    // Up to the eighth.
    assert!(script.respond(1, 10, &[None]).contains(&refreshed(1, 8)));
}

#[test]
fn nobody_waits_for_a_refresh_of_a_key_without_a_subscription() {
    let mut script = Script::live(&["k"]);
    script.refresh(1, 7);
    assert_eq!(script.unsubscribe(1), [cancel(1)]);
    assert_eq!(script.respond(2, 10, &[None]), []);
    assert_eq!(script.refresh(1, 8), []);
}

/// From the read's revision on, a large value would be sent twice.
#[test]
fn e7_a_key_that_was_written_at_the_reads_revision_is_watched_from_now_on() {
    for (found, start) in [(10, 0), (9, 10)] {
        let mut script = Script::new(&["one"]);
        script.subscribe(1, "k");
        script.connect();
        let actions = script.respond(1, 10, &[Some((found, "v"))]);
        assert!(actions.contains(&Action::OpenStream(create("k", start))), "{actions:?}");
    }
}
