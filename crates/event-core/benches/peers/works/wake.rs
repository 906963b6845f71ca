//! A set that wakes those who wait.

use std::task::Waker;

use measure::{Role, median};

use crate::bench::{Turn, Turns, Work};
use crate::clock::once;
use crate::contenders::Ours;
use crate::payload::Payload;
use crate::task::{Task, follow};
use crate::value::Value;

/// Each watcher is a task with a waker of its own, which counts; the tasks take the version and wait
/// again outside of the clock. The floor is to call as many wakers out of a `Vec`.
pub(crate) struct Wake {
    pub(crate) watchers: u32,
}

impl Wake {
    /// A set with few who wait is over before the clock makes a step: then so many values are set
    /// in a row, each with a watcher.
    fn values(&self) -> u32 {
        (64 / self.watchers).max(1)
    }

    /// Sets in a turn.
    fn repeats(&self) -> usize {
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
            tasks.extend((0..self.watchers).map(|_| Task::new(follow(value.watch()))));
        }
        let (repeats, count, version) = (self.repeats(), f64::from(self.values()), T::number(1));
        Some(Box::new(move || {
            let mut set = || {
                tasks.iter_mut().for_each(Task::run);
                once(|| values.iter_mut().for_each(|value| value.set(version.clone()))) / count
            };
            let mut taken: Vec<f64> = (0..repeats).map(|_| set()).collect();
            assert!(tasks.iter().all(|task| task.woken.times() >= repeats), "all are woken");
            median(&mut taken)
        }))
    }

    fn others<T: Payload>(&self, turns: &mut Turns) {
        // The tasks of ours, to lie in memory as they do; the value is not set.
        let mut value = Ours::new(T::number(0));
        let tasks = self.values() * self.watchers;
        let mut tasks: Vec<_> = (0..tasks).map(|_| Task::new(follow(value.watch()))).collect();
        let (repeats, count) = (self.repeats(), f64::from(self.values()));
        let turn = move || {
            let _writer = &value;
            let mut wake = || {
                tasks.iter_mut().for_each(Task::run);
                let wakers: Vec<Waker> = tasks.iter().map(Task::waker).collect();
                once(|| wakers.into_iter().for_each(Waker::wake)) / count
            };
            let mut taken: Vec<f64> = (0..repeats).map(|_| wake()).collect();
            median(&mut taken)
        };
        turns.add("waking alone", Role::Floor, Box::new(turn));
    }
}
