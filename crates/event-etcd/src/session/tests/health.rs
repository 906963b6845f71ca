//! What is published of the store's health.

use super::*;

impl Script {
    /// A session that wants a cluster, and has subscribed to these keys.
    fn of_cluster(wanted: Option<u64>, keys: &[&str]) -> Self {
        let mut script = Self::new(&["one", "two"]);
        let endpoints = Endpoints::new(["one", "two"].map(str::to_owned), Some(1)).in_order();
        script.session = Session::new(endpoints, TIMEOUTS, wanted, script.now);
        for (id, key) in (1..).zip(keys) {
            script.subscribe(id, key);
        }
        script.connect();
        script
    }

    /// A member of this cluster answers a read of one key, which is not there.
    fn respond_from(&mut self, cluster: u64, id: ReadId, revision: i64) -> Vec<Action> {
        let response = ReadResponse { revision, cluster, found: vec![None] };
        self.session.handle_read(id, Ok(response), self.now);
        self.actions()
    }

    fn cluster(&self) -> Option<&str> {
        self.health.as_ref().and_then(|health| health.cluster.as_deref())
    }
}

#[test]
fn a_store_is_live_once_each_of_its_first_keys_is_watched() {
    let mut script = Script::new(&["one"]);
    script.subscribe(1, "a");
    script.subscribe(2, "b");
    script.connect();
    script.respond(1, 10, &[None, None]);
    script.open();
    script.receive(created(1));
    assert_eq!((script.state(), script.healths), (HealthState::Connecting, 0));
    script.receive(created(2));
    assert_eq!((script.state(), script.healths), (HealthState::Live, 1));
}

#[test]
fn another_cluster_is_another_history_and_the_health_says_so_while_the_store_is_live() {
    let mut script = Script::of_cluster(None, &["k"]);
    script.respond_from(0xa, 1, 10);
    script.open();
    script.receive(created(1));
    assert_eq!((script.cluster(), script.cause()), (Some("a"), String::new()));
    script.fail(CauseKind::Unreachable);
    script.connect();
    script.respond_from(0xb, 2, 20);
    script.open();
    assert_eq!(script.cause(), "unreachable: broken");
    script.receive(created_at(1, 20));
    assert_eq!(script.state(), HealthState::Live);
    assert_eq!(script.cluster(), Some("b"));
    assert_eq!(script.cause(), "other cluster: the cluster's id is b; it was a before");
    assert_eq!(script.health.unwrap().history_resets, 1);
}

#[test]
fn another_cluster_is_no_cause_before_the_store_is_live() {
    let mut script = Script::of_cluster(None, &["a"]);
    assert_eq!(script.subscribe(2, "b"), [read(2, &["b"])]);
    script.respond_from(0xa, 1, 10);
    script.respond_from(0xb, 2, 20);
    assert_eq!((script.state(), script.cause()), (HealthState::Connecting, String::new()));
    assert_eq!(script.cluster(), Some("b"));
}

#[test]
fn a_member_of_a_cluster_that_the_program_does_not_want_is_left() {
    let mut script = Script::of_cluster(Some(7), &["k"]);
    assert_eq!(script.respond_from(8, 1, 10), [Action::Disconnect, connect("two")]);
    let cause = "other cluster: the cluster's id is 8, and the options want 7";
    assert_eq!((script.cause().as_str(), script.cluster()), (cause, None));
    script.connect();
    assert!(script.respond_from(7, 2, 10).contains(&Action::OpenStream(create("k", 10))));
    // A server that does not name its cluster may be of any.
    script.refresh(1, 1);
    assert_eq!(script.respond_from(0, 3, 10), [refreshed(1, 1)]);
    assert_eq!(script.cluster(), Some("7"));
}

#[test]
fn what_an_endpoint_said_is_not_published_again_until_the_store_was_live() {
    let mut script = Script::live(&["a", "b"]);
    let mut reads = 2;
    for _ in 0..2 {
        let before = script.healths;
        for _ in 0..4 {
            script.fail(CauseKind::Unreachable);
            script.wait(SECOND);
        }
        assert_eq!(script.healths, before + 2, "what each of the two said");
        // That a key is refused does not matter while the store is stalled.
        script.connect();
        script.refuse(reads, CauseKind::TooLarge);
        script.refuse(reads + 1, CauseKind::TooLarge);
        assert_eq!(script.healths, before + 2, "{:?}", script.health);
        for _ in 0..4 {
            script.fail(CauseKind::Unreachable);
            script.wait(SECOND);
        }
        assert_eq!(script.healths, before + 2, "nothing is new");
        script.connect();
        script.respond(reads + 3, 10, &[None, None]);
        script.open();
        script.receive(created(1));
        script.receive(created(2));
        assert_eq!(script.state(), HealthState::Live);
        reads += 4;
    }
}

#[test]
fn the_health_says_since_when_its_state_lasts() {
    let mut script = Script::live(&["k"]);
    let since = |script: &Script| script.health.as_ref().unwrap().since;
    script.wait(SECOND);
    let stalled = script.now;
    script.fail(CauseKind::Unreachable);
    assert_eq!((script.state(), since(&script)), (HealthState::Stalled, stalled));
    script.wait(SECOND);
    script.fail(CauseKind::NoLeader); // a version for the cause
    assert_eq!((script.state(), since(&script)), (HealthState::Stalled, stalled));
    script.wait(SECOND);
    script.connect();
    script.respond(2, 10, &[None]);
    script.open();
    script.receive(created(1));
    assert_eq!((script.state(), since(&script)), (HealthState::Live, script.now));
}
