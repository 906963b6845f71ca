//! Many changes: the last arrives, and none is torn.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use event_core::{Bytes, ReaderExt, Watcher, WatcherExt};
use event_file::Options;

use crate::support::{BOUND, Next, Place, eventually, put, within};

/// A document whose every part has its number, so that half of one and half of another is noticed.
fn document(number: u32) -> String {
    format!("{number:010}").repeat(1 + number as usize % 400)
}

/// The number of a document, if it is whole.
fn number(bytes: &Bytes) -> Option<u32> {
    let number = std::str::from_utf8(bytes.get(..10)?).ok()?.parse().ok()?;
    (*bytes == document(number)).then_some(number)
}

/// Rewrites a file under a reader. Returns how many versions the reader took, and how many of them were torn.
fn rewrite(options: Options, rewrites: u32, write: impl Fn(&Path, u32) + Sync) -> (usize, usize) {
    let place = Place::with(options);
    let mut watcher = place.watch("key");
    watcher.is_missing();
    let path = place.path("key");
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..=rewrites {
                write(&path, number);
            }
            is_done.store(true, Ordering::Relaxed);
        });
        let (mut taken, mut torn, mut last) = (0, 0, 0);
        while last != rewrites {
            let next = within(BOUND, watcher.get());
            let entry = next.unwrap_or_else(|| panic!("{last} of {rewrites} is the last")).unwrap();
            let Some(bytes) = entry.value() else { continue };
            taken += 1;
            match number(bytes) {
                Some(number) => {
                    assert!(number > last, "{number} after {last}");
                    last = number;
                }
                None => torn += 1,
            }
        }
        (taken, torn)
    })
}

#[test]
fn of_ten_thousand_rewrites_by_rename_none_is_torn_and_the_last_arrives() {
    let (taken, torn) =
        rewrite(Options::new(), 10_000, |path, number| put(path, &document(number)));
    assert_eq!(torn, 0, "of {taken}");
    println!("{taken} of 10000 were taken");
}

#[test]
fn a_store_that_polls_takes_the_last_of_ten_thousand_rewrites() {
    let options = Options::new().only_poll().poll_interval(Duration::from_millis(1));
    let (taken, torn) = rewrite(options, 10_000, |path, number| put(path, &document(number)));
    assert_eq!(torn, 0, "of {taken}");
}

#[test]
fn of_ten_thousand_rewrites_in_place_the_last_arrives_whole() {
    let (taken, torn) = rewrite(Options::new(), 10_000, |path, number| {
        fs::write(path, document(number)).unwrap();
    });
    println!("{torn} of {taken} were torn");
}

#[test]
fn ten_thousand_swaps_of_a_link_are_not_torn() {
    let (taken, torn) = rewrite(Options::new(), 2_000, |path, number| {
        let dir = path.parent().unwrap();
        let folder = format!("..{number}");
        fs::create_dir(dir.join(&folder)).unwrap();
        fs::write(dir.join(&folder).join("key"), document(number)).unwrap();
        std::os::unix::fs::symlink(&folder, dir.join("..tmp")).unwrap();
        fs::rename(dir.join("..tmp"), dir.join("..data")).unwrap();
        if number == 1 {
            std::os::unix::fs::symlink("..data/key", path).unwrap();
        } else {
            fs::remove_dir_all(dir.join(format!("..{}", number - 1))).unwrap();
        }
    });
    assert_eq!(torn, 0, "of {taken}");
}

/// A waker that holds up the thread that it is called on.
#[derive(Default)]
struct Blocking {
    /// The name of the thread, while it is held up.
    thread: Mutex<Option<String>>,
    is_released: AtomicBool,
}

impl Wake for Blocking {
    fn wake(self: Arc<Self>) {
        let name = thread::current().name().unwrap_or_default().to_owned();
        *self.thread.lock().unwrap() = Some(name);
        while !self.is_released.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Holds up the thread of the notifications by a waker that blocks, until it is released.
fn hold_up(place: &Place) -> Arc<Blocking> {
    for attempt in 0..100 {
        let blocking = Arc::<Blocking>::default();
        let waker = Waker::from(Arc::clone(&blocking));
        let mut watcher = place.watch("block");
        watcher.next().unwrap();
        assert!(watcher.poll_get(&mut Context::from_waker(&waker)).is_pending());
        thread::sleep(Duration::from_millis(50)); // so that the thread of the store sleeps
        place.put("block", &attempt.to_string());
        let is_held_up = || blocking.thread.lock().unwrap().is_some();
        eventually("a thread wakes the watcher", is_held_up);
        let name = blocking.thread.lock().unwrap().take().unwrap();
        if name.starts_with("notify") {
            return blocking;
        }
        blocking.is_released.store(true, Ordering::Relaxed);
    }
    panic!("the thread of the notifications never wakes a watcher");
}

#[test]
fn when_the_queue_of_notifications_overflows_the_last_version_arrives() {
    let room = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let room: usize = room.trim().parse().unwrap();
    if room > 100_000 {
        eprintln!("not tested: the queue has room for {room}");
        return;
    }
    let place = Place::new();
    let mut watcher = place.watch("key");
    watcher.is_missing();
    let blocking = hold_up(&place);
    // Each of them is notified of several times.
    for number in 0..room / 2 {
        place.write(&format!("other-{number}"), "");
    }
    place.put("key", "nobody is notified of it");
    watcher.rests(Duration::from_millis(100));
    blocking.is_released.store(true, Ordering::Relaxed);
    watcher.is("nobody is notified of it");
    place.put("key", "last");
    watcher.is("last");
}

#[test]
fn thousands_of_files_that_are_written_at_once_all_arrive() {
    let place = Place::new();
    let mut watchers: Vec<_> = (0..2000).map(|key| place.watch(&format!("key-{key}"))).collect();
    watchers.iter_mut().for_each(Next::is_missing);
    thread::scope(|scope| {
        for half in 0..2 {
            let place = &place;
            scope.spawn(move || {
                for version in 0..10 {
                    for key in (half..2000).step_by(2) {
                        place.write(&format!("key-{key}"), &format!("{key}, {version}"));
                    }
                }
            });
        }
    });
    for (key, watcher) in watchers.iter_mut().enumerate() {
        watcher.until(&format!("{key}, 9"));
    }
}

#[test]
fn a_directory_that_is_replaced_again_and_again_ends_with_the_last() {
    let place = Place::new();
    place.put("key", "0");
    let mut watcher = place.watch("key");
    watcher.is("0");
    for version in 1..=200 {
        let new = place.outside("new");
        fs::create_dir(&new).unwrap();
        fs::write(new.join("key"), version.to_string()).unwrap();
        if version % 2 == 0 {
            fs::remove_dir_all(place.dir()).unwrap();
        } else {
            fs::rename(place.dir(), place.outside(&format!("old-{version}"))).unwrap();
        }
        fs::rename(&new, place.dir()).unwrap();
    }
    watcher.until("200");
    assert_eq!(crate::support::present(&place.store.value("key").boxed()), "200");
    place.put("key", "last");
    watcher.until("last");
}

/// The thread of the store waits for notify while it begins to watch directories. What wakes it then counts, too.
#[test]
fn a_key_that_is_watched_while_others_begin_is_read_at_once() {
    for round in 0..50 {
        let place = Place::new();
        for number in 0..32 {
            fs::create_dir(place.path(&format!("s{number}"))).unwrap();
            place.write(&format!("s{number}/k"), "text");
        }
        let watch = |number: u32| place.watch(&format!("s{number}/k"));
        let mut watchers: Vec<_> = (0..16).map(watch).collect();
        for number in 16..32 {
            // Not a wait for something: it varies when the next key comes.
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_micros(4 * round) {
                std::hint::spin_loop();
            }
            watchers.push(watch(number));
        }
        for watcher in &mut watchers {
            let entry = within(Duration::from_secs(2), watcher.get()).expect("it is read at once");
            assert_eq!(entry.unwrap().value().unwrap(), "text");
        }
    }
}
