//! How often the basic operations allocate. The tests assert that ours never do. This benchmark puts the
//! count into the table.

use std::sync::Arc;
use std::task::{Context, Waker};

use allocation_counter::measure;

use crate::bench::{Turn, Work};
use crate::payload::Payload;
use crate::task::{Woken, drain, poll};
use crate::value::Value;

/// Runs a thousand rounds of a pending `get`, a `set` and a ready `get`. Counts the allocations of one of
/// the three.
pub(crate) struct Allocations {
    pub(crate) step: Step,
    pub(crate) boxed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Set,
    Get,
    Pending,
}

impl Step {
    pub(crate) const ALL: [Self; 3] = [Self::Set, Self::Get, Self::Pending];

    fn name(self) -> &'static str {
        match self {
            Self::Set => "sets with one waiting",
            Self::Get => "ready gets",
            Self::Pending => "pending gets",
        }
    }
}

impl Work for Allocations {
    const ROUNDS: usize = 1;
    const UNIT: &'static str = "allocations";

    fn name<T: Payload>(&self) -> String {
        let boxed = if self.boxed { ", boxed" } else { "" };
        format!("allocations of 1000 {}, {}{boxed}", self.step.name(), T::NAME)
    }

    fn contender<T: Payload, V: Value<T>>(&self) -> Option<Turn> {
        let counted = self.step;
        let mut value = V::new(T::number(0));
        let mut watcher = value.watch();
        let waker = Waker::from(Arc::new(Woken::default()));
        Some(Box::new(move || {
            let mut cx = Context::from_waker(&waker);
            drain(&mut watcher);
            let mut allocations = 0;
            let mut count = |step: Step, operation: &mut dyn FnMut()| {
                let info = measure(operation);
                allocations += if step == counted { info.count_total } else { 0 };
            };
            for number in 0..1000 {
                let version = T::number(number);
                count(Step::Pending, &mut || assert!(poll(&mut watcher, &mut cx).is_pending()));
                count(Step::Set, &mut || value.set(version.clone()));
                count(Step::Get, &mut || assert!(poll(&mut watcher, &mut cx).is_ready()));
            }
            as_f64(allocations)
        }))
    }
}

#[expect(clippy::cast_precision_loss, reason = "the count is far below 2^53")]
fn as_f64(count: u64) -> f64 {
    count as f64
}
