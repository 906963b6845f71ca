//! Directories as maps: every way in which their files come, change and go.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use event_core::conformance::maps::MapSubject;
use event_core::{
    BoxMapWatcher, Bytes, CauseKind, Change, Entry, ErrorKind, HealthState, KeyRange, MapReader,
    MapReaderExt, MapWatcherExt, ReaderExt, Store, StoreExt, ValueReader, WatcherExt,
};
use event_file::{FileStore, Options};
use tempfile::TempDir;

use crate::keys::{as_nobody, set_mode};
use crate::notifications::{MAY_MOUNT, may_mount, program};
use crate::support::{
    BOUND, Next, Place, eventually, in_a_child, inotify_watches, is_child, put, soon, within,
};

/// A folder of numbers, which is swapped as a whole: so several files change at once.
struct Numbers {
    dir: TempDir,
    store: FileStore,
    texts: BTreeMap<u64, String>,
    generation: u32,
}

impl Numbers {
    fn new(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::open(dir.path(), options).unwrap();
        let this = Self { dir, store, texts: BTreeMap::new(), generation: 0 };
        this.swap();
        this
    }

    fn swap(&self) {
        let path = |name: &str| self.dir.path().join(name);
        let folder = format!("..{}", self.generation);
        fs::create_dir(path(&folder)).unwrap();
        for (number, text) in &self.texts {
            fs::write(path(&folder).join(number.to_string()), text).unwrap();
        }
        symlink(&folder, path("..tmp")).unwrap();
        fs::rename(path("..tmp"), path("map")).unwrap();
    }

    async fn publish(&mut self) {
        self.generation += 1;
        self.swap();
        self.store.map("map").refresh().await.unwrap();
    }
}

impl MapSubject for Numbers {
    type Key = Bytes;

    fn key(&self, number: u64) -> Bytes {
        number.to_string().into()
    }

    async fn apply(&mut self, changes: &[(u64, Option<u64>)]) {
        for (number, version) in changes {
            match version {
                Some(version) => self.texts.insert(*number, version.to_string()),
                None => self.texts.remove(number),
            };
        }
        self.publish().await;
    }

    async fn sync(&mut self) -> bool {
        false
    }

    async fn spoil(&mut self, key: u64) -> bool {
        self.texts.insert(key, "not a number".to_owned());
        self.publish().await;
        true
    }

    async fn end(&mut self) -> bool {
        self.store.close();
        true
    }

    async fn held(&mut self) -> usize {
        inotify_watches(self.dir.path())
    }
}

fn number(bytes: &[u8]) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
    Ok(std::str::from_utf8(bytes)?.parse()?)
}

event_core::map_conformance_tests!(
    a_folder,
    || {
        let numbers = Numbers::new(Options::new().settle(Duration::from_millis(5)));
        (numbers.store.map("map").decode(number), numbers)
    },
    timeout = Duration::from_secs(120),
);

event_core::map_conformance_tests!(
    a_folder_that_is_polled,
    || {
        let polls = Options::new().only_poll().poll_interval(Duration::from_millis(10));
        let numbers = Numbers::new(polls.settle(Duration::from_millis(5)));
        (numbers.store.map("map").decode(number), numbers)
    },
    timeout = Duration::from_secs(120),
);

/// A watcher, and what it has taken.
struct Table {
    watcher: BoxMapWatcher<Bytes, Entry>,
    files: BTreeMap<String, String>,
}

impl Table {
    fn of(store: &dyn Store, range: KeyRange) -> Self {
        Self { watcher: store.range(range).watch(), files: BTreeMap::new() }
    }

    fn synced(store: &dyn Store, range: KeyRange) -> Self {
        let mut table = Self::of(store, range);
        while !table.step().iter().any(Change::is_synced) {}
        table
    }

    /// Takes the next step.
    #[track_caller]
    fn step(&mut self) -> Vec<Change<Bytes, Entry>> {
        let changes = soon(self.watcher.changes()).unwrap();
        self.take(&changes);
        changes
    }

    fn take(&mut self, changes: &[Change<Bytes, Entry>]) {
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        for change in changes {
            match change {
                Change::Put { key, value } => {
                    self.files.insert(text(key), text(value.value().unwrap()));
                }
                Change::Delete { key } => drop(self.files.remove(&text(key))),
                Change::Failed { key, error } => {
                    self.files.insert(text(key), format!("{:?}", error.kind()));
                }
                _ => {}
            }
        }
    }

    /// Takes steps until it has these files.
    #[track_caller]
    fn until(&mut self, files: &[(&str, &str)]) {
        let end = Instant::now() + BOUND;
        while !self.is(files) {
            assert!(Instant::now() < end, "it stays {:?}", self.files);
            self.step();
        }
    }

    fn is(&self, files: &[(&str, &str)]) -> bool {
        let files = files.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
        self.files == files.collect()
    }

    #[track_caller]
    fn rests(&mut self, time: Duration) {
        let changes = within(time, self.watcher.changes());
        assert!(changes.is_none(), "{changes:?}");
    }
}

#[test]
fn files_come_change_and_go_in_folders_that_come_and_go() {
    let place = Place::new();
    let mut all = Table::synced(&place.store, KeyRange::all());
    assert!(all.is(&[]));
    place.put("a", "1");
    all.until(&[("a", "1")]);
    fs::create_dir_all(place.path("b/c/d")).unwrap();
    place.put("b/c/d/e", "2");
    place.put("b/f", "3");
    all.until(&[("a", "1"), ("b/c/d/e", "2"), ("b/f", "3")]);
    let mut b = Table::synced(&place.store, KeyRange::folder("b"));
    assert!(b.is(&[("c/d/e", "2"), ("f", "3")]));
    let mut level = Table::synced(&place.store, KeyRange::folder("b").one_level());
    assert!(level.is(&[("f", "3")]));
    place.write("b/c/d/e", "4"); // in place
    fs::remove_file(place.path("b/f")).unwrap();
    all.until(&[("a", "1"), ("b/c/d/e", "4")]);
    b.until(&[("c/d/e", "4")]);
    level.until(&[]);
    fs::rename(place.path("b/c"), place.path("b/g")).unwrap();
    b.until(&[("g/d/e", "4")]);
    place.put("b/g/d/e", "5");
    b.until(&[("g/d/e", "5")]);
    fs::remove_dir_all(place.path("b")).unwrap();
    b.until(&[]);
    all.until(&[("a", "1")]);
    fs::create_dir(place.path("b")).unwrap();
    place.put("b/f", "6");
    b.until(&[("f", "6")]);
    level.until(&[("f", "6")]);
}

#[test]
fn the_entry_of_a_file_has_the_full_key_and_a_revision_that_grows() {
    let place = Place::new();
    fs::create_dir(place.path("a")).unwrap();
    place.put("a/b", "1");
    let app = place.store.clone().namespace("a/");
    let mut watcher = app.map("").watch();
    let Change::Put { key, value } = soon(watcher.change()).unwrap() else { panic!("a put") };
    assert_eq!((&key[..], &value.key[..]), (&b"b"[..], &b"a/b"[..]));
    let first = value.revision();
    soon(watcher.wait_until_synced()).unwrap();
    put(&place.path("a/b"), "2");
    loop {
        match soon(watcher.change()).unwrap() {
            Change::Put { key, value } if key == "b" => {
                assert!(value.revision() > first);
                return;
            }
            _ => {} // the file that is renamed
        }
    }
}

/// What Kubernetes does to a volume: a new folder with all files, and a swap of the link to it.
fn swap_config_map(dir: &Path, generation: u32, names: &[String]) {
    let folder = format!("..2024_{generation}");
    fs::create_dir(dir.join(&folder)).unwrap();
    for name in names {
        fs::write(dir.join(&folder).join(name), generation.to_string()).unwrap();
    }
    let before = fs::read_link(dir.join("..data"));
    symlink(&folder, dir.join("..data_tmp")).unwrap();
    fs::rename(dir.join("..data_tmp"), dir.join("..data")).unwrap();
    for name in names {
        if fs::symlink_metadata(dir.join(name)).is_err() {
            symlink(format!("..data/{name}"), dir.join(name)).unwrap();
        }
    }
    if let Ok(before) = before {
        fs::remove_dir_all(dir.join(before)).unwrap();
    }
}

#[test]
fn the_swap_of_a_config_map_is_one_step() {
    let place = Place::new();
    let names: Vec<_> = (0..50).map(|number| format!("key-{number}")).collect();
    let of = |generation: u32| -> BTreeMap<String, String> {
        names.iter().map(|name| (name.clone(), generation.to_string())).collect()
    };
    swap_config_map(&place.dir(), 0, &names);
    let mut table = Table::synced(&place.store, KeyRange::all());
    assert_eq!(table.files, of(0), "and nothing of `..data`");
    for generation in 1..20 {
        swap_config_map(&place.dir(), generation, &names);
        let step = table.step();
        assert_eq!(step.len(), names.len());
        assert_eq!(table.files, of(generation));
    }
    let names = [names[0].clone(), "new".to_owned()];
    for name in names.iter().chain([&"key-1".to_owned()]) {
        _ = fs::remove_file(place.path(name)); // Kubernetes removes the links of keys that are gone
    }
    swap_config_map(&place.dir(), 20, &names);
    table.until(&[("key-0", "20"), ("new", "20")]);
    let old = (0..20).map(|generation| place.path(&format!("..2024_{generation}")));
    assert!(old.into_iter().all(|path| inotify_watches(&path) == 0));
}

#[test]
fn a_file_that_a_link_leads_to_may_be_replaced_in_a_folder_that_is_no_part_of_the_map() {
    let place = Place::new();
    fs::create_dir(place.path("..1")).unwrap();
    place.put("..1/key", "0");
    symlink("..1/key", place.path("key")).unwrap();
    let mut table = Table::synced(&place.store, KeyRange::all());
    for version in 1..20 {
        thread::sleep(Duration::from_millis(5)); // so that the thread of the store sleeps
        place.put("..1/key", &version.to_string());
        table.until(&[("key", &version.to_string())]);
    }
}

#[test]
fn files_that_change_within_the_settle_time_are_one_step() {
    let place = Place::with(Options::new().settle(Duration::from_millis(500)));
    let mut table = Table::synced(&place.store, KeyRange::all());
    for name in ["a", "b", "c"] {
        place.write(name, "1");
    }
    assert_eq!(table.step().len(), 3);
    place.write("a", "2");
    fs::remove_file(place.path("b")).unwrap();
    place.write("d", "1");
    assert_eq!(table.step().len(), 3);
    assert!(table.is(&[("a", "2"), ("c", "1"), ("d", "1")]));
}

#[test]
fn an_editor_that_moves_the_old_file_away_first_deletes_nothing() {
    let place = Place::with(Options::new().settle(Duration::from_millis(500)));
    place.put("a", "1");
    let mut table = Table::synced(&place.store, KeyRange::all());
    fs::rename(place.path("a"), place.path("a~")).unwrap();
    place.write("a", "2");
    fs::remove_file(place.path("a~")).unwrap();
    let step = table.step();
    assert!(matches!(&step[..], [Change::Put { .. }]), "{step:?}");
}

#[test]
fn a_file_that_is_written_without_end_holds_up_others_for_a_bounded_time() {
    let place = Place::new();
    let mut table = Table::synced(&place.store, KeyRange::all());
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut log = File::create(place.path("log")).unwrap();
            while !is_done.load(Ordering::Relaxed) {
                log.write_all(b"line\n").unwrap();
                thread::sleep(Duration::from_millis(1));
            }
        });
        place.put("a", "1");
        let end = Instant::now() + BOUND;
        let is_there = |table: &Table| table.files.get("a").is_some_and(|text| text == "1");
        while !is_there(&table) && Instant::now() < end {
            if let Some(changes) = within(BOUND, table.watcher.changes()) {
                table.take(&changes.unwrap());
            }
        }
        let refreshed = within(BOUND, place.store.range(KeyRange::all()).refresh());
        is_done.store(true, Ordering::Relaxed);
        assert!(is_there(&table), "{:?}", table.files);
        refreshed.expect("it completes").unwrap();
    });
    let log = fs::read_to_string(place.path("log")).unwrap();
    table.until(&[("a", "1"), ("log", &log)]);
}

#[test]
fn a_file_that_cant_be_read_is_an_error_of_its_key_only() {
    let place = Place::with(Options::new().max_size(10));
    fs::write(place.outside("secret"), "secret").unwrap();
    fs::create_dir(place.outside("secrets")).unwrap();
    place.put("a", "1");
    place.put("large", "more than ten bytes");
    symlink(place.outside("secret"), place.path("out")).unwrap();
    symlink(place.outside("secrets"), place.path("folder-out")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, place.path("fifo"), 0o600.into()).unwrap();
    let mut table = Table::synced(&place.store, KeyRange::all());
    table.until(&[
        ("a", "1"),
        ("fifo", "InvalidArgument"),
        ("folder-out", "PermissionDenied"),
        ("large", "ResourceExhausted"),
        ("out", "PermissionDenied"),
    ]);
    for name in ["out", "folder-out", "fifo"] {
        fs::remove_file(place.path(name)).unwrap();
    }
    place.put("large", "small");
    table.until(&[("a", "1"), ("large", "small")]);
    let health = place.store.health_of_map("");
    assert_eq!(soon(health.get()).unwrap().state, HealthState::Live);

    let place = Place::with(Options::new().follow_links_out());
    fs::create_dir(place.outside("other")).unwrap();
    put(&place.outside("other/b"), "1");
    symlink(place.outside("other"), place.path("out")).unwrap();
    let mut table = Table::synced(&place.store, KeyRange::all());
    assert!(table.is(&[("out/b", "1")]));
    put(&place.outside("other/b"), "2");
    table.until(&[("out/b", "2")]);
}

#[test]
fn a_directory_that_is_gone_deletes_nothing_and_the_health_says_so() {
    let place = Place::new();
    fs::create_dir(place.path("a")).unwrap();
    place.put("a/b", "1");
    place.put("a/c", "1");
    let mut table = Table::synced(&place.store, KeyRange::folder("a"));
    let away = place.outside("away");
    fs::rename(place.dir(), &away).unwrap();
    let health = |state| {
        let mut watcher = place.store.health_of_map("a").watch();
        while soon(watcher.get()).unwrap().state != state {}
    };
    health(HealthState::Stalled);
    table.rests(Duration::from_millis(50));
    assert!(within(Duration::from_millis(50), place.store.map("a").refresh()).is_none());
    fs::remove_file(away.join("a/c")).unwrap();
    fs::rename(&away, place.dir()).unwrap();
    table.until(&[("b", "1")]);
    health(HealthState::Live);
    fs::remove_dir_all(place.dir()).unwrap();
    health(HealthState::Stalled);
    table.rests(Duration::from_millis(50));
    fs::create_dir(place.dir()).unwrap();
    table.until(&[]);
    fs::create_dir(place.path("a")).unwrap();
    place.put("a/b", "2");
    table.until(&[("b", "2")]);
}

#[test]
fn permission_for_a_folder_may_be_lost_and_given_back() {
    if as_nobody("maps::permission_for_a_folder_may_be_lost_and_given_back") {
        return;
    }
    let place = Place::new();
    fs::create_dir(place.path("a")).unwrap();
    place.put("a/b", "1");
    place.put("c", "1");
    let mut table = Table::synced(&place.store, KeyRange::all());
    let health = |state| {
        let mut watcher = place.store.health_of_map("").watch();
        loop {
            let health = soon(watcher.get()).unwrap();
            if health.state == state {
                return health;
            }
        }
    };
    set_mode(&place.path("a"), 0);
    let cause = health(HealthState::Stalled).cause.unwrap();
    assert_eq!(cause.kind(), CauseKind::PermissionDenied);
    let error = soon(place.store.map("").refresh()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    place.put("c", "2");
    table.until(&[("a/b", "1"), ("c", "2")]);
    let mut late = Table::of(&place.store, KeyRange::folder("a"));
    late.rests(Duration::from_millis(50));
    set_mode(&place.path("a"), 0o700);
    put(&place.path("a/b"), "2");
    table.until(&[("a/b", "2"), ("c", "2")]);
    late.until(&[("b", "2")]);
    health(HealthState::Live);
}

#[test]
fn a_folder_that_is_unmounted_deletes_nothing() {
    let name = "maps::a_folder_that_is_unmounted_deletes_nothing";
    if !is_child() {
        if may_mount() {
            in_a_child(MAY_MOUNT, name);
        }
        return;
    }
    let place = Place::new();
    fs::create_dir(place.path("sub")).unwrap();
    let folder = place.path("sub");
    let folder = folder.to_str().unwrap();
    program("mount", &["-t", "tmpfs", "none", folder]);
    place.put("sub/key", "1");
    let mut table = Table::synced(&place.store, KeyRange::all());
    assert!(table.is(&[("sub/key", "1")]));
    program("umount", &[folder]);
    let mut health = place.store.health_of_map("").watch();
    while soon(health.get()).unwrap().state != HealthState::Stalled {}
    table.rests(Duration::from_millis(50));
    program("mount", &["-t", "tmpfs", "none", folder]);
    place.put("sub/other", "2");
    table.until(&[("sub/other", "2")]);
}

#[test]
fn a_range_that_no_file_can_be_in_is_refused() {
    let place = Place::new();
    let outside = place.store.map("../");
    let _watcher = outside.watch();
    let mut health = place.store.health_of_map("../").watch();
    loop {
        let health = soon(health.get()).unwrap();
        if health.state == HealthState::Stalled {
            assert_eq!(health.cause.unwrap().kind(), CauseKind::InvalidArgument);
            break;
        }
    }
    assert_eq!(soon(outside.refresh()).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(soon(place.store.ready()).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn a_map_watches_its_folders_only_while_it_is_watched() {
    let place = Place::new();
    for folder in ["a/b", "c"] {
        fs::create_dir_all(place.path(folder)).unwrap();
    }
    place.put("a/b/d", "1");
    let watched = |name: &str| inotify_watches(&place.path(name)) > 0;
    let (one, two) = (
        Table::synced(&place.store, KeyRange::folder("a")),
        Table::synced(&place.store, KeyRange::folder("a")),
    );
    assert!(watched("a") && watched("a/b") && !watched("c"));
    drop(one);
    assert!(watched("a"));
    drop(two);
    eventually("nothing is watched", || !watched("a") && !watched("a/b") && !watched(""));
}

#[test]
fn a_store_that_only_polls_notices_every_change() {
    let polls = Options::new().only_poll().poll_interval(Duration::from_millis(20));
    let place = Place::with(polls);
    let mut table = Table::synced(&place.store, KeyRange::all());
    fs::create_dir(place.path("a")).unwrap();
    for version in 0..5 {
        place.put("a/b", &version.to_string());
        table.until(&[("a/b", &version.to_string())]);
        // The same length, and on a coarse clock the same time.
        place.write("a/b", &(9 - version).to_string());
        table.until(&[("a/b", &(9 - version).to_string())]);
    }
    fs::remove_dir_all(place.path("a")).unwrap();
    table.until(&[]);
    assert_eq!(inotify_watches(&place.dir()), 0);
}

#[test]
fn after_a_churn_of_a_thousand_files_the_map_is_the_directory() {
    let place = Place::new();
    for folder in 0..10 {
        fs::create_dir(place.path(&folder.to_string())).unwrap();
    }
    let mut table = Table::synced(&place.store, KeyRange::all());
    let path = |file: u32| format!("{}/{file}", file % 10);
    let mut random = 1_u32;
    let mut next = |below: u32| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) % below
    };
    thread::scope(|scope| {
        let churn = scope.spawn(|| {
            for change in 0..10_000 {
                let file = path(next(1000));
                match next(4) {
                    0 => drop(fs::remove_file(place.path(&file))),
                    1 => place.write(&file, &change.to_string()),
                    _ => {
                        let new = place.outside("new");
                        fs::write(&new, change.to_string()).unwrap();
                        fs::rename(new, place.path(&file)).unwrap();
                    }
                }
            }
        });
        while !churn.is_finished() {
            if let Some(changes) = within(Duration::from_millis(10), table.watcher.changes()) {
                table.take(&changes.unwrap());
            }
        }
    });
    let files: Vec<(String, String)> = (0..1000)
        .filter_map(|file| Some((path(file), fs::read_to_string(place.path(&path(file))).ok()?)))
        .collect();
    let files: Vec<_> = files.iter().map(|(key, text)| (&key[..], &text[..])).collect();
    assert!(files.len() > 500);
    table.until(&files);
    table.rests(Duration::from_millis(100));
    let snapshot = soon(place.store.map("").snapshot()).unwrap();
    assert_eq!(snapshot.len(), files.len());
}

#[test]
fn a_key_and_a_map_of_one_file_are_independent() {
    let place = Place::new();
    fs::create_dir(place.path("a")).unwrap();
    place.put("a/b", "1");
    let mut table = Table::synced(&place.store, KeyRange::folder("a"));
    let mut key = place.watch("a/b");
    key.is("1");
    put(&place.path("a/b"), "2");
    key.is("2");
    table.until(&[("b", "2")]);
    drop(table);
    put(&place.path("a/b"), "3");
    key.is("3");
}

#[test]
fn the_store_ends_with_its_last_watcher_of_a_map() {
    let place = Place::new();
    let mut watcher = place.store.map("a").watch();
    soon(watcher.wait_until_synced()).unwrap();
    place.store.close();
    assert!(soon(watcher.change()).unwrap_err().is_closed());
}

#[test]
fn a_refresh_waits_until_the_files_have_settled_and_then_all_is_one_step() {
    let place = Place::with(Options::new().settle(Duration::from_secs(1)));
    let mut table = Table::synced(&place.store, KeyRange::all());
    place.write("a", "1");
    let refresh = place.store.map("").refresh();
    let mut refresh = std::pin::pin!(refresh);
    assert!(within(Duration::from_millis(200), refresh.as_mut()).is_none(), "it is too early");
    place.write("b", "1");
    soon(refresh).unwrap();
    let step = within(Duration::ZERO, table.watcher.changes());
    assert_eq!(step.map(|step| step.unwrap().len()), Some(2));
}

/// A walk that has passed where the file goes to, and then finds that it is gone, has seen it nowhere.
#[test]
fn a_file_that_is_moved_while_folders_are_listed_is_always_in_one_of_them() {
    let settle = Duration::from_millis(20);
    let place = Place::with(Options::new().settle(settle));
    for folder in ["a", "b", "c"] {
        fs::create_dir(place.path(folder)).unwrap();
        for file in 0..1000 {
            place.write(&format!("{folder}/{file}"), "");
        }
    }
    place.write("a/moved", "");
    let mut table = Table::synced(&place.store, KeyRange::all());
    let mut from = "a";
    for round in 0..40 {
        place.write("begin", &round.to_string());
        // About when the folders are listed.
        thread::sleep(settle + Duration::from_micros(200) * round);
        let to = if from == "a" { "c" } else { "a" };
        fs::rename(place.path(&format!("{from}/moved")), place.path(&format!("{to}/moved")))
            .unwrap();
        while !table.files.contains_key(&format!("{to}/moved")) {
            table.step();
            let places = table.files.keys().filter(|key| key.ends_with("moved")).count();
            assert_eq!(places, 1, "in round {round}");
        }
        from = to;
    }
}

#[test]
fn a_map_of_the_keys_only_reads_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::create_dir(path("s")).unwrap();
    fs::write(path("s/large"), [0; 100]).unwrap();
    let options = Options::new().max_size(10).settle(Duration::from_millis(5));
    let store = FileStore::open(dir.path(), options).unwrap();
    let mut watcher = store.range(KeyRange::folder("s").keys_only()).watch();
    let mut next = || match soon(watcher.change()).unwrap() {
        Change::Put { key, value } => {
            assert!(value.value().unwrap().is_empty());
            (key, value.revision())
        }
        Change::Delete { key } => (key, None),
        Change::Synced => ("synced".into(), None),
        other => panic!("{other:?}"),
    };
    let (key, first) = next();
    assert_eq!(key, "large", "a file that is too large to be read has a name");
    assert_eq!(next().0, "synced");
    fs::write(path("s/large"), [1; 101]).unwrap();
    let (key, second) = next();
    assert!(key == "large" && second > first, "{second:?} after {first:?}");
    // Nothing is read again because it might be out of date.
    soon(store.map("s").refresh()).unwrap();
    fs::write(path("s/new"), "").unwrap();
    assert_eq!(next().0, "new");
    fs::remove_file(path("s/large")).unwrap();
    assert_eq!(next(), ("large".into(), None));
}
