//! The maps of the kit: the laws on a small backend, and the kit driven by hand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;

use event_core::conformance::maps::MapSubject;
use event_core::upstream::{KeyId, Publisher, Requests, Upstream, UpstreamHealth};
use event_core::{
    Bytes, Cause, CauseKind, Change, Entry, Error, ErrorKind, Health, HealthState, KeyRange,
    MapReader, MapReaderExt, MapWatcherExt, MemoryValue, Store, StoreExt, ValueReader, ValueWriter,
    WatcherExt,
};
use futures_executor::block_on;
use futures_util::FutureExt;
use futures_util::future::{Either, select};

/// A server with a backend on a thread of its own, which lists the whole range again whenever something changes.
struct Server {
    state: Arc<Mutex<State>>,
    /// Something changed.
    changed: MemoryValue<()>,
    /// The backend has published all changes up to this one.
    done: MemoryValue<u64>,
    upstream: Upstream,
}

#[derive(Default)]
struct State {
    keys: BTreeMap<Bytes, (Result<Bytes, Error>, i64)>,
    revision: i64,
    changes: u64,
    answers: bool,
}

impl Server {
    fn start() -> Self {
        let (upstream, publisher) = Upstream::new();
        let (state, changed) = (Arc::<Mutex<State>>::default(), MemoryValue::empty());
        let done = MemoryValue::empty();
        thread::spawn({
            let (state, mut changed, done) = (Arc::clone(&state), changed.watch(), done.clone());
            move || block_on(run(publisher, &state, &mut changed, &done))
        });
        Self { state, changed, done, upstream }
    }

    /// Changes the server, and waits until the backend has published it.
    async fn change(&self, change: impl FnOnce(&mut State)) {
        let number = {
            let mut state = self.state.lock().unwrap();
            change(&mut state);
            state.changes += 1;
            state.changes
        };
        self.changed.set(());
        self.done.watch().get_if(|done| *done >= number).await.unwrap();
    }
}

async fn run(
    mut publisher: Publisher,
    state: &Mutex<State>,
    changed: &mut event_core::MemoryWatcher<()>,
    done: &MemoryValue<u64>,
) {
    let mut maps = Vec::<KeyId>::new();
    loop {
        match select(Box::pin(publisher.next()), changed.get()).await {
            Either::Left((None, _)) | Either::Right((Err(_), _)) => return,
            Either::Left((Some(requests), _)) => {
                maps.retain(|map| !requests.stopped.contains(map));
                maps.extend(requests.started_maps.iter().map(|(map, _)| *map));
            }
            Either::Right((Ok(()), _)) => {}
        }
        let state = state.lock().unwrap();
        for map in &maps {
            let found = state.keys.iter().map(|(key, (found, revision))| {
                let found = found.clone().map(|value| Some((value, *revision)));
                (key.clone(), found)
            });
            let gone = (0..20).map(name).filter(|key| !state.keys.contains_key(key));
            let found = found.chain(gone.map(|key| (key, Ok(None)))).collect();
            publisher.found_some(*map, found, state.answers);
        }
        done.set(state.changes);
    }
}

fn name(number: u64) -> Bytes {
    format!("map/{number}").into()
}

impl MapSubject for Server {
    type Key = Bytes;

    fn key(&self, number: u64) -> Bytes {
        number.to_string().into()
    }

    async fn apply(&mut self, changes: &[(u64, Option<u64>)]) {
        self.change(|state| {
            state.revision += 1;
            for (number, version) in changes {
                match version {
                    Some(version) => {
                        let value = Ok(version.to_be_bytes().to_vec().into());
                        state.keys.insert(name(*number), (value, state.revision));
                    }
                    None => drop(state.keys.remove(&name(*number))),
                }
            }
        })
        .await;
    }

    async fn sync(&mut self) -> bool {
        self.change(|state| state.answers = true).await;
        true
    }

    async fn spoil(&mut self, key: u64) -> bool {
        let error = Error::new(ErrorKind::ResourceExhausted, "too large");
        self.change(|state| drop(state.keys.insert(name(key), (Err(error), 1)))).await;
        true
    }

    async fn end(&mut self) -> bool {
        self.upstream.close();
        true
    }

    async fn held(&mut self) -> usize {
        self.upstream.watched_maps()
    }
}

fn decode(bytes: &[u8]) -> Result<u64, std::array::TryFromSliceError> {
    bytes.try_into().map(u64::from_be_bytes)
}

event_core::map_conformance_tests!(typed, || {
    let server = Server::start();
    (server.upstream.map(KeyRange::folder("map")).decode(decode), server)
});

event_core::map_conformance_tests!(boxed, || {
    let server = Server::start();
    let store: &dyn Store = &server.upstream;
    (store.map("map").decode(decode).boxed(), server)
});

/// What the backend is asked for now.
fn next(publisher: &mut Publisher) -> Requests {
    publisher.next().now_or_never().flatten().unwrap_or_default()
}

/// Starts the one map that was watched since the last call.
fn started(publisher: &mut Publisher) -> (KeyId, KeyRange) {
    let mut started = next(publisher).started_maps;
    assert_eq!(started.len(), 1);
    started.remove(0)
}

fn now(health: &UpstreamHealth) -> Health {
    health.watch().try_get().unwrap().unwrap()
}

/// What a watcher has to take now, as text.
fn taken(watcher: &mut impl event_core::MapWatcher<Bytes, Entry>) -> Vec<String> {
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    let changes = std::iter::from_fn(|| watcher.try_change());
    let changes = changes.map(|change| match change.unwrap() {
        Change::Put { key, value } => format!("{}={}", text(&key), text(value.value().unwrap())),
        Change::Delete { key } => format!("-{}", text(&key)),
        Change::Failed { key, .. } => format!("!{}", text(&key)),
        Change::Synced => "synced".to_owned(),
        _ => unreachable!(),
    });
    changes.collect()
}

fn found(entries: &[(&'static str, &'static str)]) -> Vec<(Bytes, Bytes, i64)> {
    entries.iter().map(|(key, value)| ((*key).into(), (*value).into(), 1)).collect()
}

#[test]
fn a_map_starts_with_its_first_watcher_and_equal_ranges_share_it_until_the_last() {
    let (upstream, mut publisher) = Upstream::new();
    let map = upstream.map(KeyRange::folder("a"));
    assert!(publisher.next().now_or_never().is_none());
    let watchers = [map.watch(), upstream.map(KeyRange::prefix("a/")).watch()];
    let (id, range) = started(&mut publisher);
    assert_eq!(range, *map.range());
    assert_eq!((publisher.watched_maps(), upstream.watched_maps(), publisher.watched()), (1, 1, 0));
    let other = upstream.map(KeyRange::folder("a").one_level()).watch();
    assert_ne!(started(&mut publisher).0, id);
    drop(other);
    next(&mut publisher);
    let [first, rest] = watchers;
    drop(first);
    assert!(publisher.next().now_or_never().is_none() && publisher.is_watched(id));
    drop(rest);
    assert_eq!(next(&mut publisher).stopped, [id]);
    assert!(!publisher.is_watched(id) && publisher.watched_maps() == 0);
    publisher.publish_step(id, vec![Entry::present("a/b", 1, "late")], true); // nobody is left
    publisher.fail_key(id, &"a/b".into(), Error::new(ErrorKind::Decode, "late"));
    assert!(!publisher.found_all(id, found(&[("a/b", "late")])));
}

#[test]
fn what_came_and_went_before_the_publisher_took_it_leaves_nothing() {
    let (upstream, mut publisher) = Upstream::new();
    for _ in 0..1000 {
        drop(upstream.map(KeyRange::all()).watch());
    }
    assert!(publisher.next().now_or_never().is_none());
    assert_eq!(upstream.watched_maps(), 0);
}

#[test]
fn keys_and_maps_share_the_ids() {
    let (upstream, mut publisher) = Upstream::new();
    let (key, map) = (upstream.value("a").watch(), upstream.map(KeyRange::all()).watch());
    let requests = next(&mut publisher);
    let (key_id, map_id) = (requests.started[0].0, requests.started_maps[0].0);
    assert_ne!(key_id.slot, map_id.slot);
    drop((key, map));
    assert_eq!(next(&mut publisher).stopped, [key_id, map_id]);
    let _map = upstream.map(KeyRange::all()).watch();
    let (again, _) = started(&mut publisher);
    assert!(again.slot < 2 && again != key_id && again != map_id);
}

#[test]
fn a_step_is_made_relative_and_leaves_out_what_is_not_in_the_range() {
    let (upstream, mut publisher) = Upstream::new();
    let mut watcher = upstream.map(KeyRange::folder("a").one_level()).watch();
    let (id, _) = started(&mut publisher);
    let put = |key: &'static str, value: &'static str| Entry::present(key, 1, value);
    let step =
        vec![put("a/b", "1"), put("a/c/d", "2"), put("b", "3"), put("a/", "4"), put("a", "5")];
    publisher.publish_step(id, step, false);
    assert_eq!(taken(&mut watcher), ["b=1", "=4"]);
    publisher.publish_step(id, vec![], true);
    assert_eq!(taken(&mut watcher), ["synced"]);
    let step =
        vec![Entry::deleted("a/b", 2), put("a/e", "6"), put("a/", "7"), Entry::never_seen("a/")];
    publisher.publish_step(id, step, true);
    assert_eq!(taken(&mut watcher), ["-b", "e=6", "-"]);
    publisher.fail_key(id, &"a/e".into(), Error::new(ErrorKind::Decode, "half a file"));
    publisher.fail_key(id, &"b/e".into(), Error::new(ErrorKind::Decode, "half a file"));
    assert_eq!(taken(&mut watcher), ["!e"]);
}

#[test]
fn a_list_is_published_as_one_step_of_what_differs() {
    let (upstream, mut publisher) = Upstream::new();
    let mut watcher = upstream.map(KeyRange::folder("a")).watch();
    let (id, _) = started(&mut publisher);
    assert!(publisher.found_all(id, vec![]));
    assert_eq!(taken(&mut watcher), ["synced"]);
    assert!(
        publisher.found_all(id, found(&[("a/1", "x"), ("a/2", "x"), ("a/3", "x"), ("b", "x")]))
    );
    assert_eq!(taken(&mut watcher), ["1=x", "2=x", "3=x"]);
    assert!(publisher.found_all(id, found(&[("a/2", "x"), ("a/3", "y")])));
    assert_eq!(taken(&mut watcher), ["-1", "3=y"]);
    assert!(!publisher.found_all(id, found(&[("a/3", "y"), ("a/2", "x")])));
    assert!(publisher.found_some(
        id,
        vec![("a/2".into(), Ok(None)), ("a/1".into(), Ok(None))],
        true
    ));
    assert_eq!(taken(&mut watcher), ["-2"]);
    publisher.fail_key(id, &"a/3".into(), Error::new(ErrorKind::Decode, "half a file"));
    assert!(
        publisher.found_all(id, found(&[("a/3", "y")])),
        "after an error the same bytes are news"
    );
    assert_eq!(taken(&mut watcher), ["3=y"]);
}

#[test]
fn of_a_range_of_the_keys_only_the_values_are_dropped_and_the_revision_counts() {
    let (upstream, mut publisher) = Upstream::new();
    let mut watcher = upstream.map(KeyRange::folder("a").keys_only()).watch();
    let (id, range) = started(&mut publisher);
    assert!(range.is_keys_only());
    publisher.publish_step(id, vec![Entry::present("a/1", 1, "x")], true);
    assert_eq!(taken(&mut watcher), ["1=", "synced"]);
    let found = |revision| vec![("a/1".into(), "y".into(), revision)];
    assert!(!publisher.found_all(id, found(1)));
    assert!(publisher.found_all(id, found(2)));
    assert_eq!(taken(&mut watcher), ["1="]);
    assert!(publisher.found_all(id, vec![]));
    assert_eq!(taken(&mut watcher), ["-1"]);
}

#[test]
fn the_same_error_of_a_key_is_published_once() {
    let (upstream, mut publisher) = Upstream::new();
    let mut watcher = upstream.map(KeyRange::all()).watch();
    let (id, _) = started(&mut publisher);
    let fail = |words: &str| {
        let error = Error::new(ErrorKind::ResourceExhausted, words);
        publisher.found_some(id, vec![("a".into(), Err(error))], false)
    };
    assert!(fail("2 GB") && !fail("2 GB"));
    assert_eq!(taken(&mut watcher), ["!a"]);
    assert!(fail("3 GB"));
    assert_eq!(taken(&mut watcher), ["!a"]);
}

#[test]
fn the_health_of_a_map_is_live_when_the_whole_range_was_read() {
    let (upstream, mut publisher) = Upstream::new();
    publisher.set_health(Health::new(HealthState::Live));
    let map = upstream.map(KeyRange::folder("a"));
    let mut health = map.health().watch();
    let mut state = || health.try_get().map(|health| health.unwrap().state);
    assert_eq!(state(), Some(HealthState::Connecting));
    let _watcher = map.watch();
    let (id, _) = started(&mut publisher);
    publisher.publish_step(id, vec![Entry::present("a/b", 1, "x")], false);
    assert_eq!(state(), None, "a part was read");
    publisher.publish_step(id, vec![], true);
    assert_eq!(state(), Some(HealthState::Live));
    publisher.set_health(Health::stalled(Cause::new(CauseKind::Unreachable, "refused")));
    assert_eq!(state(), Some(HealthState::Stalled));
}

#[test]
fn a_refusal_stalls_its_map_and_nothing_else() {
    let (upstream, mut publisher) = Upstream::new();
    publisher.set_health(Health::new(HealthState::Live));
    let (map, all) = (upstream.map(KeyRange::folder("a")), upstream.map(KeyRange::all()));
    let mut watcher = map.watch();
    let (id, _) = started(&mut publisher);
    publisher.found_all(id, found(&[("a/b", "x")]));
    let _all = all.watch();
    let (other, _) = started(&mut publisher);
    publisher.found_all(other, vec![]);
    publisher.refuse(id, Cause::new(CauseKind::PermissionDenied, "denied"));
    let health = now(&map.health());
    assert_eq!(health.state, HealthState::Stalled);
    assert_eq!(health.cause.unwrap().key(), Some(&b"a/"[..]));
    assert_eq!(publisher.refusal().unwrap().kind(), CauseKind::PermissionDenied);
    assert_eq!(now(&all.health()).state, HealthState::Live);
    assert_eq!(taken(&mut watcher), ["b=x", "synced"], "watchers keep what they have");
    publisher.refuse(other, Cause::new(CauseKind::PermissionDenied, "denied"));
    assert_eq!(now(&all.health()).cause.unwrap().key(), None, "all keys have no name");
    publisher.accept(id);
    assert_eq!(now(&map.health()).state, HealthState::Live);
    publisher.accept_all();
    assert_eq!(now(&all.health()).state, HealthState::Live);
}

#[test]
fn a_store_is_ready_when_its_keys_and_maps_were_read() {
    let (upstream, mut publisher) = Upstream::new();
    let _watchers = (upstream.map(KeyRange::folder("a")).watch(), upstream.value("k").watch());
    let requests = next(&mut publisher);
    let (key, map) = (requests.started[0].0, requests.started_maps[0].0);
    let mut ready = upstream.ready();
    assert!((&mut ready).now_or_never().is_none());
    publisher.found(key, &"k".into(), None, 1);
    assert!((&mut ready).now_or_never().is_none());
    publisher.refuse(map, Cause::new(CauseKind::PermissionDenied, "denied"));
    let error = (&mut ready).now_or_never().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::PermissionDenied, Some(&b"a/"[..])));
    publisher.accept(map);
    let mut ready = upstream.ready();
    assert!((&mut ready).now_or_never().is_none());
    publisher.found_all(map, vec![]);
    ready.now_or_never().unwrap().unwrap();
}

#[test]
fn a_refresh_of_a_map_completes_when_the_backend_says_so_and_an_error_names_the_start() {
    let (upstream, mut publisher) = Upstream::new();
    let map = upstream.map(KeyRange::folder("a"));
    let watcher = map.watch();
    let (id, _) = started(&mut publisher);
    let mut refreshes =
        [map.refresh(), Store::refresh(&upstream), upstream.range(KeyRange::folder("a")).refresh()];
    for refresh in &mut refreshes {
        assert!(refresh.now_or_never().is_none());
    }
    let wanted = next(&mut publisher).refreshes;
    assert!(wanted.len() == 3 && wanted.iter().all(|(of, _)| *of == id));
    let denied = Error::new(ErrorKind::PermissionDenied, "denied");
    publisher.refreshed(id, wanted[2].1, &Err(denied));
    for refresh in refreshes {
        assert_eq!(block_on(refresh).unwrap_err().to_string(), "key `a/`: denied");
    }
    let mut all = Store::refresh(&upstream);
    assert!((&mut all).now_or_never().is_none());
    drop(watcher);
    next(&mut publisher);
    block_on(all).expect("no map is left to be read");

    let mut alone = map.refresh();
    assert!((&mut alone).now_or_never().is_none(), "it starts the map");
    let requests = next(&mut publisher);
    assert_eq!(requests.started_maps[0].0, requests.refreshes[0].0);
    publisher.refreshed(requests.refreshes[0].0, requests.refreshes[0].1, &Ok(()));
    block_on(alone).unwrap();
}

#[test]
fn an_empty_range_is_synced_and_never_reaches_the_backend() {
    let (upstream, mut publisher) = Upstream::new();
    publisher.set_health(Health::new(HealthState::Live));
    let map = upstream.map(KeyRange::between("b", "a"));
    let mut watcher = map.watch();
    assert_eq!(taken(&mut watcher), ["synced"]);
    assert_eq!(now(&map.health()).state, HealthState::Live);
    block_on(map.refresh()).unwrap();
    block_on(Store::refresh(&upstream)).unwrap();
    block_on(upstream.ready()).unwrap();
    assert!(publisher.next().now_or_never().is_none());
    drop(watcher);
    assert!(publisher.next().now_or_never().is_none() && upstream.watched_maps() == 0);
    let mut watcher = map.watch();
    upstream.close();
    assert_eq!(taken_until_end(&mut watcher), ["synced"]);
}

fn taken_until_end(watcher: &mut impl event_core::MapWatcher<Bytes, Entry>) -> Vec<&'static str> {
    let mut taken = Vec::new();
    loop {
        match watcher.try_change().unwrap() {
            Ok(Change::Synced) => taken.push("synced"),
            Ok(_) => taken.push("change"),
            Err(error) => {
                assert!(error.is_closed());
                return taken;
            }
        }
    }
}

#[test]
fn maps_end_with_the_backend_and_keep_the_upstream_alive() {
    let (upstream, mut publisher) = Upstream::new();
    let mut watcher = upstream.map(KeyRange::all()).watch();
    drop(upstream);
    let (id, _) = started(&mut publisher);
    publisher.found_all(id, found(&[("a", "x")]));
    publisher.end("the disk is gone");
    let mut end = None;
    for _ in 0..3 {
        end = watcher.try_change();
    }
    assert_eq!(end.unwrap().unwrap_err().to_string(), "the disk is gone");

    let (upstream, mut publisher) = Upstream::new();
    let mut watcher = upstream.map(KeyRange::all()).watch();
    upstream.close();
    assert!(watcher.try_change().unwrap().unwrap_err().is_closed(), "nobody took it");
    assert!(upstream.map(KeyRange::all()).watch().try_change().unwrap().unwrap_err().is_closed());
    assert!(block_on(upstream.map(KeyRange::all()).refresh()).unwrap_err().is_closed());
    assert!(publisher.next().now_or_never().unwrap().is_none());
}
