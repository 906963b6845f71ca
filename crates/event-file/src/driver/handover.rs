//! The driver, between the two threads that may run it.
//!
//! The thread of the store runs the driver, and puts it here before it sleeps. If a notification comes then, the thread
//! of notify takes the driver and reads the file: to wake the other thread would take longer than the read.
//!
//! Why not a mutex around the driver? It would be locked while the driver wakes tasks.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, Thread};

use super::Driver;
use crate::inbox::HandleNow;

pub(super) struct Handover {
    slot: Mutex<Slot>,
    /// The store's.
    thread: Thread,
}

enum Slot {
    Here(Box<Driver>),
    /// A thread runs it.
    Away {
        /// The thread of the store waits for it.
        is_wanted: bool,
    },
    /// It ended.
    Gone,
}

impl Handover {
    /// For the thread that it is made on.
    pub(super) fn new() -> Arc<Self> {
        let slot = Mutex::new(Slot::Away { is_wanted: false });
        Arc::new(Self { slot, thread: thread::current() })
    }

    pub(super) fn for_notifications(self: &Arc<Self>) -> Weak<dyn HandleNow> {
        let this: Weak<Self> = Arc::downgrade(self);
        this
    }

    /// Waits until the thread of notify has put it back. `None`: it ended. Only the thread of the store calls it.
    pub(super) fn take(&self) -> Option<Box<Driver>> {
        loop {
            let mut slot = self.lock();
            match mem::replace(&mut *slot, Slot::Away { is_wanted: false }) {
                Slot::Here(driver) => return Some(driver),
                Slot::Away { .. } => *slot = Slot::Away { is_wanted: true },
                Slot::Gone => {
                    *slot = Slot::Gone;
                    return None;
                }
            }
            drop(slot);
            thread::park();
        }
    }

    pub(super) fn put(&self, driver: Box<Driver>) {
        self.set(Slot::Here(driver));
    }

    pub(super) fn end(&self) {
        self.set(Slot::Gone);
    }

    fn set(&self, slot: Slot) {
        let before = mem::replace(&mut *self.lock(), slot);
        if matches!(before, Slot::Away { is_wanted: true }) {
            self.thread.unpark();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HandleNow for Handover {
    fn handle_now(&self) -> bool {
        let mut slot = self.lock();
        let Slot::Here(_) = &*slot else { return false };
        let taken = mem::replace(&mut *slot, Slot::Away { is_wanted: false });
        drop(slot);
        let Slot::Here(mut driver) = taken else { return false };
        // If a waker of the program panics, the driver is dropped, and the thread of the store has to end.
        let on_panic = EndOnDrop(self);
        let is_done = driver.handle_complete();
        mem::forget(on_panic);
        self.put(driver);
        is_done
    }
}

struct EndOnDrop<'a>(&'a Handover);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}
