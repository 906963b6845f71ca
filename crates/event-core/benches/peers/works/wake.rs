//! A `set` that wakes all watchers.

use std::task::Waker;

use measure::{Role, median};

use crate::bench::{Turn, Turns, Work};
use crate::clock::once;
use crate::contenders::Ours;
use crate::payload::Payload;
use crate::task::{Task, get_forever};
use crate::value::Value;

/// Each watcher is a task with its own counting waker. The tasks take the version and wait again outside
/// the timed part. The floor wakes the same number of wakers from a `Vec`.
pub(crate) struct Wake {
    pub(crate) watchers: u32,
}

impl Wake {
    /// How many values a sample sets in a row. With few watchers, one `set` is too short for the clock's
    /// resolution.
    fn values(&self) -> u32 {
        (64 / self.watchers).max(1)
    }

    /// The samples in a turn.
    fn samples(&self) -> usize {
        match self.watchers {
            ..100 => 201,
            100..5000 => 31,
            5000.. => 5,
        }
    }
}

impl Work for Wake {
    fn name<T: Payload>(&self) -> String {
        format!("set, all wait, {}", T::NAME)
    }

    fn size(&self) -> Option<u64> {
        Some(self.watchers.into())
    }

    fn contender<T: Payload, V: Value<T>>(&self) -> Option<Turn> {
        let mut values: Vec<V> = (0..self.values()).map(|_| V::new(T::number(0))).collect();
        let mut tasks = Vec::new();
        for value in &mut values {
            tasks.extend((0..self.watchers).map(|_| Task::new(get_forever(value.watch()))));
        }
        let (samples, count, version) = (self.samples(), f64::from(self.values()), T::number(1));
        Some(Box::new(move || {
            let mut set = || {
                tasks.iter_mut().for_each(Task::run);
                once(|| values.iter_mut().for_each(|value| value.set(version.clone()))) / count
            };
            let mut times: Vec<f64> = (0..samples).map(|_| set()).collect();
            assert!(tasks.iter().all(|task| task.woken.times() >= samples), "a set woke too few");
            median(&mut times)
        }))
    }

    fn others<T: Payload>(&self, turns: &mut Turns) {
        // The tasks are those of ours, for the same memory layout. The value is never set.
        let mut value = Ours::new(T::number(0));
        let tasks = self.values() * self.watchers;
        let mut tasks: Vec<_> = (0..tasks).map(|_| Task::new(get_forever(value.watch()))).collect();
        let (samples, count) = (self.samples(), f64::from(self.values()));
        let turn = move || {
            let _writer = &value;
            let mut wake = || {
                tasks.iter_mut().for_each(Task::run);
                let wakers: Vec<Waker> = tasks.iter().map(Task::waker).collect();
                once(|| wakers.into_iter().for_each(Waker::wake)) / count
            };
            let mut times: Vec<f64> = (0..samples).map(|_| wake()).collect();
            median(&mut times)
        };
        turns.add("waking alone", Role::Floor, Box::new(turn));
    }
}
