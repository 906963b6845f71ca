//! `for_latest`: a future for the newest value.

use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use event_core::{Error, ErrorKind, MemoryValue, ValueReader, ValueWriter, WatcherExt};
use futures_util::FutureExt;

/// Says when it is dropped.
struct Job(u32, Arc<Mutex<Vec<String>>>);

impl Job {
    fn begin(number: u32, log: &Arc<Mutex<Vec<String>>>) -> Self {
        log.lock().unwrap().push(format!("begin {number}"));
        Self(number, Arc::clone(log))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.1.lock().unwrap().push(format!("end {}", self.0));
    }
}

fn take(log: &Mutex<Vec<String>>) -> Vec<String> {
    std::mem::take(&mut log.lock().unwrap())
}

#[test]
fn the_future_of_an_old_value_is_dropped_before_the_next_begins() {
    let (value, log) = (MemoryValue::new(1), Arc::default());
    let mut jobs = pin!(value.watch().for_latest(|number| {
        let log = Arc::clone(&log);
        async move {
            let _job = Job::begin(number, &log);
            pending::<()>().await;
        }
    }));
    assert!(jobs.as_mut().now_or_never().is_none());
    assert_eq!(take(&log), ["begin 1"]);
    value.set(2);
    value.set(3);
    assert!(jobs.as_mut().now_or_never().is_none());
    assert_eq!(take(&log), ["end 1", "begin 3"]);
    value.fail(Error::new(ErrorKind::Decode, "expected a number"));
    assert!(jobs.as_mut().now_or_never().is_none());
    assert_eq!(take(&log), [""; 0], "a bad version changes nothing");
}

#[test]
fn at_the_end_the_last_future_is_completed() {
    let (value, done) = (MemoryValue::new(1), MemoryValue::empty());
    let mut jobs = pin!(value.watch().for_latest(|_| {
        let mut done = done.watch();
        async move { done.get().await.unwrap() }
    }));
    assert!(jobs.as_mut().now_or_never().is_none());
    drop(value);
    assert!(jobs.as_mut().now_or_never().is_none());
    done.set(());
    assert!(jobs.as_mut().now_or_never().is_some());
}

#[test]
fn dropping_it_drops_the_running_one() {
    let (value, log) = (MemoryValue::new(1), Arc::default());
    let mut jobs = Box::pin(value.watch().for_latest(|number| {
        let log = Arc::clone(&log);
        async move {
            let _job = Job::begin(number, &log);
            pending::<()>().await;
        }
    }));
    assert!(jobs.as_mut().now_or_never().is_none());
    drop(jobs);
    assert_eq!(take(&log), ["begin 1", "end 1"]);
}
