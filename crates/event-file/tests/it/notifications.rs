//! Where the system does not notify: limits that are used up, file systems, and what is unmounted.

use std::fs;
use std::process::Command;
use std::time::Duration;

use event_core::{CauseKind, HealthState, ValueReader, WatcherExt};
use event_file::{FileStore, Options};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{HealthExt, Next, Place, in_a_child, inotify_watches, is_child, put, within};

#[test]
fn a_store_that_only_polls_notices_every_change() {
    let interval = Duration::from_millis(50);
    let place = Place::with(Options::new().only_poll().poll_interval(interval));
    let mut watcher = place.watch("key");
    watcher.is_missing();
    for version in 0..5 {
        place.put("key", &version.to_string());
        watcher.is(&version.to_string());
        // The same length, and on a coarse clock the same time.
        place.write("key", &format!("{}", 9 - version));
        watcher.until(&format!("{}", 9 - version));
    }
    fs::remove_file(place.path("key")).unwrap();
    watcher.is_missing();
    assert_eq!(inotify_watches(&place.dir()), 0);
    assert_eq!(place.store.health().until_live().cause, None, "the program asked for it");
    fs::remove_dir_all(place.dir()).unwrap();
    place.store.health().until_stalled(CauseKind::Unreachable);
    fs::create_dir(place.dir()).unwrap();
    place.put("key", "after");
    watcher.until("after");
}

#[test]
fn a_file_of_a_file_system_without_notifications_is_polled_and_the_health_says_so() {
    let store = FileStore::open("/proc/self", Options::new()).unwrap();
    let value = store.value("comm");
    let _watcher = value.watch();
    let health = store.health().until(|health| health.cause.is_some());
    let cause = health.cause.unwrap();
    assert_eq!((health.state, cause.kind()), (HealthState::Live, CauseKind::NoNotifications));
    assert!(cause.message().contains("every 1s: procfs"), "{cause}");
    value.health().until(|health| health.state == HealthState::Live);
}

/// In a process of its own, where no file may be opened any more but those that the test opens.
#[test]
fn without_a_file_for_inotify_it_polls_until_there_is_one() {
    if !is_child() {
        let name = "notifications::without_a_file_for_inotify_it_polls_until_there_is_one";
        return in_a_child(&["env"], name);
    }
    let place = Place::with(Options::new().poll_interval(Duration::from_millis(50)));
    place.put("key", "0");
    let before = getrlimit(Resource::Nofile);
    let free = fs::File::open("/dev/null").unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&free);
    drop(free);
    // One file at a time: enough to read and to write, and not for inotify, which needs three.
    let limit = u64::try_from(number).unwrap() + 2;
    setrlimit(Resource::Nofile, Rlimit { current: Some(limit), ..before }).unwrap();
    let mut watcher = place.watch("key");
    watcher.is("0");
    let health = place.store.health().until(|health| health.cause.is_some());
    let cause = health.cause.unwrap();
    assert_eq!((health.state, cause.kind()), (HealthState::Live, CauseKind::NoNotifications));
    assert!(cause.message().contains("limit"), "{cause}");
    place.put("key", "1");
    watcher.is("1");
    setrlimit(Resource::Nofile, before).unwrap();
    place.store.health().until_live();
    assert_eq!(inotify_watches(&place.dir()), 1);
    place.put("key", "2");
    watcher.is("2");
}

/// In a user namespace of its own, whose limit it sets.
#[test]
fn when_the_limit_of_watches_is_used_up_it_polls_until_there_is_one() {
    let name = "notifications::when_the_limit_of_watches_is_used_up_it_polls_until_there_is_one";
    if !is_child() {
        let has_namespaces =
            Command::new("unshare").args(["--user", "--map-root-user", "true"]).status();
        if !has_namespaces.is_ok_and(|status| status.success()) {
            eprintln!("not tested: no user namespace may be made here");
            return;
        }
        return in_a_child(&["unshare", "--user", "--map-root-user"], name);
    }
    let limit = "/proc/sys/user/max_inotify_watches";
    fs::write(limit, "1").unwrap();
    let place = Place::with(Options::new().poll_interval(Duration::from_millis(50)));
    fs::create_dir(place.path("a")).unwrap();
    fs::create_dir(place.path("b")).unwrap();
    let (mut a, mut b) = (place.watch("a/key"), place.watch("b/key"));
    a.is_missing();
    b.is_missing();
    let health = place.store.health().until(|health| health.cause.is_some());
    let cause = health.cause.unwrap();
    assert_eq!((health.state, cause.kind()), (HealthState::Live, CauseKind::NoNotifications));
    assert!(cause.message().contains("max_user_watches"), "{cause}");
    for version in 0..3 {
        let text = version.to_string();
        put(&place.path("a/key"), &text);
        put(&place.path("b/key"), &text);
        a.until(&text);
        b.until(&text);
    }
    fs::write(limit, "1000").unwrap();
    place.store.health().until_live();
}

/// What runs a test in a mount namespace of its own.
pub(crate) const MAY_MOUNT: &[&str] = &["unshare", "--user", "--map-root-user", "--mount"];

pub(crate) fn may_mount() -> bool {
    let may = Command::new(MAY_MOUNT[0]).args(&MAY_MOUNT[1..]).arg("true").status();
    let may = may.is_ok_and(|status| status.success());
    if !may {
        eprintln!("not tested: nothing may be mounted here");
    }
    may
}

pub(crate) fn program(name: &str, arguments: &[&str]) {
    assert!(Command::new(name).args(arguments).status().unwrap().success(), "{name}");
}

#[test]
fn what_is_unmounted_is_a_stall_until_it_is_mounted_again() {
    let name = "notifications::what_is_unmounted_is_a_stall_until_it_is_mounted_again";
    if !is_child() {
        if may_mount() {
            in_a_child(MAY_MOUNT, name);
        }
        return;
    }
    let place = Place::new();
    let dir = place.dir();
    let dir = dir.to_str().unwrap();
    let mount = || program("mount", &["-t", "tmpfs", "none", dir]);
    mount();
    place.put("key", "before");
    let mut watcher = place.watch("key");
    watcher.is("before");
    program("umount", &[dir]);
    let cause = place.store.health().until_stalled(CauseKind::Unreachable);
    assert!(cause.message().contains("was mounted"), "{cause}");
    watcher.rests(Duration::from_millis(50));
    mount();
    place.put("key", "after");
    watcher.is("after");
    place.store.health().until_live();
    put(&place.path("key"), "last");
    watcher.is("last");
    // Another file system over it.
    mount();
    place.put("key", "over it");
    watcher.until("over it");
    program("umount", &[dir]);
    watcher.until("last");
}

/// As container engines mount a single file.
#[test]
fn a_file_that_is_mounted_on_its_own_is_polled() {
    let name = "notifications::a_file_that_is_mounted_on_its_own_is_polled";
    if !is_child() {
        if may_mount() {
            in_a_child(MAY_MOUNT, name);
        }
        return;
    }
    let place = Place::with(Options::new().poll_interval(Duration::from_millis(50)));
    let outside = place.outside("of-the-host");
    fs::write(&outside, "1").unwrap();
    place.put("key", "covered");
    program("mount", &["--bind", outside.to_str().unwrap(), place.path("key").to_str().unwrap()]);
    let mut watcher = place.watch("key");
    watcher.is("1");
    let health = place.store.health().until(|health| health.cause.is_some());
    let cause = health.cause.unwrap();
    assert_eq!((health.state, cause.kind()), (HealthState::Live, CauseKind::NoNotifications));
    assert!(cause.message().contains("mounted on its own"), "{cause}");
    fs::write(&outside, "2").unwrap();
    watcher.is("2");
    program("umount", &[place.path("key").to_str().unwrap()]);
    watcher.is("covered");
    place.store.health().until_live();
}

/// The system has one watch for both paths.
#[test]
fn a_directory_that_is_mounted_twice_is_followed_by_both_paths() {
    let name = "notifications::a_directory_that_is_mounted_twice_is_followed_by_both_paths";
    if !is_child() {
        if may_mount() {
            in_a_child(MAY_MOUNT, name);
        }
        return;
    }
    let place = Place::new();
    for dir in ["a", "b"] {
        fs::create_dir(place.path(dir)).unwrap();
    }
    let bind = |from: &str, to: &str| {
        let (from, to) = (place.path(from), place.path(to));
        program("mount", &["--bind", from.to_str().unwrap(), to.to_str().unwrap()]);
    };
    bind("a", "b");
    place.put("a/key", "0");
    let (mut a, mut b) = (place.watch("a/key"), place.watch("b/key"));
    a.is("0");
    b.is("0");
    let soon = |watcher: &mut event_core::upstream::UpstreamWatcher, text: &str| {
        let entry = within(Duration::from_secs(2), watcher.get()).expect("it is notified");
        assert_eq!(entry.unwrap().value().unwrap(), text);
    };
    for (version, dir) in ["a", "b", "a", "b"].into_iter().enumerate() {
        let text = (version + 1).to_string();
        place.put(&format!("{dir}/key"), &text);
        soon(&mut a, &text);
        soon(&mut b, &text);
    }
    drop(a);
    place.put("a/key", "moved");
    b.until("moved");
    let mut a = place.watch("a/key");
    a.until("moved");
    drop(b);
    for version in 0..4 {
        let text = version.to_string();
        place.put("b/key", &text);
        a.until(&text);
    }
}

#[test]
fn a_folder_that_is_unmounted_is_a_stall_of_its_keys() {
    let name = "notifications::a_folder_that_is_unmounted_is_a_stall_of_its_keys";
    if !is_child() {
        if may_mount() {
            in_a_child(MAY_MOUNT, name);
        }
        return;
    }
    let place = Place::new();
    fs::create_dir(place.path("sub")).unwrap();
    place.put("sub/covered", "old");
    let folder = place.path("sub");
    let folder = folder.to_str().unwrap();
    let mount = || program("mount", &["-t", "tmpfs", "none", folder]);
    mount();
    for key in ["sub/key", "sub/covered", "other"] {
        place.put(key, "before");
    }
    let mut watchers = ["sub/key", "sub/covered"].map(|key| place.watch(key));
    let mut other = place.watch("other");
    for watcher in &mut watchers {
        watcher.is("before");
    }
    other.is("before");
    program("umount", &[folder]);
    for key in ["sub/key", "sub/covered"] {
        let cause = place.store.value(key).health().until_stalled(CauseKind::Unreachable);
        assert!(cause.message().contains("was mounted"), "{cause}");
    }
    place.put("other", "after");
    other.is("after");
    for watcher in &mut watchers {
        watcher.rests(Duration::from_millis(50));
    }
    mount();
    for key in ["sub/key", "sub/covered"] {
        place.put(key, "after");
    }
    for watcher in &mut watchers {
        watcher.until("after");
    }
    place.store.health().until_live();
}

#[test]
fn a_directory_of_the_same_file_system_that_is_unmounted_is_a_stall() {
    let name = "notifications::a_directory_of_the_same_file_system_that_is_unmounted_is_a_stall";
    if !is_child() {
        if may_mount() {
            in_a_child(MAY_MOUNT, name);
        }
        return;
    }
    let place = Place::new();
    place.put("key", "covered");
    let mut watcher = place.watch("key");
    watcher.is("covered");
    let (dir, over) = (place.dir(), place.outside("over"));
    fs::create_dir(&over).unwrap();
    put(&over.join("key"), "over it");
    program("mount", &["--bind", over.to_str().unwrap(), dir.to_str().unwrap()]);
    watcher.is("over it");
    program("umount", &[dir.to_str().unwrap()]);
    let cause = place.store.health().until_stalled(CauseKind::Unreachable);
    assert!(cause.message().contains("was mounted"), "{cause}");
    watcher.rests(Duration::from_millis(50));
}
