//! The kit for backends, driven by hand.

use event_core::upstream::{KeyId, Publisher, Requests, Upstream, UpstreamHealth};
use event_core::{
    Bytes, Cause, CauseKind, Entry, EntryState, Error, ErrorKind, Health, HealthState, Store,
    ValueReader, WatcherExt,
};
use futures_executor::block_on;
use futures_util::FutureExt;

/// What the backend is asked for now.
fn next(publisher: &mut Publisher) -> Requests {
    publisher.next().now_or_never().flatten().unwrap_or_default()
}

/// Starts the one key that was watched since the last call.
fn started(publisher: &mut Publisher) -> (KeyId, Bytes) {
    let mut started = next(publisher).started;
    assert_eq!(started.len(), 1);
    started.remove(0)
}

fn now(health: &UpstreamHealth) -> Health {
    health.watch().try_get().unwrap().unwrap()
}

#[test]
fn a_key_starts_with_its_first_watcher_and_stops_with_the_last() {
    let (upstream, mut publisher) = Upstream::new();
    let value = upstream.value("a");
    assert!(next(&mut publisher).started.is_empty());
    let watchers = [value.watch(), value.watch(), upstream.value("a").watch()];
    let (key, name) = started(&mut publisher);
    assert_eq!((name, publisher.watched(), upstream.watched_keys()), ("a".into(), 1, 1));
    let [first, rest @ ..] = watchers;
    drop(first);
    assert!(publisher.next().now_or_never().is_none());
    drop(rest);
    assert_eq!(next(&mut publisher).stopped, [key]);
    assert!(!publisher.is_watched(key));
    publisher.publish(key, Entry::present("a", 1, "late")); // nobody is left
}

#[test]
fn what_a_read_found_is_published_if_it_differs() {
    let (upstream, mut publisher) = Upstream::new();
    let mut watcher = upstream.value("a").watch();
    let (key, name) = started(&mut publisher);
    let mut found = |value: Option<&'static str>, revision| {
        let is_news = publisher.found(key, &name, value.map(Bytes::from), revision);
        let taken = watcher.try_get().map(|version| version.unwrap().state);
        assert_eq!(is_news, taken.is_some());
        taken
    };
    assert_eq!(found(None, 1), Some(EntryState::NeverSeen));
    assert_eq!(found(None, 2), None);
    assert_eq!(found(Some("x"), 3), Some(Entry::present("a", 3, "x").state));
    assert_eq!(found(Some("x"), 4), None);
    assert_eq!(found(Some("y"), 5), Some(Entry::present("a", 5, "y").state));
    assert_eq!(found(None, 6), Some(Entry::deleted("a", 6).state));
    assert_eq!(found(None, 7), None);
    assert_eq!(found(Some("y"), 8), Some(Entry::present("a", 8, "y").state));
}

#[test]
fn after_an_error_the_same_bytes_are_news() {
    let (upstream, mut publisher) = Upstream::new();
    let mut watcher = upstream.value("a").watch();
    let (key, name) = started(&mut publisher);
    assert!(publisher.found(key, &name, Some("x".into()), 1));
    publisher.fail(key, Error::new(ErrorKind::Decode, "half a file"));
    assert_eq!(watcher.try_get().unwrap().unwrap_err().kind(), ErrorKind::Decode);
    assert!(publisher.found(key, &name, Some("x".into()), 2));
    assert_eq!(watcher.try_get().unwrap().unwrap().revision(), Some(2));
}

#[test]
fn a_refusal_stalls_its_key_and_no_other() {
    let (upstream, mut publisher) = Upstream::new();
    publisher.set_health(Health::new(HealthState::Live));
    let (a, b) = (upstream.value("a"), upstream.value("b"));
    let _a = a.watch();
    let (key, _) = started(&mut publisher);
    let _b = b.watch();
    let (other, name) = started(&mut publisher);
    assert_eq!(now(&a.health()).state, HealthState::Connecting);
    publisher.found(other, &name, None, 1);
    publisher.refuse(key, Cause::new(CauseKind::TooLarge, "it has 1 GB"));
    let health = now(&a.health());
    assert_eq!(health.state, HealthState::Stalled);
    assert_eq!(health.cause.unwrap().key(), Some(&b"a"[..]));
    assert_eq!(now(&b.health()).state, HealthState::Live);
    assert_eq!(now(&upstream.health()).state, HealthState::Live);
    let error = block_on(upstream.ready()).unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::ResourceExhausted, Some(&b"a"[..])));
    publisher.accept(key);
    publisher.found(key, &"a".into(), Some("small".into()), 2);
    assert_eq!(now(&a.health()).state, HealthState::Live);
    block_on(upstream.ready()).unwrap();
}

#[test]
fn a_refresh_completes_when_the_backend_says_so_and_an_error_names_the_key() {
    let (upstream, mut publisher) = Upstream::new();
    let watcher = upstream.value("a").watch();
    let (key, _) = started(&mut publisher);
    let mut refreshes = [upstream.value("a").refresh(), Store::refresh(&upstream)];
    for refresh in &mut refreshes {
        assert!(refresh.now_or_never().is_none());
    }
    let wanted = next(&mut publisher).refreshes;
    assert_eq!(wanted.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [key, key]);
    let mut later = upstream.value("a").refresh();
    assert!((&mut later).now_or_never().is_none());
    let newest = wanted.iter().map(|(_, ticket)| *ticket).max().unwrap();
    let denied = Error::new(ErrorKind::PermissionDenied, "denied");
    publisher.refreshed(key, newest, &Err(denied));
    for refresh in refreshes {
        let error = block_on(refresh).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::PermissionDenied, "key `a`: denied".into())
        );
    }
    assert!((&mut later).now_or_never().is_none(), "it came after the tickets");
    let (_, ticket) = next(&mut publisher).refreshes[0];
    publisher.refreshed(key, ticket, &Ok(()));
    block_on(later).unwrap();

    let mut all = Store::refresh(&upstream);
    assert!((&mut all).now_or_never().is_none());
    drop(watcher);
    next(&mut publisher);
    block_on(all).expect("no key is left to be read");
}

#[test]
fn a_key_that_the_backend_cant_have_is_an_error_of_its_watchers() {
    let check =
        |name: &[u8]| if name.contains(&b'/') { Err("no folders".to_owned()) } else { Ok(()) };
    let (upstream, mut publisher) = Upstream::with_keys(check);
    publisher.set_health(Health::new(HealthState::Live));
    let bad = upstream.value("a/b");
    let mut watcher = bad.watch();
    let error = watcher.try_get().unwrap().unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string()),
        (ErrorKind::InvalidArgument, "key `a/b`: no folders".into())
    );
    assert!(watcher.try_get().is_none());
    assert!(next(&mut publisher).started.is_empty());
    assert_eq!(now(&bad.health()).cause.unwrap().message(), "no folders");
    assert_eq!(block_on(bad.refresh()).unwrap_err().kind(), ErrorKind::InvalidArgument);
    block_on(Store::refresh(&upstream)).unwrap();
    upstream.close();
    assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
}

#[test]
fn the_upstream_ends_with_its_last_watcher_and_the_values_end_with_the_backend() {
    let (upstream, mut publisher) = Upstream::new();
    let (watcher, health) = (upstream.value("a").watch(), upstream.health());
    drop(upstream);
    assert!(publisher.next().now_or_never().unwrap().is_some(), "a watcher keeps it");
    drop(watcher);
    assert!(publisher.next().now_or_never().unwrap().is_none());
    assert!(health.watch().try_get().unwrap().unwrap_err().is_closed());

    let (upstream, mut publisher) = Upstream::new();
    let mut watcher = upstream.value("a").watch();
    let (key, name) = started(&mut publisher);
    publisher.found(key, &name, Some("x".into()), 1);
    publisher.end("the disk is gone");
    let end = watcher.try_get().unwrap().unwrap_err();
    assert_eq!((end.is_closed(), end.to_string()), (true, "the disk is gone".into()));
    assert!(upstream.value("a").watch().try_get().unwrap().unwrap_err().is_closed());
    assert!(block_on(Store::refresh(&upstream)).is_ok(), "nothing is watched");
    assert!(block_on(upstream.value("a").refresh()).unwrap_err().is_closed());
}

#[test]
fn a_ready_that_is_late_says_why() {
    let (upstream, mut publisher) = Upstream::new();
    let _watcher = upstream.value("a").watch();
    next(&mut publisher);
    let mut ready = upstream.ready();
    assert!((&mut ready).now_or_never().is_none());
    let second = std::time::Duration::from_secs(1);
    assert_eq!(
        ready.late(second).to_string(),
        "not ready within 1s: the backend has not answered yet"
    );
    publisher.set_health(Health::stalled(Cause::new(CauseKind::Unreachable, "refused")));
    assert!((&mut ready).now_or_never().is_none());
    let late = ready.late(second);
    assert_eq!(
        (late.kind(), late.to_string()),
        (ErrorKind::Unavailable, "not ready within 1s: unreachable: refused".into())
    );
}
