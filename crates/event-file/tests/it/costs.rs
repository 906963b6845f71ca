//! What a store holds, and what it does while nothing changes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use event_core::{ValueReader, Watcher, WatcherExt};
use event_file::{FileStore, Options};

use crate::support::{
    BOUND, Next, Place, all_inotify_watches, eventually, in_a_child, is_child, soon,
};

/// These tests count what the process has, so each has a process of its own.
fn alone(name: &str) -> bool {
    if !is_child() {
        in_a_child(&["env"], name);
        return true;
    }
    false
}

/// The threads of this process that a store has started, by the names that the system keeps.
fn threads() -> Vec<(String, String)> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let named = tasks.filter_map(|task| {
        let name = fs::read_to_string(task.join("comm")).ok()?.trim().to_owned();
        let id = task.file_name()?.to_str()?.to_owned();
        (name == "event-file" || name.starts_with("notify-rs")).then_some((name, id))
    });
    named.collect()
}

#[test]
fn ten_thousand_files_of_one_directory_are_one_watch() {
    if alone("costs::ten_thousand_files_of_one_directory_are_one_watch") {
        return;
    }
    let place = Place::new();
    for key in 0..10_000 {
        fs::write(place.path(&key.to_string()), key.to_string()).unwrap();
    }
    let begun = Instant::now();
    let mut watchers: Vec<_> = (0..10_000).map(|key| place.watch(&key.to_string())).collect();
    for (key, watcher) in watchers.iter_mut().enumerate() {
        watcher.is(&key.to_string());
    }
    println!("10,000 files were read in {:?}", begun.elapsed());
    assert_eq!(all_inotify_watches(), 1);
    for key in [0, 5_000, 9_999] {
        place.put(&key.to_string(), "changed");
        watchers[key].is("changed");
    }
    let begun = Instant::now();
    drop(watchers);
    eventually("nothing is watched", || all_inotify_watches() == 0);
    println!("and given up in {:?}", begun.elapsed());
}

#[test]
fn the_threads_end_with_the_store() {
    if alone("costs::the_threads_end_with_the_store") {
        return;
    }
    let place = Place::new();
    let value = place.store.value("key");
    let mut watcher = value.watch();
    watcher.is_missing();
    assert_eq!((threads().len(), all_inotify_watches()), (2, 1));
    drop(watcher);
    eventually("the thread of notify ends with the last watcher", || threads().len() == 1);
    assert_eq!(all_inotify_watches(), 0);
    let watcher = value.watch();
    drop((place, value));
    eventually("a watcher keeps the store", || threads().len() == 2);
    drop(watcher);
    eventually("all threads end", || threads().is_empty());

    let temp = tempfile::tempdir().unwrap();
    let store = FileStore::open(temp.path(), Options::new()).unwrap();
    let mut watcher = store.value("key").watch();
    watcher.is_missing();
    store.close();
    assert!(soon(watcher.get()).unwrap_err().is_closed());
    eventually("all threads end when the store is closed", || threads().is_empty());
    assert_eq!(all_inotify_watches(), 0);
}

/// How long the threads of stores have run, by the system's accounts in nanoseconds, and how often they were switched to.
fn work() -> (u64, u64) {
    let accounts = threads().into_iter().map(|(_, id)| {
        let text = fs::read_to_string(format!("/proc/self/task/{id}/schedstat")).unwrap();
        let mut numbers = text.split_whitespace().map(|number| number.parse::<u64>().unwrap());
        (numbers.next().unwrap(), numbers.nth(1).unwrap())
    });
    accounts.fold((0, 0), |(time, switches), (more, others)| (time + more, switches + others))
}

#[test]
fn while_nothing_changes_it_does_nothing() {
    if alone("costs::while_nothing_changes_it_does_nothing") {
        return;
    }
    let place = Place::new();
    let mut watchers: Vec<_> = (0..1000).map(|key| place.watch(&key.to_string())).collect();
    watchers.iter_mut().for_each(Next::is_missing);
    until_it_rests(|| work().1);
    let before = work();
    thread::sleep(Duration::from_secs(6)); // one check of the directories
    let after = work();
    let (time, switches) = (after.0 - before.0, after.1 - before.1);
    println!("{time} ns and {switches} switches in 6 s");
    // On a busy machine, waking up costs more. What works all the time takes seconds.
    assert!(time < 50_000_000, "{time} ns in 6 s");
    assert!(switches <= 20, "{switches} in 6 s");
}

#[test]
fn changes_of_other_files_do_not_wake_the_store() {
    if alone("costs::changes_of_other_files_do_not_wake_the_store") {
        return;
    }
    let place = Place::new();
    place.watch("key").is_missing();
    let mut watcher = place.watch("key");
    watcher.is_missing();
    let of_store = || {
        let (_, id) = threads().into_iter().find(|(name, _)| name == "event-file").unwrap();
        let status = fs::read_to_string(format!("/proc/self/task/{id}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    until_it_rests(of_store);
    let before = of_store();
    for other in 0..1000 {
        place.put("other", &other.to_string());
    }
    assert!(of_store() - before <= 2);
}

/// Waits until what is under way has ended: so long no thread was woken.
fn until_it_rests(switches: impl Fn() -> u64) {
    for _ in 0..100 {
        let before = switches();
        thread::sleep(Duration::from_millis(500));
        if switches() == before {
            return;
        }
    }
    panic!("it does not rest");
}

struct Panicking;

impl Wake for Panicking {
    fn wake(self: Arc<Self>) {
        panic!("a waker of the program panics, as the test wants");
    }
}

#[test]
fn a_waker_that_panics_ends_the_store_and_its_threads() {
    if alone("costs::a_waker_that_panics_ends_the_store_and_its_threads") {
        return;
    }
    for _ in 0..5 {
        let place = Place::new();
        let (mut watcher, mut other) = (place.watch("key"), place.watch("key"));
        watcher.is_missing();
        other.is_missing();
        let waker = Waker::from(Arc::new(Panicking));
        assert!(watcher.poll_get(&mut Context::from_waker(&waker)).is_pending());
        thread::sleep(Duration::from_millis(20)); // then the thread of notify wakes it
        place.put("key", "a version");
        while soon(other.get()).is_ok() {}
        eventually("all threads end", || threads().is_empty());
    }
}

/// What this process has read so far, in bytes.
fn read_so_far() -> u64 {
    let text = fs::read_to_string("/proc/self/io").unwrap();
    text.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

#[test]
fn new_permissions_of_a_directory_read_no_file_that_looks_as_before() {
    if alone("costs::new_permissions_of_a_directory_read_no_file_that_looks_as_before") {
        return;
    }
    let place = Place::new();
    let mut watchers = Vec::new();
    for key in 0..4 {
        let name = format!("large-{key}");
        place.write(&name, &"x".repeat(1 << 20));
        let mut watcher = place.watch(&name);
        soon(watcher.get()).unwrap();
        watchers.push(watcher);
    }
    let mut last = place.watch("last");
    last.is_missing();
    // As long as two versions may look the same, it reads.
    let end = Instant::now() + BOUND;
    for round in 0.. {
        assert!(Instant::now() < end, "it reads them each time");
        let before = read_so_far();
        let mode = if round % 2 == 0 { 0o700 } else { 0o750 };
        fs::set_permissions(place.dir(), fs::Permissions::from_mode(mode)).unwrap();
        // It is looked at after those.
        place.put("last", &round.to_string());
        last.until(&round.to_string());
        if read_so_far() - before < 1 << 20 {
            return;
        }
    }
}
