//! What a response on the stream means.

use super::*;

#[test]
fn e1_a_cut_in_the_catch_up_loses_nothing() {
    let mut script = Script::live(&["k"]);
    // The header has the store's revision on each part of the history.
    assert_eq!(script.hear(events(1, 2502, &[(11, "a"), (1002, "b")])), [tell(1, "k", 1002, "b")]);
    assert_eq!(script.hear(events(1, 2502, &[(2002, "c")])), [tell(1, "k", 2002, "c")]);
    script.fail(CauseKind::Unreachable);
    script.connect();
    assert_eq!(
        script.answer(2, 2502, &[Some((2502, "d"))]),
        [tell(1, "k", 2502, "d"), Action::Open(create(2, "k", 2502))]
    );
}

#[test]
fn e2_a_compacted_watch_is_canceled_and_its_key_read_anew() {
    let mut script = Script::live(&["k"]);
    let compacted = Response { compact_revision: 20, ..canceled(1) };
    assert_eq!(script.hear(compacted), [cancel(1), read(2, &["k"])]);
    assert_eq!(
        script.answer(2, 25, &[Some((21, "v"))]),
        [tell(1, "k", 21, "v"), Action::Send(create(2, "k", 25))]
    );
}

#[test]
fn e3_a_refusal_with_the_id_of_a_live_watch_kills_no_neighbour() {
    let mut script = Script::live(&["a"]);
    script.follow(2, "b");
    script.answer(2, 10, &[None]);
    assert_eq!(script.hear(refused(1)), [read(3, &["b"])]);
    assert_eq!(script.hear(events(1, 11, &[(11, "x")])), [tell(1, "a", 11, "x")]);
}

#[test]
fn e3_refusals_are_told_apart_by_their_order() {
    let mut script = Script::new(&["one"]);
    for (id, key) in (1..).zip(["a", "b"]) {
        script.follow(id, key);
    }
    script.connect();
    script.answer(1, 10, &[None, None]);
    script.session.opened(script.now);
    assert_eq!(script.hear(created(1)), []);
    assert_eq!(script.hear(refused(-1)), [read(2, &["b"])]);
    assert_eq!(script.hear(events(1, 11, &[(11, "x")])), [tell(1, "a", 11, "x")]);
}

#[test]
fn e4_a_refused_watch_of_a_key_that_can_be_read_means_a_new_stream() {
    let mut script = Script::live(&["a"]);
    script.follow(2, "b");
    script.answer(2, 10, &[None]);
    script.hear(refused(2));
    // The read has refreshed the token, and only a new stream takes it.
    let answered = script.answer(3, 10, &[None]);
    assert_eq!(answered[1..], [Action::Disconnect, connect("two")]);
}

#[test]
fn e4_a_refused_watch_of_a_key_that_can_not_be_read_is_the_keys_affair() {
    let mut script = Script::live(&["a"]);
    script.follow(2, "b");
    script.answer(2, 10, &[None]);
    script.hear(refused(2));
    assert_eq!(script.refuse(3, CauseKind::PermissionDenied), []);
    // Granted again.
    assert_eq!(script.wait(SECOND), [read(4, &["b"])]);
    assert_eq!(script.answer(4, 10, &[None]), [Action::Send(create(3, "b", 10))]);
}

#[test]
fn e7_a_progress_answer_proves_the_stream_and_tells_nothing() {
    let mut script = Script::live(&["k"]);
    assert_eq!(script.wait(2 * SECOND), [Action::Send(Request::Progress)]);
    assert_eq!(script.hear(Response { revision: 99, ..progress() }), []);
    assert_eq!(script.hear(events(1, 99, &[(11, "x")])), [tell(1, "k", 11, "x")]);
}

#[test]
fn events_that_a_read_was_quicker_than_are_not_told() {
    let mut script = Script::live(&["k"]);
    script.refresh(1, 1);
    script.answer(2, 12, &[Some((12, "y"))]);
    assert_eq!(script.hear(events(1, 12, &[(11, "x")])), []);
    assert_eq!(script.hear(events(1, 12, &[(12, "y")])), []);
}

#[test]
fn a_read_that_an_event_was_quicker_than_is_not_told() {
    let mut script = Script::live(&["k"]);
    script.refresh(1, 1);
    script.hear(events(1, 12, &[(12, "y")]));
    assert_eq!(script.answer(2, 11, &[Some((11, "x"))]), [Action::Refreshed(1, Ok(()))]);
}

#[test]
fn a_watch_that_the_server_ends_is_asked_for_again() {
    let mut script = Script::live(&["k"]);
    assert_eq!(script.hear(Response { reason: "busy".to_owned(), ..canceled(1) }), []);
    assert_eq!(script.wait(SECOND), [read(2, &["k"])]);
    assert_eq!(script.answer(2, 10, &[None]), [Action::Send(create(2, "k", 10))]);
}

#[test]
fn leaving_a_key_cancels_its_watch_and_no_other() {
    let mut script = Script::live(&["a", "b"]);
    assert_eq!(script.leave(1), [cancel(1)]);
    assert_eq!(script.hear(canceled(1)), []);
    assert_eq!(script.hear(events(2, 11, &[(11, "x")])), [tell(2, "b", 11, "x")]);
    assert_eq!(script.hear(events(1, 11, &[(11, "x")])), []);
}

#[test]
fn a_key_left_while_it_is_read_is_not_watched() {
    let mut script = Script::live(&["a"]);
    script.follow(2, "b");
    assert_eq!(script.leave(2), []);
    assert_eq!(script.answer(2, 10, &[None]), []);
}
