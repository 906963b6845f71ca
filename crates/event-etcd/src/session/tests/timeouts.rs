//! How long things may take, which member is next, and what the health is.

use super::*;

#[test]
fn connecting_ends_at_its_timeout_and_the_next_member_is_tried() {
    let mut script = Script::new(&["one", "two"]);
    script.subscribe(1, "k");
    assert_eq!(script.patience(), Some(TIMEOUTS.connect));
    assert_eq!(script.wait(TIMEOUTS.connect), [Action::Disconnect, connect("two")]);
    assert_eq!(script.cause(), "unreachable: no response within 4s");
}

#[test]
fn c12_a_login_has_time_of_its_own_and_the_first_response_no_more_than_without_one() {
    let timeouts = Timeouts { login: 2 * SECOND, ..TIMEOUTS };
    let mut script = Script::new(&["one"]);
    let endpoints = Endpoints::new(["one".to_owned()], Some(1));
    script.session = Session::new(endpoints, timeouts, None, script.now);
    script.subscribe(1, "k");
    assert_eq!(script.patience(), Some(timeouts.connect + timeouts.login));
    script.now += SECOND;
    script.connect();
    assert_eq!(script.patience(), Some(timeouts.connect));
}

#[test]
fn c13_a_name_is_waited_for_longer_if_no_address_is_known() {
    let one: Arc<str> = "one".into();
    for (is_known, timeout) in [(true, TIMEOUTS.connect / 5), (false, TIMEOUTS.connect)] {
        let mut endpoints = Endpoints::new([one.to_string()], Some(1));
        if is_known {
            endpoints.resolved(&one, vec!["1".into()]);
        }
        let now = Instant::now();
        let mut session = Session::new(endpoints, TIMEOUTS, None, now);
        session.handle_subscribe(key_id(1), "k".into(), now);
        assert_eq!(session.poll_action(now), Some(Action::Resolve(Arc::clone(&one))));
        let late = now + timeout;
        assert_eq!(session.poll_timeout(), Some(late));
        session.handle_timeout(late);
        match session.poll_action(late) {
            Some(Action::Connect { address, .. }) => assert!(is_known && *address == *"1"),
            Some(Action::PublishHealth(health)) => {
                assert!(!is_known);
                assert_eq!(health.cause.unwrap().kind(), CauseKind::Unreachable);
            }
            action => panic!("{action:?}"),
        }
    }
}

#[test]
fn the_connect_timeout_includes_the_first_response() {
    let mut script = Script::new(&["one", "two"]);
    script.subscribe(1, "k");
    script.connect();
    assert_eq!(script.patience(), Some(TIMEOUTS.connect));
    assert_eq!(script.wait(TIMEOUTS.connect), [Action::Disconnect, connect("two")]);
}

#[test]
fn a_read_long_after_connecting_has_a_timeout_of_its_own() {
    let mut script = Script::new(&["one"]);
    script.subscribe(1, "a");
    script.unsubscribe(1);
    script.connect();
    script.wait(10 * SECOND);
    assert_eq!(script.subscribe(2, "b"), [read(1, &["b"])]);
    assert_eq!(script.patience(), Some(3 * SECOND));
}

#[test]
fn a_stream_that_does_not_open_and_a_read_without_a_response_end_the_connection() {
    let mut script = Script::new(&["one", "two"]);
    script.subscribe(1, "k");
    script.connect();
    script.respond(1, 10, &[None]);
    assert_eq!(script.next_actions(), [Action::Disconnect, connect("two")]);
    script.connect();
    script.respond(2, 10, &[None]);
    script.open();
    script.refresh(1, 1);
    let left = (0..10).any(|_| script.wait(SECOND).contains(&Action::Disconnect));
    assert!(left && script.state() == HealthState::Stalled);
}

#[test]
fn an_idle_stream_is_asked_for_a_sign_of_life_and_left_at_the_liveness_timeout() {
    let mut script = Script::live(&["k"]);
    assert_eq!(script.next_actions(), [Action::Send(WatchRequest::Progress)]);
    script.receive(WatchResponse::Progress);
    let mut script = Script::live(&["k"]);
    script.answers_probes = false;
    let heard = script.now;
    let both = [Action::Send(WatchRequest::Progress), Action::Probe(vec!["k".into()])];
    assert_eq!(script.next_actions(), both);
    assert_eq!(script.next_actions()[0], Action::Disconnect);
    assert!(script.now - heard <= TIMEOUTS.liveness);
    assert_eq!(script.state(), HealthState::Stalled);
}

#[test]
fn an_idle_store_asks_the_stream_and_probes_at_the_same_times() {
    let mut script = Script::live(&["k"]);
    script.answers_probes = false;
    let (idle_times, begin) = (300, script.now);
    let (mut asked, mut probed) = (0, 0);
    while script.now < begin + idle_times * TIMEOUTS.idle() {
        let mut actions = script.next_actions();
        if probed % 2 == 0 {
            actions.reverse(); // either answer may be the first
        }
        for action in actions {
            script.now += SECOND / 1000;
            match action {
                Action::Probe(_) => {
                    probed += 1;
                    script.probed(10, &[None]);
                }
                Action::Send(WatchRequest::Progress) => {
                    asked += 1;
                    script.receive(WatchResponse::Progress);
                }
                _ => panic!("an idle store did {action:?}"),
            }
        }
    }
    let expected = idle_times - 1..=idle_times * 4 / 3;
    assert!(expected.contains(&probed), "{probed} probes");
    assert!(expected.contains(&asked), "{asked} questions");
}

#[test]
fn c9_a_server_that_does_not_answer_for_progress_is_asked_once_and_then_its_keys_are_probed() {
    let mut script = Script::live(&["a", "b", "c"]);
    assert_eq!(script.next_actions(), [Action::Send(WatchRequest::Progress)]);
    assert_eq!(script.next_actions(), [cancel(1), Action::Send(create("a", 0))]);
    script.receive(created(4));
    script.answers_probes = false;
    for _ in 0..10 {
        let actions = script.next_actions();
        assert!(matches!(&actions[..], [Action::Probe(keys)] if keys.len() == 3), "{actions:?}");
        script.probed(10, &[None, None, None]);
        assert_eq!(script.state(), HealthState::Live);
    }
}

#[test]
fn e13_a_server_that_puts_the_answer_off_is_asked_for_a_watch() {
    let mut script = Script::live(&["a"]);
    script.wait(2 * SECOND);
    script.receive(WatchResponse::Progress);
    for watch_id in 1..10 {
        assert_eq!(script.next_actions(), [Action::Send(WatchRequest::Progress)]);
        assert_eq!(script.next_actions(), [cancel(watch_id), Action::Send(create("a", 0))]);
        script.receive(created(watch_id + 1));
    }
    assert_eq!(script.state(), HealthState::Live);
}

#[test]
fn e12_a_member_that_answers_on_the_stream_only_is_left() {
    let mut script = Script::live(&["k"]);
    script.answers_probes = false;
    let begun = script.now;
    for _ in 0..100 {
        script.receive(WatchResponse::Progress);
        if script.wait(SECOND / 2).contains(&Action::Disconnect) {
            assert!(script.now - begun <= TIMEOUTS.liveness);
            assert_eq!(script.cause(), "unreachable: no response within 3s");
            return;
        }
    }
    panic!("it is not left");
}

#[test]
fn a_version_that_a_probe_shows_is_read_and_the_watch_that_does_not_send_it_ends_the_connection() {
    let mut script = Script::live(&["a", "b"]);
    script.answers_probes = false;
    script.wait(2 * SECOND);
    script.receive(WatchResponse::Progress);
    assert_eq!(script.probed(12, &[Some((12, ""))]), [read(2, &["a"])]);
    assert_eq!(script.respond(2, 12, &[Some((12, "x"))]), [publish(1, "a", 12, "x")]);
    let sent = script.now;
    for _ in 0..100 {
        script.receive(WatchResponse::Progress);
        let actions = script.wait(SECOND / 2);
        if actions.contains(&Action::Disconnect) {
            assert_eq!(script.now - sent, TIMEOUTS.response());
            return;
        }
        if matches!(actions[..], [Action::Probe(_)]) {
            script.probed(12, &[None]);
        }
    }
    panic!("it is not left");
}

#[test]
fn too_many_requests_keep_the_connection_and_are_repeated_ever_later() {
    let mut script = Script::live(&["k"]);
    script.session.handle_remove_endpoint("two", script.now);
    let (mut read, mut waits) = (2, Vec::new());
    script.refresh(1, 1);
    for _ in 0..8 {
        assert_eq!(script.refuse(read, CauseKind::ResourceExhausted), []);
        assert_eq!(script.state(), HealthState::Stalled);
        let refused = script.now;
        let asks = |action: &Action| matches!(action, Action::Read(..));
        let asked = (0..1000).find(|_| {
            script.receive(WatchResponse::Progress);
            script.wait(SECOND / 5).iter().any(asks)
        });
        assert!(asked.is_some(), "it is asked again");
        read += 1;
        waits.push(script.now - refused);
    }
    assert!(waits[0] >= SECOND / 4 && waits[0] <= SECOND, "{waits:?}");
    assert!(waits[7] >= 15 * SECOND && waits[7] <= 30 * SECOND, "{waits:?}");
    assert_eq!(script.respond(read, 10, &[None]), [refreshed(1, 1)]);
    assert_eq!(script.state(), HealthState::Live);
}

#[test]
fn a_member_that_has_too_many_requests_for_long_is_left_for_another() {
    let mut script = Script::live(&["k"]);
    let (begun, mut read) = (script.now, 2);
    script.refresh(1, 1);
    script.refuse(read, CauseKind::ResourceExhausted);
    for _ in 0..1000 {
        script.receive(WatchResponse::Progress);
        let actions = script.wait(SECOND / 5);
        if actions.contains(&connect("two")) {
            assert!(script.now - begun >= 4 * TIMEOUTS.liveness);
            return;
        }
        if actions.iter().any(|action| matches!(action, Action::Read(..))) {
            read += 1;
            script.refuse(read, CauseKind::ResourceExhausted);
        }
        if script.session.poll_timeout().is_none_or(|at| at > script.now + 40 * SECOND) {
            break;
        }
    }
    panic!("it is not left");
}

#[test]
fn a_store_is_live_however_often_other_keys_are_looked_at() {
    let mut script = Script::new(&["one"]);
    script.subscribe(1, "k");
    script.connect();
    for id in 2..20 {
        script.subscribe(id, "other");
    }
    script.respond(1, 10, &[None]);
    script.open();
    script.receive(created(1));
    assert_eq!(script.state(), HealthState::Live);
}

/// Reads are answered at the same time: those of a refused key, or of a program that refreshes.
#[test]
fn responses_to_reads_do_not_hide_a_silent_stream() {
    let mut script = Script::live(&["k"]);
    let begun = script.now;
    for id in 2.. {
        script.refresh(1, id);
        script.respond(id, 10, &[None]);
        if script.wait(SECOND / 2).contains(&Action::Disconnect) {
            break;
        }
    }
    assert_eq!(script.now - begun, TIMEOUTS.liveness);
}

#[test]
fn a_stream_without_watches_is_not_asked() {
    let mut script = Script::live(&["k"]);
    script.unsubscribe(1);
    assert_eq!(script.patience(), None);
}

#[test]
fn a_program_that_asks_for_a_large_value_does_not_make_the_wait_longer() {
    let mut script = Script::live(&["k"]);
    script.refresh(1, 1);
    script.refuse(2, CauseKind::TooLarge);
    for ticket in 2..20 {
        script.refresh(1, ticket);
        script.refuse(ticket + 1, CauseKind::TooLarge);
    }
    let begin = script.now;
    assert_eq!(script.next_actions(), [read(21, &["k"])]);
    assert!(script.now - begin <= SECOND / 2);
}

#[test]
fn c3_every_end_of_a_stream_means_another_connection() {
    let kinds = [
        CauseKind::Unreachable,
        CauseKind::NoLeader,
        CauseKind::Unauthenticated,
        CauseKind::PermissionDenied,
        CauseKind::InvalidArgument,
        CauseKind::TooLarge,
    ];
    for kind in kinds {
        let mut script = Script::live(&["k"]);
        assert_eq!(script.fail(kind), [Action::Disconnect, connect("two")], "{kind:?}");
    }
}

#[test]
fn c4_a_member_that_failed_is_tried_after_those_that_did_not() {
    let mut script = Script::new(&["one", "two", "three"]);
    script.subscribe(1, "k");
    assert_eq!(script.fail(CauseKind::Unreachable)[1], connect("two"));
    assert_eq!(script.fail(CauseKind::Unreachable)[1], connect("three"));
    // All have failed: the one that did first, after a wait.
    assert_eq!(script.fail(CauseKind::Unreachable), [Action::Disconnect]);
    assert!(script.patience() >= Some(SECOND / 40));
    assert_eq!(script.wait(SECOND), [connect("one")]);
}

#[test]
fn c5_a_member_without_a_leader_is_left_for_the_next() {
    let mut script = Script::live(&["k"]);
    script.refresh(1, 1);
    assert_eq!(script.refuse(2, CauseKind::NoLeader), [Action::Disconnect, connect("two")]);
    let health = script.health.clone().unwrap();
    assert_eq!(health.cause.unwrap().kind(), CauseKind::NoLeader);
}

#[test]
fn an_endpoint_that_is_removed_before_its_next_try_is_not_tried() {
    let mut script = Script::new(&["one", "two"]);
    script.subscribe(1, "k");
    script.fail(CauseKind::Unreachable);
    script.fail(CauseKind::Unreachable); // and now waits before it tries the first again
    script.session.handle_remove_endpoint("one", script.now);
    assert_eq!(script.actions(), []);
    assert_eq!(script.wait(SECOND), [connect("two")]);
}

#[test]
fn adding_a_known_endpoint_does_not_delay_the_next_try() {
    let mut script = Script::new(&["one"]);
    script.subscribe(1, "k");
    script.fail(CauseKind::Unreachable);
    let patience = script.patience();
    script.session.handle_add_endpoint("one", script.now);
    assert_eq!(script.patience(), patience);
    script.session.handle_add_endpoint("two", script.now);
    assert_eq!(script.actions(), [connect("two")]);
}

#[test]
fn a_store_without_endpoints_connects_when_one_is_added() {
    let mut script = Script::new(&["one"]);
    script.subscribe(1, "k");
    script.session.handle_remove_endpoint("one", script.now);
    assert_eq!(script.actions(), [Action::Disconnect]);
    assert_eq!((script.state(), script.patience()), (HealthState::Stalled, None));
    script.session.handle_add_endpoint("two", script.now);
    assert_eq!(script.actions(), [connect("two")]);
}

#[test]
fn an_unchanged_health_is_not_published_again() {
    let mut script = Script::live(&["k"]);
    assert_eq!(script.healths, 1);
    script.receive(events(1, 11, &[put("k", 11, "x")]));
    script.refresh(1, 1);
    script.respond(2, 12, &[Some((12, "y"))]);
    script.receive(WatchResponse::Progress);
    assert_eq!(script.healths, 1);
    for _ in 0..10 {
        script.fail(CauseKind::Unreachable);
        script.wait(SECOND);
    }
    // What each endpoint had to say.
    assert_eq!(script.healths, 3, "{:?}", script.health);
}

#[test]
fn a_response_that_nobody_asked_for_changes_nothing() {
    let mut script = Script::live(&["k"]);
    assert_eq!(script.respond(99, 11, &[Some((11, "x"))]), []);
    assert_eq!(script.probed(11, &[Some((11, "x"))]), []);
    assert_eq!(script.receive(events(1, 11, &[])), []);
}

#[test]
fn a_protocol_violation_ends_the_connection() {
    let wrong = [
        created(99),
        created(1),
        WatchResponse::Refused,
        canceled(99),
        WatchResponse::Compacted { watch_id: 99 },
        events(99, 11, &[put("k", 11, "x")]),
        events(-1, 11, &[put("k", 11, "x")]),
        events(1, 11, &[put("another", 11, "x")]),
        events(1, 11, &[put("k", 12, "x")]),
        events(1, 11, &[put("k", 0, "x")]),
        events(1, 11, &[put("k", -5, "x")]),
        events(1, 99, &[put("k", 12, "x"), put("k", 11, "y")]),
        events(1, 99, &[put("k", 9, "x")]),
    ];
    for response in wrong {
        let mut script = Script::live(&["k"]);
        let name = format!("{response:?}");
        assert_eq!(script.receive(response), [Action::Disconnect, connect("two")], "{name}");
        let cause = script.health.unwrap().cause.unwrap();
        assert_eq!(cause.kind(), CauseKind::ProtocolViolation, "{name}");
    }
    let wrong: [(i64, Values<'_>); 4] =
        [(11, &[None, None]), (0, &[None]), (11, &[Some((12, "x"))]), (11, &[Some((0, "x"))])];
    for (revision, found) in wrong {
        let mut script = Script::live(&["k"]);
        script.refresh(1, 1);
        assert_eq!(script.respond(2, revision, found)[0], Action::Disconnect);
        let cause = script.health.unwrap().cause.unwrap();
        assert_eq!(cause.kind(), CauseKind::ProtocolViolation);
    }
}

#[test]
fn a_watch_that_is_not_created_ends_the_connection() {
    let mut script = Script::live(&["a"]);
    script.subscribe(2, "b");
    script.respond(2, 10, &[None]);
    for _ in 0..100 {
        // The stream lives, and the reads are answered.
        script.receive(WatchResponse::Progress);
        if script.wait(SECOND / 10).contains(&Action::Disconnect) {
            assert_eq!(script.cause(), "unreachable: a watch was not created within 3s");
            return;
        }
    }
    panic!("the watch is waited for without end");
}
