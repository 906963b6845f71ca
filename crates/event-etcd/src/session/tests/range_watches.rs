//! What the watch of a range sends.

use super::range_reads::{create_range, deleted, read_page, step};
use super::*;

/// A part of a response, on a store at revision 20.
fn fragment(events: &[Event], is_fragment: bool) -> WatchResponse {
    WatchResponse::Events { watch_id: 1, revision: 20, events: events.into(), is_fragment }
}

#[test]
fn a_revision_is_one_step() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    let transaction = [put("p/b", 11, "y"), delete("p/a", 11), put("p/c", 11, "")];
    assert_eq!(
        script.receive(events(1, 11, &transaction)),
        [step(1, &[deleted("p/a", 11), entry("p/b", 11, "y"), entry("p/c", 11, "")])]
    );
}

#[test]
fn several_revisions_in_one_response_are_one_step_of_the_newest_versions() {
    let mut script = Script::live_range(&[]);
    let several = [put("p/a", 11, "x"), put("p/b", 12, "y"), put("p/a", 13, "z")];
    assert_eq!(
        script.receive(events(1, 20, &several)),
        [step(1, &[entry("p/a", 13, "z"), entry("p/b", 12, "y")])]
    );
}

#[test]
fn e10_of_several_events_of_a_key_in_one_revision_the_last_one_counts() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    assert_eq!(
        script.receive(events(1, 11, &[delete("p/a", 11), put("p/a", 11, "new")])),
        [step(1, &[entry("p/a", 11, "new")])]
    );
    assert_eq!(
        script.receive(events(1, 12, &[put("p/a", 12, "y"), delete("p/a", 12)])),
        [step(1, &[deleted("p/a", 12)])]
    );
    // It was never there.
    assert_eq!(script.receive(events(1, 13, &[put("p/b", 13, "y"), delete("p/b", 13)])), []);
}

#[test]
fn e8_an_incomplete_revision_is_held_back() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    assert_eq!(
        script.receive(fragment(&[put("p/a", 11, "y"), delete("p/a", 12)], true)),
        [step(1, &[entry("p/a", 11, "y")])]
    );
    assert_eq!(script.receive(fragment(&[put("p/b", 12, "y")], true)), []);
    // The revision after it shows that it is complete.
    assert_eq!(
        script.receive(fragment(&[put("p/c", 12, "z"), put("p/d", 13, "v")], true)),
        [step(1, &[deleted("p/a", 12), entry("p/b", 12, "y"), entry("p/c", 12, "z")])]
    );
    assert_eq!(
        script.receive(fragment(&[put("p/d", 13, "w"), put("p/e", 14, "u")], false)),
        [step(1, &[entry("p/d", 13, "w"), entry("p/e", 14, "u")])]
    );
    // The last fragment may be empty.
    assert_eq!(script.receive(fragment(&[put("p/a", 15, "x")], true)), []);
    assert_eq!(script.receive(fragment(&[], false)), [step(1, &[entry("p/a", 15, "x")])]);
    assert_eq!(script.receive(fragment(&[], false)), []);
}

#[test]
fn e8_the_responses_of_other_watches_may_come_between_two_fragments() {
    let mut script = Script::live_range(&[]);
    script.subscribe(2, "k");
    script.respond(2, 10, &[None]);
    script.receive(created(2));
    assert_eq!(script.receive(fragment(&[put("p/a", 11, "x")], true)), []);
    script.receive(events(2, 12, &[put("k", 12, "y")]));
    assert_eq!(
        script.receive(fragment(&[put("p/b", 11, "x")], false)),
        [step(1, &[entry("p/a", 11, "x"), entry("p/b", 11, "x")])]
    );
}

#[test]
fn half_of_a_revision_is_lost_with_the_connection() {
    let mut script = Script::live_range(&[("p/a", 3, "x"), ("p/b", 3, "x")]);
    script.receive(fragment(&[delete("p/a", 11)], true));
    script.fail(CauseKind::Unreachable);
    script.connect();
    assert_eq!(
        script.page(2, 11, &[("p/c", 11, "x")])[0],
        step(1, &[deleted("p/a", 11), deleted("p/b", 11), entry("p/c", 11, "x")])
    );
    script.open();
    script.receive(created_at(2, 11));
    let replayed = [delete("p/a", 11), delete("p/b", 11), put("p/c", 11, "x"), put("p/a", 12, "y")];
    assert_eq!(script.receive(events(2, 12, &replayed)), [step(1, &[entry("p/a", 12, "y")])]);
}

#[test]
fn a_revision_that_is_too_large_to_be_held_back_is_read() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    let large = "x".repeat(1 << 20);
    let mut answered = Vec::new();
    for key in 0..100 {
        let key = format!("p/k{key}");
        answered = script.receive(fragment(&[put(&key, 11, &large)], true));
        if !answered.is_empty() {
            break;
        }
    }
    assert_eq!(answered, [cancel(1), read_page(2, "p/", 1000, 0)]);
    let read = script.page(2, 11, &[("p/a", 3, "x"), ("p/k0", 11, "x")]);
    assert_eq!(read, [step(1, &[entry("p/k0", 11, "x")]), Action::Send(create_range("p/", 11))]);
    script.receive(created_at(2, 11));
    // The new watch sends it once more, and it is not held back again.
    for key in 0..100 {
        let events = [put(&format!("p/k{key}"), 11, &large)].into();
        let replayed =
            WatchResponse::Events { watch_id: 2, revision: 20, events, is_fragment: true };
        assert_eq!(script.receive(replayed), []);
    }
}

#[test]
fn a_lease_that_ends_is_one_step() {
    let names: Vec<String> = (0..1000).map(|key| format!("p/{key:04}")).collect();
    let found: Vec<_> = names.iter().map(|name| (name.as_str(), 3, "x")).collect();
    let mut script = Script::live_range(&found);
    let deletes: Vec<Event> = names.iter().map(|name| delete(name, 11)).collect();
    let steps = deletes.chunks(300).flat_map(|part| {
        let is_last = part.len() < 300;
        script.receive(fragment(part, !is_last))
    });
    let gone: Vec<Entry> = names.iter().map(|name| deleted(name, 11)).collect();
    assert_eq!(steps.collect::<Vec<_>>(), [step(1, &gone)]);
}

#[test]
fn what_a_read_had_already_is_dropped() {
    let mut script = Script::live_range(&[("p/a", 3, "x"), ("p/b", 10, "y")]);
    let replayed = [put("p/b", 10, "y"), delete("p/a", 11)];
    assert_eq!(script.receive(events(1, 11, &replayed)), [step(1, &[deleted("p/a", 11)])]);
}

#[test]
fn a_read_that_the_watch_was_quicker_than_is_not_published() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    script.refresh(1, 1);
    script.receive(events(1, 12, &[put("p/b", 11, "y"), delete("p/a", 12)]));
    let answered = script.page(2, 11, &[("p/a", 3, "x"), ("p/b", 11, "y")]);
    assert_eq!(answered, [refreshed(1, 1)]);
}

#[test]
fn what_the_watch_sends_between_two_pages_is_not_undone_and_not_published_twice() {
    let mut script = Script::live_range(&[("p/a", 3, "x"), ("p/d", 3, "x")]);
    script.refresh(1, 1);
    script.part(2, 15, &[("p/a", 13, "z"), ("p/b", 11, "y")]);
    // Before the revision of the read; the first page has some of it.
    script.receive(events(1, 20, &[put("p/b", 11, "y"), delete("p/d", 12)]));
    let answered = script.page(2, 16, &[("p/e", 14, "v")]);
    assert_eq!(
        answered,
        [step(1, &[entry("p/a", 13, "z"), entry("p/e", 14, "v")]), refreshed(1, 1)]
    );
}

#[test]
fn a_key_that_comes_and_goes_between_two_pages_is_deleted() {
    let mut script = Script::live_range(&[("p/z", 3, "x")]);
    script.refresh(1, 1);
    // By now `p/a` is gone again, which the watch has not sent yet.
    script.part(2, 15, &[("p/b", 11, "y")]);
    assert_eq!(
        script.receive(events(1, 20, &[put("p/a", 12, "w")])),
        [step(1, &[entry("p/a", 12, "w")])]
    );
    let answered = script.page(2, 16, &[("p/z", 3, "x")]);
    assert_eq!(answered, [step(1, &[entry("p/b", 11, "y"), deleted("p/a", 15)]), refreshed(1, 1)]);
}

#[test]
fn e2_a_compacted_watch_means_a_new_read_and_a_second_one_in_a_row_a_pause() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    let compacted = |watch_id| WatchResponse::Compacted { watch_id };
    assert_eq!(script.receive(compacted(1)), [cancel(1), read_page(2, "p/", 1000, 0)]);
    assert_eq!(
        script.page(2, 25, &[]),
        [step(1, &[deleted("p/a", 25)]), Action::Send(create_range("p/", 25))]
    );
    script.receive(created_at(2, 25));
    assert_eq!(script.receive(compacted(2)), [cancel(2)]);
    assert_eq!(script.wait(SECOND), [read_page(3, "p/", 1000, 0)]);
    assert_eq!(script.page(3, 30, &[]), [Action::Send(create_range("p/", 30))]);
}

#[test]
fn a_watch_that_the_server_ends_is_asked_for_again() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    assert_eq!(script.receive(canceled(1)), []);
    assert_eq!(script.wait(SECOND), [read_page(2, "p/", 1000, 0)]);
    assert_eq!(
        script.page(2, 12, &[]),
        [step(1, &[deleted("p/a", 12)]), Action::Send(create_range("p/", 12))]
    );
}

#[test]
fn e4_a_refused_watch_of_a_range_that_can_be_read_means_a_new_stream() {
    let mut script = Script::live(&["a"]);
    script.subscribe_range(2, "p/");
    script.page(2, 10, &[]);
    assert_eq!(script.receive(WatchResponse::Refused), [read_page(3, "p/", 1000, 0)]);
    assert_eq!(script.page(3, 10, &[]), [Action::Disconnect, connect("two")]);
}

#[test]
fn events_that_cant_be_are_a_violation() {
    for response in [
        events(1, 20, &[put("p0", 11, "x")]),
        events(1, 20, &[put("o", 11, "x")]),
        events(1, 20, &[put("p/a", 12, "x"), put("p/b", 11, "x")]),
        events(1, 20, &[put("p/a", 9, "x")]),
        events(1, 20, &[put("p/a", 21, "x")]),
        events(1, 20, &[put("p/a", -1, "x")]),
    ] {
        let mut script = Script::live_range(&[]);
        let answered = script.receive(response.clone());
        assert_eq!(answered, [Action::Disconnect, connect("two")], "{response:?}");
    }
    // A read at revision 12 would have had it.
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    script.refresh(1, 1);
    script.page(2, 12, &[("p/a", 3, "x")]);
    assert_eq!(script.receive(events(1, 20, &[put("p/a", 11, "y")]))[0], Action::Disconnect);
    // Revision 11 was complete without that key.
    let mut script = Script::live_range(&[]);
    script.receive(events(1, 11, &[put("p/a", 11, "x")]));
    assert_eq!(script.receive(events(1, 11, &[put("p/b", 11, "x")]))[0], Action::Disconnect);
    // A fragment may not go back, either.
    let mut script = Script::live_range(&[]);
    script.receive(fragment(&[put("p/a", 12, "x")], true));
    assert_eq!(script.receive(fragment(&[put("p/b", 11, "x")], false))[0], Action::Disconnect);
}

#[test]
fn e9_a_range_whose_watch_lags_is_read_and_watched_from_the_read_on() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    assert_eq!(
        script.receive(events(1, 100_000, &[put("p/a", 11, "y")])),
        [step(1, &[entry("p/a", 11, "y")]), read_page(2, "p/", 1000, 0)]
    );
    // The watch goes on until the read is answered.
    script.receive(events(1, 100_000, &[put("p/b", 12, "y")]));
    assert_eq!(
        script.page(2, 100_000, &[("p/b", 99_000, "z")]),
        [
            step(1, &[deleted("p/a", 100_000), entry("p/b", 99_000, "z")]),
            cancel(1),
            Action::Send(create_range("p/", 100_000))
        ]
    );
    assert_eq!(script.receive(events(1, 200_000, &[put("p/a", 13, "y")])), []);
    script.receive(created_at(2, 100_005));
    assert_eq!(
        script.receive(events(2, 100_005, &[put("p/a", 100_001, "w")])),
        [step(1, &[entry("p/a", 100_001, "w")])]
    );
}

#[test]
fn e9_a_burst_of_a_range_is_no_lag() {
    let mut script = Script::live_range(&[]);
    script.wait(SECOND);
    for revision in 11..500 {
        let caused = script.receive(events(1, revision, &[put("p/a", revision, "x")]));
        assert_eq!(caused, [step(1, &[entry("p/a", revision, "x")])]);
    }
}

/// It came in fragments, the last of which was empty, after a read had found all of it.
#[test]
fn a_watch_that_sent_what_a_read_found_owes_nothing() {
    let mut script = Script::live_range(&[]);
    script.refresh(1, 1);
    script.page(2, 12, &[("p/a", 12, "x")]);
    script.receive(fragment(&[put("p/a", 12, "x")], true));
    script.receive(fragment(&[], false));
    assert!(script.live_on(2 * TIMEOUTS.response()));
}

/// As etcd sends it of a key that a read did not find any more.
#[test]
fn what_is_replayed_of_the_revision_of_a_read_may_put_keys_that_it_deletes() {
    let mut script = Script::live_range(&[("p/a", 10, "x")]);
    let transaction = [put("p/b", 10, "y"), delete("p/b", 10), put("p/a", 10, "x")];
    assert_eq!(script.receive(events(1, 10, &transaction)), []);
    // The deletion may be in the next fragment.
    let mut script = Script::live_range(&[("p/a", 10, "x")]);
    assert_eq!(script.receive(fragment(&[put("p/b", 10, "y")], true)), []);
    assert_eq!(script.receive(fragment(&[delete("p/b", 10)], false)), []);
}
