//! A backend from an empty file, with the conformance suite. `docs/writing-a-backend.md` shows this code.

mod shown;

// docs: io
mod server {
    use std::collections::HashMap;
    use std::io;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    use tokio::sync::broadcast::{Receiver, Sender, channel};

    /// A server of settings, of which this is the client. It is in memory to keep the guide short.
    #[derive(Clone)]
    pub(super) struct Server {
        settings: Arc<Mutex<HashMap<Vec<u8>, Vec<u8>>>>,
        changes: Sender<Vec<u8>>,
    }

    impl Server {
        pub(super) fn start() -> Self {
            Self { settings: Arc::default(), changes: channel(16).0 }
        }

        /// A setting, if it is there.
        pub(super) async fn read(&self, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
            tokio::task::yield_now().await; // the way to the server
            if name.starts_with(b"secret/") {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            Ok(self.lock().get(name).cloned())
        }

        /// All settings whose names are from `start` on and before `end`, if there is an end.
        pub(super) async fn list(
            &self,
            start: &[u8],
            end: Option<&[u8]>,
        ) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
            tokio::task::yield_now().await;
            if start.starts_with(b"secret/") {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            let settings = self.lock();
            let is_meant = |name: &[u8]| name >= start && end.is_none_or(|end| name < end);
            let meant = settings.iter().filter(|(name, _)| is_meant(name));
            Ok(meant.map(|(name, value)| (name.clone(), value.clone())).collect())
        }

        /// The names of settings that change from now on. A receiver that is too slow loses some, and is told so.
        pub(super) fn changes(&self) -> Receiver<Vec<u8>> {
            self.changes.subscribe()
        }

        pub(super) fn write(&self, name: &str, value: impl Into<Vec<u8>>) {
            self.lock().insert(name.into(), value.into());
            _ = self.changes.send(name.into()); // nobody may be there to hear it
        }

        pub(super) fn remove(&self, name: &str) {
            self.lock().remove(name.as_bytes());
            _ = self.changes.send(name.into());
        }

        fn lock(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Vec<u8>>> {
            self.settings.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
// docs: end

// docs: backend
use std::collections::HashMap;

use event_core::upstream::{KeyId, Publisher, Requests, Upstream};
use event_core::{Bytes, Cause, CauseKind, Error, Health, HealthState, KeyRange};
use server::Server;
use tokio::sync::broadcast::error::RecvError;

/// The settings of a server as a store.
fn settings(server: Server) -> Upstream {
    let (upstream, publisher) = Upstream::new();
    let (names, ranges) = (HashMap::new(), HashMap::new());
    let driver = Driver { server, publisher, names, ranges, reads: 0 };
    tokio::spawn(driver.run()); // it ends with the upstream
    upstream
}

/// The one task of a store.
struct Driver {
    server: Server,
    publisher: Publisher,
    /// The keys that are watched.
    names: HashMap<KeyId, Bytes>,
    /// The maps that are watched.
    ranges: HashMap<KeyId, KeyRange>,
    reads: i64,
}

impl Driver {
    async fn run(mut self) {
        // Before the first read: what changes after a read is then never missed.
        let mut changes = self.server.changes();
        self.publisher.set_health(Health::new(HealthState::Live).with_source("the server"));
        loop {
            tokio::select! {
                requests = self.publisher.next() => match requests {
                    Some(requests) => self.handle(requests).await,
                    None => return, // the last handle, value and watcher is gone
                },
                change = changes.recv() => match change {
                    Ok(name) => {
                        self.read_all(|other| *other == name, |range| range.contains(&name)).await;
                    }
                    Err(RecvError::Lagged(_)) => {
                        self.read_all(|_| true, |_| true).await; // some were lost: which?
                    }
                    Err(RecvError::Closed) => return, // watchers get the end
                },
            }
        }
    }

    async fn handle(&mut self, requests: Requests) {
        for id in requests.stopped {
            self.names.remove(&id);
            self.ranges.remove(&id);
        }
        for (key, name) in requests.started {
            self.names.insert(key, name.clone());
            _ = self.read(key, &name).await; // the health says why
        }
        for (map, range) in requests.started_maps {
            self.ranges.insert(map, range.clone());
            _ = self.list(map, &range).await;
        }
        for (id, ticket) in requests.refreshes {
            let result = match (self.names.get(&id).cloned(), self.ranges.get(&id).cloned()) {
                (Some(name), _) => self.read(id, &name).await,
                (None, Some(range)) => self.list(id, &range).await,
                (None, None) => continue,
            };
            self.publisher.refreshed(id, ticket, &result);
        }
    }

    async fn read_all(
        &mut self,
        is_key: impl Fn(&Bytes) -> bool,
        is_range: impl Fn(&KeyRange) -> bool,
    ) {
        let names = self.names.iter().filter(|(_, name)| is_key(name));
        let names: Vec<_> = names.map(|(key, name)| (*key, name.clone())).collect();
        for (key, name) in names {
            _ = self.read(key, &name).await;
        }
        let ranges = self.ranges.iter().filter(|(_, range)| is_range(range));
        let ranges: Vec<_> = ranges.map(|(map, range)| (*map, range.clone())).collect();
        for (map, range) in ranges {
            _ = self.list(map, &range).await;
        }
    }

    /// Reads a key, and publishes what differs.
    async fn read(&mut self, key: KeyId, name: &Bytes) -> Result<(), Error> {
        match self.server.read(name).await {
            Ok(value) => {
                self.reads += 1; // this server has no revisions
                self.publisher.found(key, name, value.map(Bytes::from), self.reads);
                self.publisher.accept(key);
                Ok(())
            }
            Err(error) => self.refuse(key, &error),
        }
    }

    /// Lists a range, and publishes what differs as one step.
    async fn list(&mut self, map: KeyId, range: &KeyRange) -> Result<(), Error> {
        match self.server.list(range.start(), range.end().map(|end| &end[..])).await {
            Ok(settings) => {
                self.reads += 1;
                let settings = settings.into_iter();
                let settings =
                    settings.map(|(name, value)| (name.into(), value.into(), self.reads));
                self.publisher.found_all(map, settings.collect());
                self.publisher.accept(map);
                Ok(())
            }
            Err(error) => self.refuse(map, &error),
        }
    }

    fn refuse(&self, id: KeyId, error: &std::io::Error) -> Result<(), Error> {
        let cause = Cause::new(CauseKind::PermissionDenied, error.to_string());
        let result = Err(Error::new(cause.kind().error_kind(), cause.message()));
        self.publisher.refuse(id, cause);
        result
    }
}
// docs: end

// docs: conformance
use event_codec::Parse;
use event_core::conformance::{LawFuture, Subject};
use event_core::{ReaderExt, Store, StoreExt, ValueReader};

/// What the suite drives: a setting that holds a number.
struct Number {
    server: Server,
    store: Upstream,
}

impl Subject for Number {
    async fn set(&mut self, version: u64) {
        self.write(version).await;
        self.store.value("number").refresh().await.unwrap();
    }

    async fn write(&mut self, version: u64) {
        self.server.write("number", version.to_string());
    }

    async fn spoil(&mut self) -> bool {
        self.server.write("number", "not a number");
        self.store.value("number").refresh().await.unwrap();
        true
    }

    async fn end(&mut self) -> bool {
        self.store.close();
        true
    }

    async fn held(&mut self) -> usize {
        self.store.watched_keys()
    }
}

fn on_tokio(law: LawFuture) {
    tokio::runtime::Runtime::new().unwrap().block_on(law);
}

event_core::conformance_tests!(
    a_setting,
    async || {
        let server = Server::start();
        let store = settings(server.clone());
        let number = (&store as &dyn Store).value("number").decode(Parse::<u64>::new());
        (number, Number { server, store })
    },
    block_on = on_tokio,
);
// docs: end

use event_core::{MapReader, MapWatcherExt};

#[tokio::test]
async fn a_setting_that_cant_be_read_is_named_by_its_health_and_by_a_refresh() {
    let store = settings(Server::start());
    let secret = store.value("secret/key");
    let _watcher = secret.watch();
    let health = secret.health().filter(|health| health.state == HealthState::Stalled);
    let cause = health.get().await.unwrap().cause.unwrap();
    assert_eq!(
        (cause.kind(), cause.key()),
        (CauseKind::PermissionDenied, Some(&b"secret/key"[..]))
    );
    let error = secret.refresh().await.unwrap_err();
    assert_eq!(error.to_string(), "key `secret/key`: permission denied");
    assert_eq!(error.kind(), event_core::ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn changes_that_were_lost_are_read_again() {
    let server = Server::start();
    let store = settings(server.clone());
    let mut number = store.value("number").decode(Parse::<u64>::new()).watch();
    server.write("number", "0");
    assert_eq!(event_core::WatcherExt::get(&mut number).await.unwrap(), 0);
    server.write("number", "1");
    (0..100).for_each(|other| server.write(&format!("other/{other}"), "")); // more than it keeps
    assert_eq!(event_core::WatcherExt::get(&mut number).await.unwrap(), 1);
}

#[tokio::test]
async fn settings_under_a_path_are_a_map_that_misses_no_delete() {
    let server = Server::start();
    server.write("a/1", "x");
    server.write("a/2", "x");
    server.write("b", "x");
    let store = settings(server.clone());
    let a = event_core::StoreExt::map(&store as &dyn Store, "a");
    let mut watcher = a.watch();
    watcher.wait_until_synced().await.unwrap();
    (0..100).for_each(|other| server.write(&format!("other/{other}"), "")); // more than it keeps
    server.remove("a/1");
    server.write("a/2", "y");
    let mut changes = Vec::new();
    while changes.len() < 2 {
        changes.extend(watcher.changes().await.unwrap());
    }
    let keys: Vec<_> = changes.iter().map(|change| change.key().unwrap().clone()).collect();
    assert!(keys.contains(&"1".into()) && keys.contains(&"2".into()), "{changes:?}");
    let secret = event_core::StoreExt::map(&store as &dyn Store, "secret");
    let error = secret.refresh().await.unwrap_err();
    assert_eq!(error.to_string(), "key `secret/`: permission denied");
}

#[test]
fn the_page_shows_this_code() {
    let source = include_str!("writing_a_backend.rs");
    let page = include_str!("../../docs/writing-a-backend.md");
    shown::assert_shown(page, source, 3);
}
