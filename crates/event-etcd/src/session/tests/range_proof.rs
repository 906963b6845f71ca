//! How a member proves that what is published of a range is the newest.

use super::range_reads::{create_range, read_page};
use super::*;

fn probe(key: &str) -> Action {
    Action::Probe(vec![Bytes::copy_from_slice(key.as_bytes())])
}

/// A part of a response, on a store at revision 20.
fn part(events: &[Event], is_fragment: bool) -> WatchResponse {
    WatchResponse::Events { watch_id: 1, revision: 20, events: events.into(), is_fragment }
}

impl Script {
    /// The next probe, and nothing else but signs of life.
    fn next_probe(&mut self) -> Action {
        for _ in 0..10 {
            let actions = self.next_actions();
            if actions.contains(&Action::Send(WatchRequest::Progress)) {
                self.receive(WatchResponse::Progress);
            }
            let mut probes =
                actions.into_iter().filter(|action| matches!(action, Action::Probe(_)));
            if let Some(probe) = probes.next() {
                return probe;
            }
        }
        panic!("no probe is sent");
    }

    /// How long it takes until the connection is given up, though the server answers all that it is asked.
    fn next_disconnect(&mut self) -> Duration {
        (self.answers_probes, self.revision) = (true, 20);
        let begun = self.now;
        for _ in 0..20 {
            let actions = self.wait(SECOND / 2);
            if actions.contains(&Action::Disconnect) {
                return self.now - begun;
            }
            self.receive(WatchResponse::Progress);
        }
        panic!("the connection is not given up");
    }
}

#[test]
fn e12_the_keys_of_a_range_are_probed_in_turn() {
    let mut script = Script::live_range(&[("p/a", 3, "x"), ("p/b", 4, "y")]);
    script.answers_probes = false;
    for (key, revision) in [("p/a", 3), ("p/b", 4), ("p/a", 3)] {
        assert_eq!(script.next_probe(), probe(key));
        assert_eq!(script.probed(20, &[Some((revision, ""))]), []);
    }
}

#[test]
fn e12_an_empty_range_is_probed_by_the_key_that_could_be_first() {
    let mut script = Script::live_range(&[]);
    script.answers_probes = false;
    assert_eq!(script.next_probe(), probe("p/"));
    assert_eq!(script.probed(20, &[None]), []);
    let mut script = Script::new(&["one"]);
    script.answers_probes = false;
    script.session.handle_subscribe_range(key_id(1), KeyRange::all(), script.now);
    script.actions();
    script.connect();
    script.page(1, 10, &[]);
    script.open();
    script.receive(created(1));
    assert_eq!(script.next_probe(), probe("\0"), "etcd has no empty key");
}

#[test]
fn a_watch_has_as_long_as_any_answer_to_send_what_a_probe_found() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    script.answers_probes = false;
    script.next_probe();
    assert_eq!(script.probed(20, &[Some((15, ""))]), []);
    let disconnects = script.next_disconnect();
    assert!(disconnects <= TIMEOUTS.response(), "{disconnects:?}");
    assert_eq!(
        script.cause(),
        "protocol violation: a watch did not send revision 15, which a read found"
    );
}

#[test]
fn a_watch_that_sends_what_a_probe_found_is_fine() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    script.answers_probes = false;
    script.next_probe();
    script.probed(20, &[Some((15, ""))]);
    script.receive(events(1, 20, &[put("p/a", 15, "y")]));
    script.answers_probes = true;
    for _ in 0..10 {
        let actions = script.wait(SECOND);
        assert!(!actions.contains(&Action::Disconnect));
        script.receive(WatchResponse::Progress);
    }
}

#[test]
fn a_probe_that_does_not_find_a_key_that_is_known_makes_the_range_read() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    script.answers_probes = false;
    script.next_probe();
    assert_eq!(script.probed(20, &[None]), [read_page(2, "p/", 1000, 0)]);
}

#[test]
fn a_probe_that_is_older_than_what_the_watch_sent_says_nothing() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    script.answers_probes = false;
    script.next_probe();
    script.receive(events(1, 12, &[put("p/a", 12, "y")]));
    assert_eq!(script.probed(11, &[Some((3, ""))]), []);
}

#[test]
fn a_read_that_finds_more_than_the_watch_sent_gives_the_watch_its_time() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    script.refresh(1, 1);
    script.page(2, 20, &[("p/a", 15, "y")]);
    let disconnects = script.next_disconnect();
    assert!(disconnects <= TIMEOUTS.response(), "{disconnects:?}");
}

#[test]
fn a_stream_that_does_not_answer_is_proven_by_a_second_watch_of_a_range() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    let asked = script.next_actions();
    assert!(asked.contains(&Action::Send(WatchRequest::Progress)), "{asked:?}");
    let proving = script.next_actions();
    assert!(proving.contains(&Action::Send(create_range("p/", 0))), "{proving:?}");
    // The first one goes on.
    script.receive(events(1, 11, &[put("p/a", 11, "y")]));
    assert_eq!(script.receive(created_at(2, 11)), [cancel(2)]);
    assert_eq!(script.receive(events(2, 12, &[put("p/a", 12, "z")])), []);
    assert_eq!(script.receive(events(1, 12, &[put("p/a", 12, "z")])).len(), 1);
}

#[test]
fn a_stream_that_never_answers_is_proven_by_a_second_watch_again_and_again() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    script.next_actions();
    script.next_actions();
    script.receive(created_at(2, 11));
    for watch_id in 3..10 {
        let proving = script.next_actions();
        assert!(proving.contains(&Action::Send(create_range("p/", 0))), "{proving:?}");
        assert_eq!(script.receive(created_at(watch_id, 11)), [cancel(watch_id)]);
    }
    script.next_actions();
    let mut actions = Vec::new();
    for _ in 0..5 {
        actions.extend(script.wait(SECOND));
    }
    assert!(actions.contains(&Action::Disconnect), "it is dead by now: {actions:?}");
}

#[test]
fn the_rest_of_a_revision_has_to_come_within_the_time_of_a_response() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    script.receive(part(&[put("p/b", 12, "y")], true));
    let disconnects = script.next_disconnect();
    assert!(disconnects <= TIMEOUTS.response(), "{disconnects:?}");
    assert_eq!(
        script.cause(),
        "protocol violation: a watch sent a part of revision 12, and not the rest"
    );
}

#[test]
fn a_revision_of_many_fragments_has_time_for_each() {
    let mut script = Script::live_range(&[]);
    (script.answers_probes, script.revision) = (true, 20);
    for number in 0..10 {
        let key = format!("p/{number}");
        script.receive(part(&[put(&key, 12, "x")], true));
        assert!(script.live_on(TIMEOUTS.response() * 3 / 4), "after {number}");
    }
    script.receive(part(&[put("p/x", 12, "x")], false));
    assert!(script.live_on(2 * TIMEOUTS.response()));
}
