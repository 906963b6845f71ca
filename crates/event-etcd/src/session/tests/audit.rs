//! How a range is audited.

use super::*;
use crate::seam::{Page, PageRequest, PageResponse};
use crate::session::AUDIT_PAGE;

const EVERY: Duration = Duration::from_secs(60);
/// A response may take so long, and so may an event.
const RESPONSE: Duration = Duration::from_secs(3);

/// The revisions of the keys that an audit finds, in a store at a revision.
type Keys<'a> = &'a [(&'a str, i64)];

impl Script {
    /// A session that watches the keys that begin with `p/` on a store at revision 10, has `p/a` and `p/b`, and audits.
    fn audited() -> Self {
        let mut script = Self::new(&["one", "two"]);
        let endpoints = Endpoints::new(["one", "two"].map(str::to_owned), Some(1)).in_order();
        let session = Session::new(endpoints, TIMEOUTS, None, script.now);
        script.session = session.with_audits(Some(EVERY));
        script.subscribe_range(1, "p/");
        script.connect();
        script.page(1, 10, &[("p/a", 7, "x"), ("p/b", 8, "x")]);
        script.open();
        script.receive(created(1));
        script
    }

    /// Time passes until the next audit, while the stream lives. Returns its id.
    fn next_audit(&mut self, most: Duration) -> ReadId {
        let until = self.now + most;
        while self.now <= until {
            let actions = self.next_actions();
            assert!(!actions.contains(&Action::Disconnect), "{}", self.cause());
            let asked = actions.iter().find_map(|action| match action {
                Action::ReadPage(id, page) => Some((*id, page.clone())),
                _ => None,
            });
            if let Some((id, page)) = asked {
                let PageRequest { limit, keys_only, revision, .. } = page;
                assert_eq!((limit, keys_only, revision), (AUDIT_PAGE, true, 0));
                return id;
            }
            self.receive(WatchResponse::Progress);
        }
        panic!("there is no audit within {most:?}");
    }

    fn audit_finds(&mut self, id: ReadId, revision: i64, found: Keys<'_>) -> Vec<Action> {
        let found = found.iter().map(|(key, at)| (key.to_string().into(), key_value(*at, "")));
        let page = Page { revision, cluster: 0, found: found.collect(), has_more: false };
        self.revision = self.revision.max(revision);
        self.session.handle_page(id, Ok(PageResponse::Page(page)), self.now);
        self.actions()
    }
}

#[test]
fn a_range_that_is_as_it_is_known_is_audited_again_after_the_interval() {
    let mut script = Script::audited();
    let mut before = script.now;
    for _ in 0..5 {
        let id = script.next_audit(EVERY);
        assert_eq!(script.audit_finds(id, 20, &[("p/a", 7), ("p/b", 8)]), []);
        assert!(script.now > before, "not all the time");
        before = script.now;
    }
    assert!(script.now > before.checked_sub(EVERY).unwrap());
}

#[test]
fn a_change_that_the_watch_has_passed_is_lost_at_once() {
    let lost: [(&str, Keys<'_>); 3] = [
        ("p/b", &[("p/a", 7), ("p/b", 15), ("p/c", 20)]),
        ("p/b", &[("p/a", 7), ("p/c", 20)]),
        ("p/aa", &[("p/a", 7), ("p/aa", 15), ("p/b", 8), ("p/c", 20)]),
    ];
    for (key, found) in lost {
        let mut script = Script::audited();
        script.receive(events(1, 20, &[put("p/c", 20, "x")]));
        let id = script.next_audit(EVERY);
        assert_eq!(script.audit_finds(id, 20, found)[0], Action::Disconnect);
        let cause = script.cause();
        assert!(cause.contains("audit") && cause.contains(&format!("`{key}`")), "{cause}");
        assert_eq!(script.health.unwrap().cause.unwrap().kind(), CauseKind::ProtocolViolation);
    }
}

#[test]
fn what_the_watch_may_still_send_is_lost_if_it_says_nothing_for_as_long_as_a_response_may_take() {
    let lost: [Keys<'_>; 3] =
        [&[("p/a", 7), ("p/b", 15)], &[("p/a", 7)], &[("p/a", 7), ("p/b", 8), ("p/c", 15)]];
    for found in lost {
        let mut script = Script::audited();
        let id = script.next_audit(EVERY);
        assert_eq!(script.audit_finds(id, 20, found), [], "it may be on its way");
        let id = script.next_audit(RESPONSE);
        assert_eq!(script.audit_finds(id, 25, found)[0], Action::Disconnect, "{found:?}");
    }
}

#[test]
fn what_the_watch_sends_late_was_not_lost() {
    let mut script = Script::audited();
    let found: Keys<'_> = &[("p/a", 7), ("p/b", 18)];
    let id = script.next_audit(EVERY);
    script.audit_finds(id, 20, found);
    // It lags: it sends, and is not there yet.
    for at in [15, 16] {
        script.receive(events(1, 20, &[put("p/a", at, "x")]));
        let id = script.next_audit(RESPONSE);
        assert_eq!(script.audit_finds(id, 20, &[("p/a", at), ("p/b", 18)]), []);
    }
    script.receive(events(1, 20, &[put("p/b", 18, "x")]));
    let id = script.next_audit(RESPONSE);
    assert_eq!(script.audit_finds(id, 20, &[("p/a", 16), ("p/b", 18)]), []);
    let begun = script.now;
    script.next_audit(EVERY);
    assert!(script.now > begun + RESPONSE, "no doubt is left");
}

#[test]
fn what_changed_since_the_audit_was_read_is_explained_by_the_watch() {
    let mut script = Script::audited();
    let id = script.next_audit(EVERY);
    let changes = [put("p/a", 21, "x"), delete("p/b", 22), put("p/c", 23, "x"), delete("p/d", 24)];
    script.receive(events(1, 24, &changes));
    assert_eq!(script.audit_finds(id, 20, &[("p/a", 7), ("p/b", 8), ("p/d", 15)]), []);
    let begun = script.now;
    script.next_audit(EVERY);
    assert!(script.now > begun + RESPONSE, "no doubt is left");
}

#[test]
fn a_read_that_was_quicker_than_the_watch_leaves_no_doubt() {
    let mut script = Script::audited();
    let id = script.next_audit(EVERY);
    script.refresh(1, 1);
    script.page(id + 1, 30, &[("p/a", 7, "x")]);
    assert_eq!(script.audit_finds(id, 20, &[("p/a", 7), ("p/b", 8)]), []);
}

#[test]
fn an_audit_that_is_refused_or_too_late_decides_nothing() {
    for kind in [CauseKind::PermissionDenied, CauseKind::TooLarge, CauseKind::ResourceExhausted] {
        let mut script = Script::audited();
        let id = script.next_audit(EVERY);
        let actions = script.respond_page(id, Err(kind));
        assert!(!actions.contains(&Action::Disconnect), "{kind:?}");
        script.answers_probes = true;
        script.next_audit(2 * EVERY);
    }
    let mut script = Script::audited();
    let id = script.next_audit(EVERY);
    assert_eq!(script.respond_page(id, Ok(PageResponse::Compacted)), []);
    script.next_audit(EVERY);
}

#[test]
fn without_the_option_nothing_is_audited() {
    let mut script = Script::live_range(&[("p/a", 7, "x")]);
    let until = script.now + 10 * EVERY;
    while script.now < until {
        let actions = script.next_actions();
        assert!(!actions.iter().any(|action| matches!(action, Action::ReadPage(..))));
        script.receive(WatchResponse::Progress);
    }
}
