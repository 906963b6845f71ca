//! Endpoints that the cluster names.

use super::*;

/// How long a list of members counts.
const MINUTE: Duration = Duration::from_secs(60);

impl Script {
    fn members(&mut self, endpoints: &[&str]) -> Vec<Action> {
        let endpoints = endpoints.iter().map(ToString::to_string).collect();
        self.session.handle_members(Ok(endpoints), self.now);
        self.actions()
    }

    /// A session like that of [`live`](Self::live), which follows the list of members.
    fn with_members() -> Self {
        let mut script = Self::new(&["one"]);
        script.session = script.session.follow_members();
        script.subscribe(1, "k");
        script.connect();
        script.respond(1, 10, &[None]);
        script.open();
        script.receive(created(1));
        script
    }

    fn next_list(&mut self) -> Duration {
        let begun = self.now;
        while self.now < begun + 2 * MINUTE {
            self.receive(WatchResponse::Progress);
            if self.wait(SECOND).contains(&Action::ListMembers) {
                return self.now - begun;
            }
        }
        panic!("the members are not listed");
    }

    fn endpoints(&self) -> Vec<&str> {
        self.session.endpoints.names().iter().map(|name| &**name).collect()
    }
}

#[test]
fn the_members_are_listed_once_the_store_is_live_and_then_again_and_again() {
    let mut script = Script::with_members();
    assert_eq!(script.wait(SECOND), [Action::ListMembers]);
    assert_eq!(script.members(&["one", "two"]), []);
    assert_eq!(script.endpoints(), ["one", "two"]);
    assert_eq!(script.next_list(), MINUTE);
    // A call that fails says nothing about the members.
    script.session.handle_members(Err(Failure::new(CauseKind::Unreachable, "")), script.now);
    assert_eq!(script.endpoints(), ["one", "two"]);
    assert_eq!(script.next_list(), MINUTE);
}

#[test]
fn a_member_that_left_is_no_endpoint_any_more_and_those_of_the_program_stay() {
    let mut script = Script::with_members();
    script.wait(SECOND);
    script.members(&["two", "three"]);
    assert_eq!(script.endpoints(), ["one", "three", "two"]);
    script.members(&["three", "four"]);
    assert_eq!(script.endpoints(), ["one", "three", "four"]);
    script.members(&[]);
    assert_eq!(script.endpoints(), ["one", "three", "four"]);
}

#[test]
fn without_the_wish_to_follow_them_members_are_not_listed() {
    let mut script = Script::live(&["k"]);
    for _ in 0..200 {
        script.receive(WatchResponse::Progress);
        assert!(!script.wait(SECOND).contains(&Action::ListMembers));
    }
}
