//! Wakes a thread that waits.
//!
//! Why not `thread::park` alone? A channel parks the same thread, as each call of notify does. What `unpark` leaves behind
//! for the next `park` is then taken by the channel, and the wake-up is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;
use std::thread::{self, Thread};
use std::time::Instant;

#[derive(Debug)]
pub(crate) struct Signal {
    /// There is something to do since the thread last waited.
    is_set: AtomicBool,
    thread: Thread,
}

impl Signal {
    /// For the thread that it is made on.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { is_set: AtomicBool::new(false), thread: thread::current() })
    }

    pub(crate) fn set(&self) {
        self.is_set.store(true, Ordering::Release);
        self.thread.unpark();
    }

    /// Waits until it is set, or until this time. Only its thread calls it.
    pub(crate) fn wait(&self, until: Option<Instant>) {
        while !self.is_set.swap(false, Ordering::Acquire) {
            let Some(until) = until else {
                thread::park();
                continue;
            };
            let rest = until.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return;
            }
            thread::park_timeout(rest);
        }
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.set();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.set();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_stays_set_if_a_channel_parks_the_thread_meanwhile() {
        let signal = Signal::new();
        let (sender, receiver) = mpsc::channel();
        signal.set();
        let other = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            sender.send(()).unwrap();
        });
        receiver.recv().unwrap();
        other.join().unwrap();
        let start = Instant::now();
        signal.wait(Some(start + Duration::from_secs(10)));
        assert!(start.elapsed() < Duration::from_secs(5));
        signal.wait(Some(start));
    }
}
