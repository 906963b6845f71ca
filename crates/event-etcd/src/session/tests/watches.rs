//! What a response on the stream means.

use super::*;

#[test]
fn e1_a_cut_in_the_catch_up_loses_nothing() {
    let mut script = Script::live(&["k"]);
    // The header has the store's revision on each part of the history.
    assert_eq!(
        script.receive(events(1, 2502, &[put("k", 11, "a"), put("k", 1002, "b")])),
        [publish(1, "k", 1002, "b")]
    );
    assert_eq!(
        script.receive(events(1, 2502, &[put("k", 2002, "c")])),
        [publish(1, "k", 2002, "c")]
    );
    script.fail(CauseKind::Unreachable);
    script.connect();
    assert_eq!(
        script.respond(2, 2502, &[Some((2502, "d"))]),
        [
            publish(1, "k", 2502, "d"),
            history_check("k", 2002, "c"),
            Action::OpenStream(create("k", 0))
        ]
    );
}

#[test]
fn e2_a_compacted_watch_is_canceled_and_its_key_read_anew() {
    let mut script = Script::live(&["k"]);
    let compacted = WatchResponse::Compacted { watch_id: 1 };
    assert_eq!(script.receive(compacted), [cancel(1), read(2, &["k"])]);
    assert_eq!(
        script.respond(2, 25, &[Some((21, "v"))]),
        [publish(1, "k", 21, "v"), Action::Send(create("k", 0))]
    );
}

#[test]
fn e3_a_refusal_does_not_end_another_watch() {
    let mut script = Script::live(&["a"]);
    script.subscribe(2, "b");
    script.respond(2, 10, &[None]);
    assert_eq!(script.receive(WatchResponse::Refused), [read(3, &["b"])]);
    assert_eq!(script.receive(events(1, 11, &[put("a", 11, "x")])), [publish(1, "a", 11, "x")]);
}

#[test]
fn e3_refusals_are_matched_with_watches_by_their_order() {
    let mut script = Script::new(&["one"]);
    for (id, key) in (1..).zip(["a", "b"]) {
        script.subscribe(id, key);
    }
    script.connect();
    script.respond(1, 10, &[None, None]);
    script.open();
    assert_eq!(script.receive(created(1)), [Action::Send(create("b", 10))]);
    assert_eq!(script.receive(WatchResponse::Refused), [read(2, &["b"])]);
    assert_eq!(script.receive(events(1, 11, &[put("a", 11, "x")])), [publish(1, "a", 11, "x")]);
}

#[test]
fn e4_a_refused_watch_of_a_key_that_can_be_read_means_a_new_stream() {
    let mut script = Script::live(&["a"]);
    script.subscribe(2, "b");
    script.respond(2, 10, &[None]);
    script.receive(WatchResponse::Refused);
    // The read has refreshed the token, and only a new stream takes it.
    let answered = script.respond(3, 10, &[None]);
    assert_eq!(answered, [Action::Disconnect, connect("two")]);
}

#[test]
fn e4_a_refused_watch_of_a_key_that_can_not_be_read_concerns_the_key_only() {
    let mut script = Script::live(&["a"]);
    script.subscribe(2, "b");
    script.respond(2, 10, &[None]);
    script.receive(WatchResponse::Refused);
    assert_eq!(script.refuse(3, CauseKind::PermissionDenied), []);
    // Granted again.
    assert_eq!(script.wait(SECOND), [read(4, &["b"])]);
    assert_eq!(script.respond(4, 10, &[None]), [Action::Send(create("b", 10))]);
}

#[test]
fn e7_a_progress_response_proves_the_stream_and_publishes_nothing() {
    let mut script = Script::live(&["k"]);
    assert_eq!(script.next_actions(), [Action::Send(WatchRequest::Progress)]);
    assert_eq!(script.receive(WatchResponse::Progress), []);
    assert_eq!(script.receive(events(1, 99, &[put("k", 11, "x")])), [publish(1, "k", 11, "x")]);
}

#[test]
fn a_stream_is_open_from_the_servers_word_to_the_end_of_the_connection() {
    let mut script = Script::new(&["one"]);
    script.subscribe(1, "k");
    script.connect();
    assert_eq!(script.respond(1, 10, &[None])[1..], [Action::OpenStream(create("k", 10))]);
    assert!(!script.session.is_open());
    script.open();
    assert!(script.session.is_open());
    script.fail(CauseKind::Unreachable);
    assert!(!script.session.is_open());
}

#[test]
fn a_stream_that_says_nothing_a_hundred_times_a_second_is_left() {
    let mut script = Script::live(&["k"]);
    for _ in 0..3 {
        script.now += SECOND;
        for _ in 0..100 {
            assert_eq!(script.receive(WatchResponse::Progress), []);
        }
    }
    assert_eq!(script.receive(WatchResponse::Progress)[0], Action::Disconnect);
    assert_eq!(script.cause(), "protocol violation: the stream says nothing, without end");
}

#[test]
fn events_are_not_published_if_a_read_was_quicker() {
    let mut script = Script::live(&["k"]);
    script.refresh(1, 1);
    script.respond(2, 12, &[Some((12, "y"))]);
    assert_eq!(script.receive(events(1, 12, &[put("k", 11, "x")])), []);
    assert_eq!(script.receive(events(1, 12, &[put("k", 12, "y")])), []);
}

#[test]
fn a_read_is_not_published_if_an_event_was_quicker() {
    let mut script = Script::live(&["k"]);
    script.refresh(1, 1);
    script.receive(events(1, 12, &[put("k", 12, "y")]));
    assert_eq!(script.respond(2, 11, &[Some((11, "x"))]), [refreshed(1, 1)]);
}

#[test]
fn a_watch_that_the_server_ends_is_asked_for_again() {
    let mut script = Script::live(&["k"]);
    assert_eq!(script.receive(canceled(1)), []);
    assert_eq!(script.wait(SECOND), [read(2, &["k"])]);
    assert_eq!(script.respond(2, 10, &[None]), [Action::Send(create("k", 10))]);
}

#[test]
fn unsubscribing_cancels_the_watch_of_the_key_and_no_other() {
    let mut script = Script::live(&["a", "b"]);
    assert_eq!(script.unsubscribe(1), [cancel(1)]);
    assert_eq!(script.receive(canceled(1)), []);
    assert_eq!(script.receive(events(2, 11, &[put("b", 11, "x")])), [publish(2, "b", 11, "x")]);
    assert_eq!(script.receive(events(1, 11, &[put("a", 11, "x")])), []);
}

#[test]
fn a_key_that_is_unsubscribed_while_it_is_read_is_not_watched() {
    let mut script = Script::live(&["a"]);
    script.subscribe(2, "b");
    assert_eq!(script.unsubscribe(2), []);
    assert_eq!(script.respond(2, 10, &[None]), []);
}

#[test]
fn e10_of_several_events_in_one_revision_the_last_one_counts() {
    let mut script = Script::live(&["k"]);
    let replaced = events(1, 11, &[delete("k", 11), put("k", 11, "new")]);
    assert_eq!(script.receive(replaced), [publish(1, "k", 11, "new")]);
    // In responses of their own.
    script.receive(events(1, 12, &[delete("k", 12)]));
    let later = script.receive(events(1, 12, &[put("k", 12, "newer")]));
    assert_eq!(later, [publish(1, "k", 12, "newer")]);
    // A read at a revision has all of it.
    script.refresh(1, 1);
    script.respond(2, 13, &[Some((13, "newest"))]);
    assert_eq!(script.receive(events(1, 13, &[delete("k", 13)])), []);
    assert_eq!(script.receive(events(1, 13, &[put("k", 13, "newest")])), []);
}

#[test]
fn e8_a_revision_is_complete_with_the_last_fragment() {
    let mut script = Script::live(&["k", "l"]);
    assert_eq!(script.receive(fragment(1, &[delete("k", 11)], true)), []);
    let whole = script.receive(fragment(1, &[put("k", 11, "new")], false));
    assert_eq!(whole, [publish(1, "k", 11, "new")]);
    // The last fragment may be empty.
    assert_eq!(script.receive(fragment(1, &[put("k", 12, "x")], true)), []);
    assert_eq!(script.receive(fragment(1, &[], false)), [publish(1, "k", 12, "x")]);
    // What is left of a response that was cut short is not taken for another watch's.
    assert_eq!(script.receive(fragment(1, &[put("k", 13, "y")], true)), []);
    assert_eq!(script.receive(fragment(2, &[], false)), []);
}

/// A part of a response, on a store at revision 20.
fn fragment(watch_id: i64, events: &[Event], is_fragment: bool) -> WatchResponse {
    WatchResponse::Events { watch_id, revision: 20, events: events.into(), is_fragment }
}

#[test]
fn a_watch_that_is_canceled_twice_without_a_change_in_between_ends_the_connection() {
    let mut script = Script::live(&["k"]);
    for id in 1..4 {
        script.receive(canceled(id));
        script.next_actions();
        let read = ReadId::try_from(id).unwrap() + 1;
        let revision = 10 + id;
        script.respond(read, revision - 1, &[(id > 1).then_some((revision - 1, "x"))]);
        script.receive(created_at(id + 1, revision - 1));
        let change = events(id + 1, revision, &[put("k", revision, "x")]);
        assert!(script.receive(change).contains(&publish(1, "k", revision, "x")));
    }
    script.receive(canceled(4));
    script.next_actions();
    script.respond(5, 13, &[Some((13, "x"))]);
    script.receive(created_at(5, 13));
    assert_eq!(script.receive(canceled(5))[0], Action::Disconnect);
}
