//! Keys that can't be read, and why.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use event_core::{CauseKind, ErrorKind, ReaderExt, Store, ValueReader, WatcherExt};
use event_file::{FileStore, Options};

use crate::support::{BOUND, HealthExt, Next, Place, present, put, refusal, run, soon, within};

#[test]
fn keys_that_would_leave_the_directory_are_an_error() {
    let place = Place::new();
    fs::write(place.outside("secret"), "secret").unwrap();
    let absolute = place.outside("secret").to_str().unwrap().to_owned();
    for key in ["../secret", &absolute, "a/../../secret", "..", ".", "", "a//b", "a\0b"] {
        let value = place.store.value(key);
        let error = soon(value.watch().get()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{key}: {error}");
        assert_eq!(refusal(&value).kind(), ErrorKind::InvalidArgument);
        let cause = place.store.key_health(key.to_owned().into());
        assert!(soon(cause.get()).is_ok());
    }
}

#[test]
fn a_link_that_leads_out_is_refused_unless_it_is_allowed() {
    let place = Place::new();
    fs::write(place.outside("secret"), "secret").unwrap();
    fs::create_dir(place.outside("folder")).unwrap();
    fs::write(place.outside("folder/key"), "secret").unwrap();
    symlink("../secret", place.path("relative")).unwrap();
    symlink(place.outside("secret"), place.path("absolute")).unwrap();
    symlink("../folder", place.path("folder")).unwrap();
    symlink("../missing", place.path("missing")).unwrap();
    let allowing = FileStore::open(place.dir(), Options::new().follow_links_out()).unwrap();
    for key in ["relative", "absolute", "folder/key", "missing"] {
        let value = place.store.value(key);
        let mut watcher = value.watch();
        let cause = value.health().until_stalled(CauseKind::PermissionDenied);
        assert!(cause.message().contains("follow_links_out"), "{cause}");
        assert_eq!(cause.key(), Some(key.as_bytes()));
        assert_eq!(refusal(&value).kind(), ErrorKind::PermissionDenied);
        watcher.rests(Duration::from_millis(20));
        if key != "missing" {
            assert_eq!(present(&allowing.value(key)), "secret");
        }
    }
    let value = place.store.value("relative");
    let mut watcher = value.watch();
    place.put("relative", "a file of its own");
    watcher.is("a file of its own");
    value.health().until_live();
}

#[test]
fn a_link_that_leads_out_and_in_again_is_followed() {
    let place = Place::new();
    place.put("target", "inside");
    symlink("../dir/target", place.path("key")).unwrap();
    assert_eq!(present(&place.store.value("key")), "inside");
}

#[test]
fn what_is_no_regular_file_is_refused_and_never_waited_for() {
    let place = Place::new();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        place.path("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    fs::create_dir(place.path("folder")).unwrap();
    let _listener = UnixListener::bind(place.path("socket")).unwrap();
    symlink("loop", place.path("loop")).unwrap();
    place.put("file", "a file");
    let words = [
        ("fifo", "a FIFO"),
        ("folder", "a directory"),
        ("socket", "a socket"),
        ("loop", "too many symbolic links"),
    ];
    for (key, words) in words {
        let value = place.store.value(key);
        let mut watcher = value.watch();
        let cause = value.health().until_stalled(CauseKind::InvalidArgument);
        assert!(cause.message().contains(words), "{cause}");
        let error = refusal(&value);
        assert_eq!((error.kind(), error.key()), (ErrorKind::InvalidArgument, Some(key.as_bytes())));
        // The others are not held up.
        assert_eq!(present(&place.store.value("file")), "a file");
        if key == "folder" {
            fs::remove_dir(place.path(key)).unwrap();
        }
        place.put(key, "now a file");
        watcher.until("now a file");
        value.health().until_live();
    }
}

#[test]
fn a_device_is_not_opened() {
    let store = FileStore::open("/dev", Options::new()).unwrap();
    let value = store.value("null");
    let _watcher = value.watch();
    let cause = value.health().until_stalled(CauseKind::InvalidArgument);
    assert!(cause.message().contains("a device"), "{cause}");
}

#[test]
fn a_file_that_is_too_large_is_refused_until_it_is_smaller() {
    let place = Place::with(Options::new().max_size(10));
    place.put("key", "0123456789");
    let value = place.store.value("key");
    let mut watcher = value.watch();
    watcher.is("0123456789");
    place.put("key", "0123456789a");
    let cause = value.health().until_stalled(CauseKind::TooLarge);
    assert!(cause.message().contains("10 bytes"), "{cause}");
    assert_eq!(refusal(&value).kind(), ErrorKind::ResourceExhausted);
    let store = place.store.health().until(|health| health.cause.is_some());
    assert_eq!(store.state, event_core::HealthState::Live, "other keys stay fresh");
    assert!(soon(place.store.ready()).is_ok(), "it has a version");
    place.put("key", "small");
    watcher.is("small");
    value.health().until_live();
}

#[test]
fn ready_says_which_file_cant_be_read() {
    let place = Place::new();
    fs::create_dir(place.path("folder")).unwrap();
    let _watcher = place.watch("folder");
    let error = soon(place.store.ready()).unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::InvalidArgument, Some(&b"folder"[..])));
}

#[test]
fn arguments_that_cant_be_used_are_errors() {
    let kind = |result: Result<FileStore, event_core::Error>| result.unwrap_err().kind();
    assert_eq!(kind(FileStore::open("", Options::new())), ErrorKind::InvalidArgument);
    let zero = Options::new().settle(Duration::ZERO);
    assert_eq!(kind(FileStore::open("/", zero)), ErrorKind::InvalidArgument);
    let long = Options::new().poll_interval(Duration::from_secs(100_000));
    assert_eq!(kind(FileStore::open("/", long)), ErrorKind::InvalidArgument);
    for path in ["", "/", "/tmp/.."] {
        let error = event_file::file(path, Options::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{path}");
    }
}

/// Runs a test as a user who is not root, since root may read everything.
pub(crate) fn as_nobody(name: &str) -> bool {
    if !rustix::process::geteuid().is_root() {
        return false;
    }
    // The user may not be allowed to run this program where it is.
    let temp = tempfile::tempdir().unwrap();
    let copy = temp.path().join("it");
    fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    set_mode(temp.path(), 0o755);
    set_mode(&copy, 0o755);
    let mut setpriv = Command::new("setpriv");
    setpriv.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy);
    run(&mut setpriv, name);
    true
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn permission_for_a_file_may_be_lost_and_given_back() {
    if as_nobody("keys::permission_for_a_file_may_be_lost_and_given_back") {
        return;
    }
    let place = Place::new();
    place.put("key", "before");
    let value = place.store.value("key");
    let mut watcher = value.watch();
    watcher.is("before");
    set_mode(&place.path("key"), 0);
    let cause = value.health().until_stalled(CauseKind::PermissionDenied);
    assert_eq!(cause.key(), Some(&b"key"[..]));
    assert_eq!(refusal(&value).kind(), ErrorKind::PermissionDenied);
    watcher.rests(Duration::from_millis(50));
    set_mode(&place.path("key"), 0o600);
    value.health().until_live();
    place.put("key", "after");
    watcher.is("after");
}

#[test]
fn permission_for_the_directory_may_be_lost_and_given_back() {
    if as_nobody("keys::permission_for_the_directory_may_be_lost_and_given_back") {
        return;
    }
    let place = Place::new();
    place.put("key", "before");
    let value = place.store.value("key");
    let mut watcher = value.watch();
    watcher.is("before");
    set_mode(&place.dir(), 0);
    value.health().until_stalled(CauseKind::PermissionDenied);
    watcher.rests(Duration::from_millis(50));
    set_mode(&place.dir(), 0o700);
    value.health().until_live();
    place.put("key", "after");
    watcher.is("after");
    // A store that begins without the permission polls until it has it.
    set_mode(&place.dir(), 0o100);
    let store = FileStore::open(place.dir(), Options::new()).unwrap();
    let mut watcher = store.value("key").watch();
    watcher.is("after");
    let polls = store.health().until(|health| health.cause.is_some());
    assert_eq!(polls.cause.unwrap().kind(), CauseKind::NoNotifications);
    set_mode(&place.dir(), 0o700);
    put(&place.path("key"), "last");
    watcher.is("last");
    store.health().until_live();
}

#[test]
fn a_refresh_of_a_store_reads_every_file() {
    let place = Place::new();
    let mut watchers: Vec<_> = (0..10).map(|key| place.watch(&key.to_string())).collect();
    watchers.iter_mut().for_each(Next::is_missing);
    for key in 0..10 {
        place.put(&key.to_string(), "there");
    }
    assert!(within(BOUND, place.store.refresh()).unwrap().is_ok());
    for watcher in &mut watchers {
        assert_eq!(watcher.try_get().unwrap().unwrap().value().unwrap(), "there");
    }
}
