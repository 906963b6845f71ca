//! How a range is read.

use super::*;
use crate::seam::{Page, PageRequest, PageResponse};

pub(super) type Found<'a> = &'a [(&'a str, i64, &'a str)];

impl Script {
    /// A session that watches the keys that begin with `p/`, on a store at revision 10 that has these. The range has
    /// the id 1, and so has its watch.
    pub(super) fn live_range(found: Found<'_>) -> Self {
        let mut script = Self::new(&["one", "two"]);
        script.subscribe_range(1, "p/");
        script.connect();
        script.page(1, 10, found);
        script.open();
        script.receive(created(1));
        assert_eq!(script.state(), HealthState::Live);
        script
    }

    pub(super) fn subscribe_range(&mut self, id: u32, prefix: &str) -> Vec<Action> {
        let keys = KeyRange::prefix(prefix.to_owned());
        self.session.handle_subscribe_range(key_id(id), keys, self.now);
        self.actions()
    }

    /// The last page.
    pub(super) fn page(&mut self, id: ReadId, revision: i64, found: Found<'_>) -> Vec<Action> {
        self.respond_page(id, Ok(page(revision, found, false)))
    }

    /// A page that more follow.
    pub(super) fn part(&mut self, id: ReadId, revision: i64, found: Found<'_>) -> Vec<Action> {
        self.respond_page(id, Ok(page(revision, found, true)))
    }

    pub(super) fn respond_page(
        &mut self,
        id: ReadId,
        response: Result<PageResponse, CauseKind>,
    ) -> Vec<Action> {
        if let Ok(PageResponse::Page(page)) = &response {
            self.revision = page.revision;
        }
        let response = response.map_err(|kind| Failure::new(kind, "refused"));
        self.session.handle_page(id, response, self.now);
        self.actions()
    }
}

fn page(revision: i64, found: Found<'_>, has_more: bool) -> PageResponse {
    let found = found.iter().map(|(key, mod_revision, value)| {
        (key.to_string().into(), key_value(*mod_revision, value))
    });
    PageResponse::Page(Page { revision, cluster: 0, found: found.collect(), has_more })
}

pub(super) fn read_page(id: ReadId, from: &str, limit: u32, revision: i64) -> Action {
    let (from, end) = (from.to_owned().into(), Some("p0".into()));
    let may_stream = revision != 0;
    let page = PageRequest { from, end, limit, revision, may_stream, keys_only: false };
    Action::ReadPage(id, page)
}

/// A page after one that was too much.
fn read_small_page(id: ReadId, from: &str, limit: u32, revision: i64) -> Action {
    match read_page(id, from, limit, revision) {
        Action::ReadPage(id, page) => {
            Action::ReadPage(id, PageRequest { may_stream: false, ..page })
        }
        other => other,
    }
}

/// A step of a range that is synced.
pub(super) fn step(id: u32, entries: &[Entry]) -> Action {
    Action::PublishStep(key_id(id), entries.to_vec(), true)
}

fn first_step(id: u32, entries: &[Entry]) -> Action {
    Action::PublishStep(key_id(id), entries.to_vec(), false)
}

pub(super) fn deleted(key: &str, revision: i64) -> Entry {
    Entry::deleted(key.to_owned(), revision)
}

pub(super) fn create_range(prefix: &str, start_revision: i64) -> WatchRequest {
    WatchRequest::Create { keys: Keys::Range(KeyRange::prefix(prefix.to_owned())), start_revision }
}

#[test]
fn a_range_is_read_published_as_a_step_and_watched_from_the_revision_of_the_read() {
    let mut script = Script::new(&["one"]);
    script.subscribe_range(1, "p/");
    assert_eq!(script.connect(), [read_page(1, "p/", 1000, 0)]);
    assert_eq!(
        script.page(1, 10, &[("p/a", 3, "x"), ("p/b", 10, "y")]),
        [
            step(1, &[entry("p/a", 3, "x"), entry("p/b", 10, "y")]),
            Action::OpenStream(create_range("p/", 10))
        ]
    );
    script.open();
    assert_eq!(script.state(), HealthState::Connecting);
    assert_eq!(script.receive(created(1)), []);
    assert_eq!(script.state(), HealthState::Live);
}

#[test]
fn an_empty_range_is_synced_with_its_first_read() {
    let mut script = Script::new(&["one"]);
    script.subscribe_range(1, "p/");
    script.connect();
    assert_eq!(script.page(1, 10, &[])[0], step(1, &[]));
}

#[test]
fn pages_are_read_at_the_revision_of_the_first_one_and_the_last_one_makes_the_range_synced() {
    let mut script = Script::new(&["one"]);
    script.subscribe_range(1, "p/");
    script.connect();
    assert_eq!(
        script.part(1, 10, &[("p/a", 3, "x"), ("p/b", 4, "y")]),
        [
            first_step(1, &[entry("p/a", 3, "x"), entry("p/b", 4, "y")]),
            read_page(1, "p/b\0", 16_000, 10)
        ]
    );
    assert_eq!(
        script.page(1, 15, &[("p/c", 10, "z")]),
        [step(1, &[entry("p/c", 10, "z")]), Action::OpenStream(create_range("p/", 10))]
    );
}

#[test]
fn a_page_aims_at_eight_megabytes() {
    let value = "x".repeat(100_000);
    let mut script = Script::new(&["one"]);
    script.subscribe_range(1, "p/");
    script.connect();
    let parts = script.part(1, 10, &[("p/a", 3, &value), ("p/b", 3, &value)]);
    assert_eq!(parts[1], read_page(1, "p/b\0", 83, 10));
}

#[test]
fn a_page_that_is_too_large_is_halved_and_a_key_that_is_too_large_refuses_the_range() {
    let mut script = Script::new(&["one"]);
    script.subscribe_range(1, "p/");
    script.connect();
    let mut limits = Vec::new();
    for _ in 0..9 {
        match &script.respond_page(1, Err(CauseKind::TooLarge))[..] {
            [Action::ReadPage(1, page)] => limits.push(page.limit),
            actions => panic!("{actions:?}"),
        }
    }
    assert_eq!(limits, [500, 250, 125, 62, 31, 15, 7, 3, 1]);
    // A small value does not make the next page larger than what was too large.
    assert_eq!(script.part(1, 10, &[("p/a", 3, "x")])[1], read_small_page(1, "p/a\0", 1, 10));
    assert_eq!(script.respond_page(1, Err(CauseKind::TooLarge)), []);
    assert_eq!(script.refusals, [(key_id(1), CauseKind::TooLarge)].into());
    assert_eq!(script.cause(), "value too large: key `p/`: refused");
    assert_eq!(script.next_actions(), [read_page(2, "p/", 1000, 0)]);
}

#[test]
fn a_server_with_too_many_requests_is_asked_for_the_same_page_later_and_for_half_of_it() {
    let mut script = Script::new(&["one"]);
    script.subscribe_range(1, "p/");
    script.connect();
    script.part(1, 10, &[("p/a", 3, "x")]);
    assert_eq!(script.respond_page(1, Err(CauseKind::ResourceExhausted)), []);
    assert_eq!(script.next_actions(), [read_small_page(1, "p/a\0", 8000, 10)]);
    let last = script.page(1, 12, &[("p/b", 4, "y")]);
    assert_eq!(last[0], step(1, &[entry("p/b", 4, "y")]));
}

#[test]
fn a_read_whose_revision_is_compacted_begins_again_and_the_third_one_asks_for_all() {
    let mut script = Script::new(&["one"]);
    script.subscribe_range(1, "p/");
    script.connect();
    script.part(1, 10, &[("p/a", 3, "x"), ("p/b", 3, "x")]);
    let again = script.respond_page(1, Ok(PageResponse::Compacted));
    assert_eq!(again, [read_page(1, "p/", 16_000, 0)]);
    // A key that is gone by now is deleted.
    assert_eq!(
        script.part(1, 20, &[("p/b", 13, "y")]),
        [
            first_step(1, &[deleted("p/a", 20), entry("p/b", 13, "y")]),
            read_page(1, "p/b\0", 256_000, 20)
        ]
    );
    let again = script.respond_page(1, Ok(PageResponse::Compacted));
    assert_eq!(again, [read_page(1, "p/", 0, 0)]);
    assert_eq!(
        script.page(1, 30, &[("p/b", 13, "y"), ("p/c", 14, "z")]),
        [step(1, &[entry("p/c", 14, "z")]), Action::OpenStream(create_range("p/", 30))]
    );
}

#[test]
fn all_at_once_that_is_too_large_is_read_in_pages_again() {
    let mut script = Script::new(&["one"]);
    script.subscribe_range(1, "p/");
    script.connect();
    for _ in 0..2 {
        script.part(1, 10, &[("p/a", 3, "x")]);
        script.respond_page(1, Ok(PageResponse::Compacted));
    }
    let again = script.respond_page(1, Err(CauseKind::TooLarge));
    assert!(matches!(&again[..], [Action::ReadPage(1, page)] if page.limit > 0), "{again:?}");
}

#[test]
fn a_range_that_is_read_again_is_one_step_of_what_differs() {
    let mut script =
        Script::live_range(&[("p/a", 3, "x"), ("p/b", 4, "y"), ("p/c", 5, "z"), ("p/d", 6, "")]);
    script.fail(CauseKind::Unreachable);
    assert_eq!(script.connect(), [read_page(2, "p/", 1000, 0)]);
    let second = script.part(2, 20, &[("p/b", 4, "y"), ("p/c", 12, "z")]);
    assert_eq!(second, [read_page(2, "p/c\0", 16_000, 20)]);
    let changed = [
        deleted("p/a", 20),
        entry("p/c", 12, "z"), // the same bytes
        entry("p/e", 13, ""),
    ];
    let last = script.page(2, 25, &[("p/d", 6, ""), ("p/e", 13, "")]);
    assert_eq!(last[0], step(1, &changed));
    assert_eq!(last.last(), Some(&Action::OpenStream(create_range("p/", 20))));
}

#[test]
fn a_range_that_is_unchanged_is_read_again_without_a_step() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    script.fail(CauseKind::Unreachable);
    script.connect();
    let answered = script.page(2, 20, &[("p/a", 3, "x")]);
    assert_eq!(answered, [Action::OpenStream(create_range("p/", 20))]);
}

#[test]
fn a_read_that_is_cut_short_deletes_nothing() {
    let mut script = Script::live_range(&[("p/a", 3, "x"), ("p/b", 4, "y"), ("p/c", 5, "z")]);
    script.fail(CauseKind::Unreachable);
    script.connect();
    assert_eq!(script.part(2, 20, &[("p/b", 12, "y")]), [read_page(2, "p/b\0", 16_000, 20)]);
    script.fail(CauseKind::Unreachable);
    script.next_actions();
    script.connect();
    let answered = script.page(3, 21, &[("p/a", 3, "x"), ("p/b", 12, "y"), ("p/c", 5, "z")]);
    assert_eq!(answered[0], step(1, &[entry("p/b", 12, "y")]));
}

#[test]
fn a_first_read_that_is_cut_short_is_not_synced_and_the_next_one_deletes_what_is_gone() {
    let mut script = Script::new(&["one"]);
    script.subscribe_range(1, "p/");
    script.connect();
    script.part(1, 10, &[("p/a", 3, "x"), ("p/b", 4, "y")]);
    script.fail(CauseKind::Unreachable);
    script.next_actions();
    script.connect();
    let answered = script.page(2, 20, &[("p/b", 4, "y")]);
    assert_eq!(answered[0], step(1, &[deleted("p/a", 20)]));
}

#[test]
fn a_refresh_is_done_with_the_read_that_began_after_it() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    assert_eq!(script.refresh(1, 1), [read_page(2, "p/", 1000, 0)]);
    // One read of a range at a time: the second one waits for the first.
    assert_eq!(script.refresh(1, 2), []);
    assert_eq!(
        script.page(2, 10, &[("p/a", 3, "x")]),
        [refreshed(1, 1), read_page(3, "p/", 1000, 0)]
    );
    assert_eq!(
        script.page(3, 11, &[("p/a", 11, "y")]),
        [step(1, &[entry("p/a", 11, "y")]), refreshed(1, 2)]
    );
}

#[test]
fn keys_are_read_while_a_range_is() {
    let mut script = Script::new(&["one"]);
    script.subscribe_range(1, "p/");
    script.subscribe(2, "k");
    assert_eq!(script.connect(), [read(1, &["k"]), read_page(2, "p/", 1000, 0)]);
    script.part(2, 10, &[("p/a", 3, "x")]);
    assert_eq!(script.subscribe(3, "l"), [read(3, &["l"])]);
    script.respond(1, 10, &[None]);
    assert_eq!(script.page(2, 11, &[]).last(), Some(&step(1, &[])));
}

#[test]
fn four_ranges_are_read_at_a_time_and_the_others_after_them() {
    let mut script = Script::new(&["one"]);
    for id in 1..=6 {
        script.subscribe_range(id, "p/");
    }
    assert_eq!(script.connect().len(), 4);
    assert_eq!(script.page(2, 10, &[])[..2], [step(2, &[]), read_page(5, "p/", 1000, 0)]);
    assert_eq!(script.page(5, 10, &[])[..2], [step(5, &[]), read_page(6, "p/", 1000, 0)]);
}

#[test]
fn a_range_that_is_unsubscribed_while_it_is_read_leaves_nothing() {
    let mut script = Script::live_range(&[]);
    script.subscribe_range(2, "p/");
    assert_eq!(script.unsubscribe(2), []);
    assert_eq!(script.page(2, 10, &[("p/a", 3, "x")]), []);
    // Nor does one whose slot a key has by then.
    for id in 3..=6 {
        script.subscribe_range(id, "p/");
    }
    script.subscribe_range(7, "p/");
    script.unsubscribe(7);
    script.session.handle_subscribe(later(7, 1), "k".into(), script.now);
    assert_eq!(script.actions(), []);
    let answered = script.page(3, 10, &[]);
    assert!(answered.contains(&read(7, &["k"])), "{answered:?}");
}

#[test]
fn a_range_that_may_not_be_read_is_refused_by_its_prefix_and_read_again_later() {
    let mut script = Script::live(&["k"]);
    script.subscribe_range(2, "p/");
    assert_eq!(script.respond_page(2, Err(CauseKind::PermissionDenied)), []);
    assert_eq!(script.state(), HealthState::Live);
    assert_eq!(script.cause(), "permission denied: key `p/`: refused");
    assert_eq!(script.wait(SECOND), [read_page(3, "p/", 1000, 0)]);
    let granted = script.page(3, 10, &[]);
    assert_eq!(granted, [step(2, &[]), Action::Send(create_range("p/", 10))]);
    assert_eq!(script.refusals, [].into());
}

#[test]
fn a_range_that_is_refused_is_not_watched_and_keeps_its_keys() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    script.refresh(1, 1);
    let refused = script.respond_page(2, Err(CauseKind::PermissionDenied));
    let failure = Failure::new(CauseKind::PermissionDenied, "refused");
    assert_eq!(refused, [Action::Refreshed(key_id(1), 1, Err(failure)), cancel(1)]);
    assert_eq!(script.wait(SECOND), [read_page(3, "p/", 1000, 0)]);
    let granted = script.page(3, 20, &[("p/a", 12, "y")]);
    assert_eq!(granted[0], step(1, &[entry("p/a", 12, "y")]));
}

#[test]
fn the_rest_of_a_read_is_waited_for_page_by_page() {
    let mut script = Script::live(&["k"]);
    script.subscribe_range(2, "p/");
    for page in 0..10 {
        script.now += 2 * SECOND;
        script.receive(WatchResponse::Progress);
        let key = format!("p/{page}");
        assert_eq!(script.part(2, 10, &[(&key, 3, "x")]).len(), 2);
    }
    // The others prove that the member is there, and not that it reads pages.
    let mut actions = Vec::new();
    for _ in 0..6 {
        actions.extend(script.wait(SECOND));
        script.receive(WatchResponse::Progress);
    }
    assert!(actions.contains(&Action::Disconnect), "{actions:?}");
}

#[test]
fn a_page_that_cant_be_is_a_violation() {
    for (found, has_more) in [
        (&[("p/b", 3, "x"), ("p/a", 3, "x")][..], false),
        (&[("p/a", 3, "x"), ("p/a", 3, "x")], false),
        (&[("p0", 3, "x")], false),
        (&[("o", 3, "x")], false),
        (&[("p/a", 11, "x")], false),
        (&[("p/a", 0, "x")], false),
        (&[], true),
    ] {
        let mut script = Script::new(&["one", "two"]);
        script.subscribe_range(1, "p/");
        script.connect();
        let answered = script.respond_page(1, Ok(page(10, found, has_more)));
        assert_eq!(answered, [Action::Disconnect, connect("two")], "{found:?}");
        assert!(script.cause().starts_with("protocol violation"), "{}", script.cause());
    }
    // A page with keys of the page before.
    let mut script = Script::new(&["one", "two"]);
    script.subscribe_range(1, "p/");
    script.connect();
    script.part(1, 10, &[("p/b", 3, "x")]);
    assert_eq!(script.page(1, 10, &[("p/b", 3, "x")])[0], Action::Disconnect);
    // The newest revision can't be compacted.
    let mut script = Script::new(&["one", "two"]);
    script.subscribe_range(1, "p/");
    script.connect();
    assert_eq!(script.respond_page(1, Ok(PageResponse::Compacted))[0], Action::Disconnect);
}

#[test]
fn a_history_that_is_replaced_while_a_range_is_read_means_a_new_connection() {
    let mut script = Script::live_range(&[("p/a", 3, "x")]);
    script.refresh(1, 1);
    script.part(2, 12, &[("p/a", 3, "x")]);
    assert_eq!(script.page(2, 11, &[])[0], Action::Disconnect);
    assert_eq!(script.health.as_ref().unwrap().history_resets, 1);
}

#[test]
fn a_range_of_a_history_that_was_replaced_is_one_step_of_what_differs() {
    let mut script = Script::live_range(&[("p/a", 3, "x"), ("p/b", 4, "y"), ("p/c", 5, "z")]);
    script.fail(CauseKind::Unreachable);
    script.connect();
    // The same revision and bytes in both.
    let answered = script.page(2, 5, &[("p/a", 3, "x"), ("p/b", 4, "other")]);
    let changed = [entry("p/b", 4, "other"), deleted("p/c", 5)];
    assert_eq!(answered[0], step(1, &changed));
    assert_eq!(script.health.as_ref().unwrap().history_resets, 1);
    // In this one revisions go up again.
    script.open();
    script.receive(created_at(2, 5));
    assert_eq!(
        script.receive(events(2, 6, &[put("p/a", 6, "w")])),
        [step(1, &[entry("p/a", 6, "w")])]
    );
}

#[test]
fn e14_a_key_whose_revision_went_down_shows_that_the_history_was_replaced() {
    for (revision, value) in [(2, "x"), (3, "other")] {
        let mut script = Script::live_range(&[("p/a", 3, "x")]);
        script.fail(CauseKind::Unreachable);
        script.connect();
        let answered = script.page(2, 20, &[("p/a", revision, value)]);
        assert_eq!(answered[0], step(1, &[entry("p/a", revision, value)]));
        assert_eq!(script.health.as_ref().unwrap().history_resets, 1);
    }
}

#[test]
fn a_new_connection_checks_the_history_by_the_newest_key_of_a_range() {
    let mut script = Script::live_range(&[("p/a", 3, "x"), ("p/b", 9, "y")]);
    script.fail(CauseKind::Unreachable);
    script.connect();
    // The read shows it.
    let shown = script.page(2, 20, &[("p/b", 9, "y")]);
    assert_eq!(shown[0], step(1, &[deleted("p/a", 20)]));
    assert!(!shown.iter().any(|action| matches!(action, Action::CheckHistory(_))));
    script.fail(CauseKind::Unreachable);
    script.next_actions();
    script.connect();
    assert!(script.page(3, 21, &[("p/b", 21, "z")]).contains(&history_check("p/b", 9, "y")));
    script.history_check(Ok((30, &[Some((9, "other"))])));
    assert_eq!(script.health.as_ref().unwrap().history_resets, 1);
}

#[test]
fn a_range_of_one_level_leaves_deeper_keys_out() {
    let mut script = Script::new(&["one"]);
    let keys = KeyRange::prefix("p/").one_level();
    script.session.handle_subscribe_range(key_id(1), keys, script.now);
    script.actions();
    script.connect();
    let answered = script.page(1, 10, &[("p/a", 3, "x"), ("p/a/b", 3, "x"), ("p/b", 3, "")]);
    assert_eq!(answered[0], step(1, &[entry("p/a", 3, "x"), entry("p/b", 3, "")]));
    script.open();
    script.receive(created(1));
    assert_eq!(script.receive(events(1, 11, &[put("p/a/b", 11, "y")])), []);
    assert_eq!(
        script.receive(events(1, 12, &[put("p/a", 12, "y")])),
        [step(1, &[entry("p/a", 12, "y")])]
    );
}

#[test]
fn ranges_that_come_and_go_have_a_bounded_number_of_pages_under_way() {
    let mut script = Script::new(&["one", "two"]);
    script.subscribe(1, "k");
    script.connect();
    script.respond(1, 10, &[None]);
    script.open();
    let mut pages = Vec::new();
    for id in 2..20 {
        let actions = script.subscribe_range(id, "p/");
        pages.extend(actions.into_iter().filter_map(|action| match action {
            Action::ReadPage(read, _) => Some(read),
            _ => None,
        }));
        script.unsubscribe(id);
    }
    assert_eq!(pages.len(), 4);
    // One that is answered makes room, and what it found is of nobody.
    script.subscribe_range(20, "p/");
    let actions = script.page(pages[0], 12, &[("p/a", 11, "x")]);
    assert!(matches!(actions[..], [Action::ReadPage(..)]), "{actions:?}");
}

/// The values are not there to show how large they are, and the server loads them all the same.
#[test]
fn a_page_of_the_keys_only_has_a_limit_however_small_the_keys_are() {
    let mut script = Script::new(&["one"]);
    script.session.handle_subscribe_range(key_id(1), keys_only(), script.now);
    script.actions();
    let asked = script.connect();
    let limit = |actions: &[Action]| {
        let page = actions.iter().find_map(|action| match action {
            Action::ReadPage(_, page) => Some(page.clone()),
            _ => None,
        });
        let page = page.expect("a page is asked for");
        assert!(page.keys_only);
        page.limit
    };
    assert_eq!(limit(&asked), 1000);
    let mut from = 0;
    for expected in [16_000, 16_000] {
        let keys: Vec<String> = (from..from + 1000).map(|key| format!("p/{key:05}")).collect();
        let found: Vec<_> = keys.iter().map(|key| (key.as_str(), 7, "")).collect();
        let response = Ok(page(10, &found, true));
        assert_eq!(limit(&script.respond_page(1, response)), expected);
        from += 1000;
    }
}

fn keys_only() -> KeyRange {
    KeyRange::prefix("p/").keys_only()
}

#[test]
fn what_the_watch_of_a_range_of_the_keys_only_sends_is_published_without_its_value() {
    let mut script = Script::new(&["one", "two"]);
    script.session.handle_subscribe_range(key_id(1), keys_only(), script.now);
    script.actions();
    script.connect();
    script.page(1, 10, &[("p/a", 7, "")]);
    script.open();
    script.receive(created(1));
    let actions = script.receive(events(1, 12, &[put("p/a", 11, "large"), put("p/b", 12, "x")]));
    assert_eq!(actions, [step(1, &[entry("p/a", 11, ""), entry("p/b", 12, "")])]);
    // The history check does without the value, too.
    script.fail(CauseKind::Unreachable);
    script.connect();
    let actions = script.page(2, 20, &[("p/a", 11, ""), ("p/b", 20, "")]);
    let Action::CheckHistory(check) = history_check("p/b", 12, "") else { unreachable!() };
    let check = Action::CheckHistory(PublishedVersion { keys_only: true, ..check });
    assert!(actions.contains(&check), "{actions:?}");
}
