//! What proves that the member follows the cluster, and that a watch sends what it has to (E12).

use super::*;

const PROGRESS: Action = Action::Send(WatchRequest::Progress);

fn probe(keys: &[&str]) -> Action {
    Action::Probe(keys.iter().map(|key| Bytes::copy_from_slice(key.as_bytes())).collect())
}

impl Script {
    /// Subscribes to keys, each with a read of its own, on a store at revision 10.
    fn watch_each(&mut self, keys: std::ops::RangeInclusive<u32>) {
        for id in keys {
            let reads = self.subscribe(id, &id.to_string());
            let [Action::Read(read, _)] = reads[..] else { panic!("{reads:?}") };
            self.respond(read, 10, &[None]);
            self.receive(created(id.into()));
        }
    }

    /// The server does not answer the question for a sign of life, and creates a watch instead. The first key
    /// has the id 1 and this name.
    fn becomes_blind(&mut self, first: &str, watches: i64) {
        assert_eq!(self.next_actions(), [PROGRESS]);
        assert_eq!(self.next_actions(), [cancel(1), Action::Send(create(first, 0))]);
        self.receive(created(watches + 1));
        self.answers_probes = false;
    }

    /// Lets time pass, on a stream that gives signs of life, until the connection is given up.
    pub(super) fn live_on(&mut self, time: Duration) -> bool {
        let end = self.now + time;
        while self.now < end {
            self.receive(WatchResponse::Progress);
            if self.wait((end - self.now).min(SECOND / 2)).contains(&Action::Disconnect) {
                return false;
            }
        }
        true
    }
}

#[test]
fn one_probe_is_under_way_at_a_time() {
    let mut script = Script::live(&["k"]);
    script.answers_probes = false;
    assert_eq!(script.next_actions(), [PROGRESS, probe(&["k"])]);
    script.receive(WatchResponse::Progress);
    assert_eq!(script.next_actions(), [PROGRESS]);
}

#[test]
fn only_a_linearizable_read_is_a_proof() {
    let mut script = Script::new(&["one"]);
    script.subscribe(1, "k");
    script.connect();
    assert_eq!(script.session.last_proof(), None);
    script.respond(1, 10, &[None]);
    let mut proven = script.now;
    assert_eq!(script.session.last_proof(), Some(proven));
    script.open();
    script.receive(created(1));
    script.answers_probes = false;
    for _ in 0..3 {
        assert_eq!(script.next_actions(), [PROGRESS, probe(&["k"])]);
        script.receive(WatchResponse::Progress);
        assert_eq!(script.session.last_proof(), Some(proven));
        script.probed(10, &[None]);
        proven = script.now;
        assert_eq!(script.session.last_proof(), Some(proven));
    }
}

#[test]
fn a_stream_that_responded_a_moment_ago_is_not_asked_along_with_a_probe() {
    let mut script = Script::live(&["k"]);
    script.answers_probes = false;
    script.now += SECOND * 6 / 5;
    script.receive(WatchResponse::Progress);
    assert_eq!(script.next_actions(), [probe(&["k"])]);
}

#[test]
fn each_probe_is_of_another_key() {
    let mut script = Script::live(&["a", "b", "c"]);
    script.answers_probes = false;
    for key in ["a", "b", "c", "a", "b"] {
        assert_eq!(script.next_actions(), [PROGRESS, probe(&[key])]);
        script.receive(WatchResponse::Progress);
        script.probed(10, &[None]);
    }
}

#[test]
fn a_member_that_has_too_many_requests_is_not_probed_while_it_is_given_time() {
    let mut script = Script::live(&["k"]);
    script.answers_probes = false;
    script.refresh(1, 1);
    for id in 2..5 {
        assert_eq!(script.refuse(id, CauseKind::ResourceExhausted), []);
        script.receive(WatchResponse::Progress);
        assert_eq!(script.next_actions(), [read(id + 1, &["k"])]);
    }
    assert_eq!(script.refuse(5, CauseKind::ResourceExhausted), []);
    script.receive(WatchResponse::Progress);
    assert_eq!(script.next_actions(), [PROGRESS]);
}

#[test]
fn a_probe_is_repeated_if_the_member_had_too_many_requests_and_nothing_is_to_be_read() {
    let mut script = Script::live(&["k"]);
    script.answers_probes = false;
    assert_eq!(script.next_actions(), [PROGRESS, probe(&["k"])]);
    script.receive(WatchResponse::Progress);
    assert_eq!(script.refuse_probe(CauseKind::ResourceExhausted), []);
    assert_eq!(script.state(), HealthState::Stalled);
    assert_eq!(script.next_actions(), [probe(&["k"])]);
    assert_eq!(script.state(), HealthState::Stalled);
    assert_eq!(script.probed(10, &[None]), []);
    assert_eq!(script.state(), HealthState::Live);
}

#[test]
fn a_key_that_waited_for_an_overloaded_member_and_left_holds_nobody_up() {
    let mut script = Script::live(&["a", "b"]);
    script.refresh(1, 1);
    script.refuse(2, CauseKind::ResourceExhausted);
    assert_eq!(script.state(), HealthState::Stalled);
    script.unsubscribe(1);
    assert!(script.live_on(SECOND));
    assert_eq!(script.state(), HealthState::Live);
}

#[test]
fn c9_each_key_is_probed_where_only_a_probe_shows_that_the_stream_is_dead() {
    let mut script = Script::live(&["1"]);
    script.watch_each(2..=300);
    script.becomes_blind("1", 300);
    let mut probed = Vec::new();
    let mut actions = script.next_actions();
    while let [Action::Probe(keys)] = &actions[..] {
        probed.extend(keys.clone());
        actions = script.probed(10, &vec![None; keys.len()]);
    }
    assert_eq!(actions, []);
    assert_eq!(probed.len(), 300);
    probed.sort();
    probed.dedup();
    assert_eq!(probed.len(), 300);
}

#[test]
fn c10_a_server_that_reads_one_key_at_a_time_is_probed_so() {
    let mut script = Script::live(&["1"]);
    script.watch_each(2..=3);
    script.becomes_blind("1", 3);
    assert!(matches!(&script.next_actions()[..], [Action::Probe(keys)] if keys.len() == 3));
    let mut actions = script.refuse_probe(CauseKind::Unimplemented);
    for _ in 0..3 {
        assert!(matches!(&actions[..], [Action::Probe(keys)] if keys.len() == 1), "{actions:?}");
        actions = script.probed(10, &[None]);
    }
    assert_eq!(actions, []);
    script.next_actions();
    assert_eq!(script.refuse_probe(CauseKind::Unimplemented)[0], Action::Disconnect);
}

#[test]
fn a_key_whose_probe_is_refused_is_read_and_the_connection_stays() {
    let mut script = Script::live(&["a", "b"]);
    script.answers_probes = false;
    assert_eq!(script.next_actions(), [PROGRESS, probe(&["a"])]);
    script.receive(WatchResponse::Progress);
    assert_eq!(script.refuse_probe(CauseKind::PermissionDenied), [read(2, &["a"])]);
    assert_eq!(script.refuse(2, CauseKind::PermissionDenied), [cancel(1)]);
    assert_eq!(script.receive(events(2, 11, &[put("b", 11, "x")])), [publish(2, "b", 11, "x")]);
}

#[test]
fn a_probe_that_fails_ends_the_connection() {
    let mut script = Script::live(&["k"]);
    script.answers_probes = false;
    script.next_actions();
    let failed = script.refuse_probe(CauseKind::Unreachable);
    assert_eq!(failed, [Action::Disconnect, connect("two")]);
}

#[test]
fn a_watch_has_its_time_however_often_its_key_is_read() {
    let mut script = Script::live(&["k"]);
    let begun = script.now;
    for id in 2..20 {
        script.refresh(1, id);
        let revision = 9 + i64::try_from(id).unwrap();
        script.respond(id, revision, &[Some((revision, "x"))]);
        if !script.live_on(SECOND) {
            assert_eq!(script.now - begun, TIMEOUTS.response());
            return;
        }
    }
    panic!("a watch that sends nothing is not noticed");
}

#[test]
fn a_watch_that_sent_what_a_read_found_hides_no_other() {
    let mut script = Script::live(&["a", "b"]);
    script.receive(events(1, 11, &[put("a", 11, "x")]));
    script.refresh(1, 2);
    script.respond(2, 11, &[Some((11, "x"))]);
    assert!(script.live_on(SECOND));
    script.refresh(2, 3);
    script.respond(3, 12, &[Some((12, "y"))]);
    assert!(!script.live_on(TIMEOUTS.response() + SECOND / 10));
}

#[test]
fn e9_a_watch_that_is_replayed_has_time_for_each_part() {
    let mut script = Script::live(&["k"]);
    script.refresh(1, 1);
    script.respond(2, 100, &[Some((100, "last"))]);
    for revision in [40, 70] {
        assert!(script.live_on(TIMEOUTS.response() * 5 / 6));
        script.receive(events(1, 100, &[put("k", revision, "x")]));
    }
    let stands = script.now;
    assert!(!script.live_on(3 * TIMEOUTS.response()));
    assert!(script.now - stands <= 2 * TIMEOUTS.response());
}
