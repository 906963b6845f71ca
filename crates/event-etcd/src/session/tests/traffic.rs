//! Bytes that flow put timeouts off.

use super::*;

/// What is waited for, and whether the stream lives meanwhile.
type Case = (&'static str, fn() -> (Script, bool));

/// As many bytes are more than signs of life.
const FLOW: u64 = 16 << 10;

impl Script {
    fn flow(&mut self, total: u64) {
        self.session.handle_received(total, self.now);
    }

    /// Lets time pass. Returns whether the connection is kept.
    fn keeps(&mut self, time: Duration, stream_lives: bool) -> bool {
        let end = self.now + time;
        while self.now < end {
            if stream_lives {
                self.receive(WatchResponse::Progress);
            }
            if self.wait(end - self.now).contains(&Action::Disconnect) {
                return false;
            }
        }
        true
    }
}

#[test]
fn what_waits_behind_a_large_value_is_waited_for() {
    let read = || {
        let mut script = Script::live(&["k"]);
        script.refresh(1, 1);
        (script, true)
    };
    let probe = || {
        let mut script = Script::live(&["k"]);
        script.answers_probes = false;
        script.next_actions();
        (script, true)
    };
    let owed = || {
        let mut script = Script::live(&["k"]);
        script.refresh(1, 1);
        script.respond(2, 12, &[Some((12, "x"))]);
        (script, false)
    };
    let created = || {
        let mut script = Script::live(&["a"]);
        script.subscribe(2, "b");
        script.respond(2, 10, &[None]);
        (script, true)
    };
    let open = || {
        let mut script = Script::new(&["one", "two"]);
        script.subscribe(1, "k");
        script.connect();
        script.respond(1, 10, &[None]);
        (script, false)
    };
    let sign_of_life = || {
        let mut script = Script::live(&["k"]);
        script.next_actions();
        (script, false)
    };
    let cases: [Case; 6] = [
        ("a read", read),
        ("a probe", probe),
        ("what a watch owes", owed),
        ("a watch", created),
        ("the stream", open),
        ("a sign of life", sign_of_life),
    ];
    for (what, case) in cases {
        let (mut script, stream_lives) = case();
        for second in 1..20 {
            script.flow(second * FLOW);
            assert!(script.keeps(SECOND, stream_lives), "{what} is not waited for");
        }
        assert!(!script.keeps(2 * TIMEOUTS.response(), stream_lives), "{what} is waited for");
    }
}

/// A read would send it once more.
#[test]
fn a_large_value_that_is_on_its_way_is_not_read() {
    for (bytes, is_on_its_way) in [(FLOW, true), (0, false)] {
        let mut script = Script::live(&["k"]);
        script.answers_probes = false;
        script.next_actions();
        script.flow(bytes);
        let actions = script.probed(12, &[Some((12, ""))]);
        assert_eq!(actions.contains(&read(2, &["k"])), !is_on_its_way, "{bytes}: {actions:?}");
        if !is_on_its_way {
            script.respond(2, 12, &[Some((12, "large"))]);
        }
        script.receive(events(1, 12, &[put("k", 12, "large")]));
        script.answers_probes = true;
        assert!(script.keeps(TIMEOUTS.response() * 2, true));
    }
}

/// Bytes of other keys do not excuse it.
#[test]
fn a_watch_that_does_not_send_what_a_probe_found_ends_the_connection_though_bytes_flow() {
    let mut script = Script::live(&["k", "other"]);
    script.answers_probes = false;
    script.next_actions();
    let mut total = FLOW;
    script.flow(total);
    script.probed(12, &[Some((12, ""))]);
    let end = script.now + TIMEOUTS.response();
    let mut is_kept = true;
    while is_kept && script.now <= end {
        total += FLOW;
        script.flow(total);
        let change = put("other", 12 + i64::try_from(total / FLOW).unwrap(), "x");
        script.receive(events(2, change.mod_revision, &[change]));
        is_kept = script.keeps(SECOND / 4, false);
    }
    assert!(!is_kept, "the version that the watch of k owes was waited for, and waited for");
}

#[test]
fn bytes_put_a_timeout_off_if_they_are_many_and_came_of_late() {
    let after = SECOND / 1000;
    for (bytes, when, is_put_off) in [
        (FLOW, after, true),
        (FLOW - 1, after, false),
        (FLOW, Duration::ZERO, false), // as long ago as the timeout is
    ] {
        let mut script = Script::live(&["k"]);
        script.refresh(1, 1);
        script.wait(when);
        script.flow(bytes);
        let keeps = script.keeps(TIMEOUTS.response().saturating_sub(when), true);
        assert_eq!(keeps, is_put_off, "{bytes} bytes after {when:?}");
    }
}

#[test]
fn bytes_that_are_counted_little_by_little_are_a_flow() {
    let mut script = Script::live(&["k"]);
    script.refresh(1, 1);
    for quarter in 1..=4 {
        script.wait(SECOND / 10);
        script.flow(quarter * FLOW / 4);
    }
    assert!(script.keeps(TIMEOUTS.response(), true));
}

#[test]
fn signs_of_life_are_no_flow_however_long_they_go_on() {
    let mut script = Script::live(&["k"]);
    let mut total = 0;
    let mut goes_on = |script: &mut Script| {
        total += FLOW / 4;
        script.flow(total);
        script.keeps(SECOND, true)
    };
    assert!((0..10).all(|_| goes_on(&mut script)));
    script.refresh(1, 1);
    assert!((0..2).all(|_| goes_on(&mut script)));
    assert!(!goes_on(&mut script));
}
