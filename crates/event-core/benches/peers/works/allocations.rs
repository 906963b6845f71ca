//! How often the usual steps allocate. The tests assert that ours never do; here it stands in the
//! table.

use std::sync::Arc;
use std::task::{Context, Waker};

use allocation_counter::measure;

use crate::bench::{Turn, Work};
use crate::payload::Payload;
use crate::task::{Woken, drain, poll};
use crate::value::Value;

/// A thousand rounds of set, ready get and pending get, of which one kind of step is counted.
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
            let mut count = |step: Step, work: &mut dyn FnMut()| {
                let info = measure(work);
                allocations += if step == counted { info.count_total } else { 0 };
            };
            for number in 0..1000 {
                let version = T::number(number);
                count(Step::Pending, &mut || assert!(poll(&mut watcher, &mut cx).is_pending()));
                count(Step::Set, &mut || value.set(version.clone()));
                count(Step::Get, &mut || assert!(poll(&mut watcher, &mut cx).is_ready()));
            }
            total(allocations)
        }))
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are not 2^53 of them")]
fn total(count: u64) -> f64 {
    count as f64
}
