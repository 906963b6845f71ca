//! Every way in which a file changes, vanishes and comes back.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use event_codec::{DecoderExt, Utf8};
use event_core::{CauseKind, ErrorKind, HealthState, ReaderExt, ValueReader, WatcherExt};
use event_file::Options;

use crate::support::{BOUND, HealthExt, Next, Place, inotify_watches, put, soon, within};

#[test]
fn a_file_that_is_renamed_into_place_arrives_at_once() {
    // If it waited until the file settles, this test would take a minute for each version.
    let place = Place::with(Options::new().settle(Duration::from_secs(60)));
    let begun = Instant::now();
    let mut watcher = place.watch("key");
    watcher.is_missing();
    for version in 0..10 {
        place.put("key", &version.to_string());
        watcher.is(&version.to_string());
    }
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_file_that_its_writer_has_closed_arrives_at_once() {
    let place = Place::with(Options::new().settle(Duration::from_secs(60)));
    let mut watcher = place.watch("key");
    watcher.is_missing();
    for version in 0..10 {
        place.write("key", &version.to_string());
        watcher.is(&version.to_string());
    }
}

#[test]
fn a_file_that_its_writer_keeps_open_arrives_when_it_has_settled() {
    let place = Place::new();
    let mut watcher = place.watch("log");
    watcher.is_missing();
    let mut file = File::create(place.path("log")).unwrap();
    file.write_all(b"one").unwrap();
    watcher.until("one");
    file.write_all(b" two").unwrap();
    watcher.until("one two");
}

#[test]
fn a_file_that_is_written_without_end_arrives_within_a_bounded_time() {
    let place = Place::new();
    let mut watcher = place.watch("log");
    watcher.is_missing();
    let mut file = File::create(place.path("log")).unwrap();
    let (begun, mut taken) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(2) {
        file.write_all(b"line\n").unwrap();
        thread::sleep(Duration::from_millis(1));
        taken += usize::from(watcher.try_get().is_some());
    }
    assert!((2..=20).contains(&taken), "{taken} in 2 s");
}

#[test]
fn a_refresh_of_a_file_that_is_written_without_end_completes() {
    let place = Place::with(Options::new().settle(Duration::from_millis(4)));
    let path = place.path("log");
    let mut watcher = place.watch("log");
    watcher.is_missing();
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = File::create(&path).unwrap();
            file.write_all(&vec![b'-'; 4 << 20]).unwrap(); // to read it takes longer than to write again
            while !is_done.load(Ordering::Relaxed) {
                file.write_all(b"line").unwrap();
            }
        });
        for _ in 0..5 {
            let refreshed = within(BOUND, place.store.value("log").refresh());
            is_done.fetch_or(refreshed.is_none(), Ordering::Relaxed);
            refreshed.expect("it completes").unwrap();
        }
        is_done.store(true, Ordering::Relaxed);
    });
    drop(watcher);
}

#[test]
fn a_file_that_is_emptied_and_then_written_is_not_seen_empty() {
    let place = Place::new();
    place.put("key", "before");
    let mut watcher = place.watch("key");
    watcher.is("before");
    for version in 0..20 {
        let mut file =
            OpenOptions::new().write(true).truncate(true).open(place.path("key")).unwrap();
        thread::sleep(Duration::from_millis(2));
        file.write_all(version.to_string().as_bytes()).unwrap();
        drop(file);
        watcher.is(&version.to_string());
    }
}

#[test]
fn an_empty_file_is_a_version() {
    let place = Place::new();
    place.put("key", "before");
    let mut watcher = place.watch("key");
    watcher.is("before");
    File::create(place.path("key")).unwrap();
    watcher.is("");
}

#[test]
fn a_file_appears_vanishes_and_comes_back() {
    let place = Place::new();
    let reader = place.store.value("key").decode(Utf8.optional());
    let mut watcher = reader.watch();
    assert_eq!(soon(watcher.get()).unwrap(), None);
    for _ in 0..3 {
        place.put("key", "there");
        assert_eq!(soon(watcher.get()).unwrap().as_deref(), Some("there"));
        fs::remove_file(place.path("key")).unwrap();
        assert_eq!(soon(watcher.get()).unwrap(), None);
    }
    let mut watcher = place.store.value("key").decode(Utf8).watch();
    assert_eq!(soon(watcher.get()).unwrap_err().kind(), ErrorKind::Deleted);
}

#[test]
fn an_editor_that_moves_the_old_file_away_first_deletes_nothing() {
    let place = Place::new();
    place.put("key", "0");
    let mut watcher = place.watch("key");
    watcher.is("0");
    for version in 1..10 {
        fs::rename(place.path("key"), place.path("key~")).unwrap();
        place.write("key", &version.to_string());
        watcher.is(&version.to_string());
    }
}

#[test]
fn bytes_that_are_the_same_are_no_version() {
    let place = Place::new();
    place.put("key", "same");
    let mut watcher = place.watch("key");
    watcher.is("same");
    place.put("key", "same");
    place.write("key", "same");
    watcher.rests(Duration::from_millis(200));
}

#[test]
fn revisions_grow_with_each_version_of_the_store() {
    let place = Place::new();
    let (mut one, mut two) = (place.watch("one"), place.watch("two"));
    let mut last = 0;
    for version in 0..5 {
        for (name, watcher) in [("one", &mut one), ("two", &mut two)] {
            place.put(name, &version.to_string());
            watcher.until(&version.to_string());
            let entry = soon(place.store.value(name).get()).unwrap();
            assert!(entry.revision().unwrap() > last, "{entry:?} after {last}");
            last = entry.revision().unwrap();
        }
    }
}

/// What Kubernetes does to a volume: a new folder with all files, and a swap of the link to it.
fn swap_config_map(dir: &Path, generation: u32, text: &str) {
    let folder = format!("..2024_{generation}");
    fs::create_dir(dir.join(&folder)).unwrap();
    fs::write(dir.join(&folder).join("key"), text).unwrap();
    fs::write(dir.join(&folder).join("other"), text).unwrap();
    let before = fs::read_link(dir.join("..data"));
    symlink(&folder, dir.join("..data_tmp")).unwrap();
    fs::rename(dir.join("..data_tmp"), dir.join("..data")).unwrap();
    for name in ["key", "other"] {
        if fs::symlink_metadata(dir.join(name)).is_err() {
            symlink(format!("..data/{name}"), dir.join(name)).unwrap();
        }
    }
    if let Ok(before) = before {
        fs::remove_dir_all(dir.join(before)).unwrap();
    }
}

#[test]
fn the_swap_of_a_config_map_is_one_version() {
    // A swap does not wait until the files have settled.
    let place = Place::with(Options::new().settle(Duration::from_secs(2)));
    let dir = place.dir();
    swap_config_map(&dir, 0, "0");
    let (mut key, mut other) = (place.watch("key"), place.watch("other"));
    key.is("0");
    other.is("0");
    let begun = Instant::now();
    for generation in 1..20 {
        swap_config_map(&dir, generation, &generation.to_string());
        key.is(&generation.to_string());
        other.is(&generation.to_string());
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let old =
        (0..19).filter(|generation| inotify_watches(&dir.join(format!("..2024_{generation}"))) > 0);
    assert_eq!(old.count(), 0, "what was removed is not watched");
    assert_eq!((inotify_watches(&dir), inotify_watches(&dir.join("..2024_19"))), (1, 1));
}

#[test]
fn a_config_map_may_come_after_its_watcher() {
    let place = Place::new();
    let mut key = place.watch("key");
    key.is_missing();
    swap_config_map(&place.dir(), 0, "0");
    key.is("0");
}

#[test]
fn a_swap_of_a_link_on_the_way_to_the_directory_is_a_version_of_all_files() {
    let place = Place::new();
    let release = |name: &str| {
        fs::create_dir_all(place.outside(name).join("config")).unwrap();
        fs::write(place.outside(name).join("config/key"), name).unwrap();
    };
    release("one");
    release("two");
    let current = place.outside("current");
    symlink("one", &current).unwrap();
    let store = event_file::FileStore::open(current.join("config"), Options::new()).unwrap();
    let mut watcher = store.value("key").watch();
    watcher.is("one");
    symlink("two", place.outside("next")).unwrap();
    fs::rename(place.outside("next"), &current).unwrap();
    watcher.is("two");
    put(&place.outside("two/config/key"), "three");
    watcher.is("three");
}

#[test]
fn folders_that_a_key_is_in_may_appear_and_be_replaced() {
    let place = Place::new();
    let mut watcher = place.watch("a/b/key");
    watcher.is_missing();
    fs::create_dir(place.path("a")).unwrap();
    fs::create_dir(place.path("a/b")).unwrap();
    fs::write(place.path("a/b/key"), "1").unwrap();
    watcher.until("1");
    fs::rename(place.path("a/b"), place.path("a/old")).unwrap();
    watcher.is_missing();
    fs::create_dir(place.path("a/b")).unwrap();
    fs::write(place.path("a/b/key"), "2").unwrap();
    watcher.until("2");
    fs::remove_dir_all(place.path("a")).unwrap();
    watcher.is_missing();
    fs::write(place.path("a"), "a file and no folder").unwrap();
    fs::remove_file(place.path("a")).unwrap();
    fs::create_dir_all(place.path("a/b")).unwrap();
    fs::write(place.path("a/b/key"), "3").unwrap();
    watcher.until("3");
}

#[test]
fn a_folder_further_up_that_is_replaced_is_noticed() {
    let place = Place::new();
    fs::create_dir_all(place.path("a/b/c")).unwrap();
    fs::write(place.path("a/b/c/key"), "1").unwrap();
    let mut watcher = place.watch("a/b/c/key");
    watcher.is("1");
    fs::create_dir_all(place.path("new/b/c")).unwrap();
    fs::write(place.path("new/b/c/key"), "2").unwrap();
    fs::rename(place.path("a"), place.path("old")).unwrap();
    fs::rename(place.path("new"), place.path("a")).unwrap();
    watcher.is("2");
}

#[test]
fn a_directory_that_is_deleted_is_a_stall_and_no_deletion_of_its_files() {
    let place = Place::new();
    place.put("key", "before");
    let mut watcher = place.watch("key");
    watcher.is("before");
    let since = place.store.health().until_live().since;
    fs::remove_dir_all(place.dir()).unwrap();
    let cause = place.store.health().until_stalled(CauseKind::Unreachable);
    assert!(cause.message().contains("does not exist"), "{cause}");
    assert_eq!(cause.key(), None);
    let of_key = place.store.value("key").health().until_stalled(CauseKind::Unreachable);
    assert_eq!(of_key, cause);
    watcher.rests(Duration::from_millis(100));
    fs::create_dir(place.dir()).unwrap();
    place.put("key", "after");
    watcher.until("after");
    assert!(place.store.health().until_live().since > since);
}

#[test]
fn a_directory_that_is_there_again_without_a_file_has_deleted_it() {
    let place = Place::new();
    place.put("key", "before");
    let mut watcher = place.watch("key");
    watcher.is("before");
    fs::remove_dir_all(place.dir()).unwrap();
    place.store.health().until_stalled(CauseKind::Unreachable);
    fs::create_dir(place.dir()).unwrap();
    watcher.is_missing();
}

#[test]
fn a_directory_that_is_replaced_by_a_rename_is_read_anew() {
    let place = Place::new();
    place.put("key", "0");
    let mut watcher = place.watch("key");
    watcher.is("0");
    for version in 1..5 {
        let text = version.to_string();
        fs::create_dir(place.outside("new")).unwrap();
        fs::write(place.outside("new/key"), &text).unwrap();
        fs::rename(place.dir(), place.outside(&format!("old-{text}"))).unwrap();
        fs::rename(place.outside("new"), place.dir()).unwrap();
        watcher.is(&text);
        place.put("key", &format!("{text}, again"));
        watcher.is(&format!("{text}, again"));
    }
    place.store.health().until_live();
}

#[test]
fn a_directory_may_come_after_the_store() {
    let place = Place::new();
    let store = event_file::FileStore::open(place.outside("a/b/c"), Options::new()).unwrap();
    let mut watcher = store.value("key").watch();
    store.health().until_stalled(CauseKind::Unreachable);
    fs::create_dir_all(place.outside("a/b/c")).unwrap();
    put(&place.outside("a/b/c/key"), "there");
    watcher.until("there");
    store.health().until_live();
}

#[test]
fn a_refresh_waits_while_the_directory_is_gone_and_then_reads() {
    let place = Place::new();
    place.put("key", "before");
    let mut watcher = place.watch("key");
    watcher.is("before");
    fs::remove_dir_all(place.dir()).unwrap();
    place.store.health().until_stalled(CauseKind::Unreachable);
    let mut refresh = Box::pin(place.store.value("key").refresh());
    assert!(within(Duration::from_millis(100), &mut refresh).is_none());
    fs::create_dir(place.dir()).unwrap();
    place.put("key", "after");
    soon(refresh).unwrap();
    watcher.until("after");
}

#[test]
fn a_single_file_may_be_a_link_that_leads_anywhere() {
    let place = Place::new();
    fs::write(place.outside("target"), "1").unwrap();
    symlink("../target", place.path("link")).unwrap();
    let value = event_file::file(place.path("link"), Options::new()).unwrap();
    let mut watcher = value.watch();
    watcher.is("1");
    put(&place.outside("target"), "2");
    watcher.is("2");
    symlink("../other", place.path("next")).unwrap();
    fs::write(place.outside("other"), "3").unwrap();
    fs::rename(place.path("next"), place.path("link")).unwrap();
    watcher.until("3");
    assert_eq!(soon(value.get()).unwrap().key, "link");
    assert_eq!(value.health().until_live().state, HealthState::Live);
}

/// The directory and the link in its place are one directory, which is watched by a new path.
#[test]
fn a_directory_that_becomes_a_link_to_itself_is_followed() {
    for _ in 0..10 {
        let place = Place::new();
        fs::create_dir(place.path("app")).unwrap();
        place.write("app/c", "0");
        let mut watcher = place.watch("app/c");
        watcher.is("0");
        fs::rename(place.path("app"), place.path("app-1")).unwrap();
        symlink("app-1", place.path("app")).unwrap();
        for version in 1..4 {
            place.put("app/c", &version.to_string());
            let quick = Duration::from_secs(2);
            let entry = within(quick, watcher.get()).expect("it is notified").unwrap();
            assert_eq!(entry.value().unwrap(), &*version.to_string());
        }
        place.store.health().until_live();
    }
}

/// The system notifies of the name by which a file was opened.
#[test]
fn a_file_that_is_written_by_another_hard_link_arrives_with_the_next_check() {
    let place = Place::new();
    place.write("key", "0");
    fs::hard_link(place.path("key"), place.outside("other")).unwrap();
    let mut watcher = place.watch("key");
    watcher.is("0");
    for version in 1..3 {
        fs::write(place.outside("other"), version.to_string()).unwrap();
        watcher.until(&version.to_string());
    }
}

#[test]
fn what_follows_a_file_in_a_link_leads_nowhere() {
    let place = Place::new();
    place.write("file", "text");
    fs::create_dir(place.path("dir")).unwrap();
    place.write("dir/file", "in a folder");
    for (name, target) in [("a", "file/"), ("b", "file/."), ("c", "file/../file"), ("d", "file//")]
    {
        symlink(target, place.path(name)).unwrap();
        let error = fs::read(place.path(name)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotADirectory, "{target}");
        place.watch(name).is_missing();
    }
    symlink("dir/", place.path("e")).unwrap();
    symlink("e/./file", place.path("f")).unwrap();
    for name in ["e/file", "f"] {
        place.watch(name).is("in a folder");
    }
}
