//! Runs a benchmark for every contender and records the results.

use std::io;

use measure::{Record, Report, Role, rounds};

use crate::contenders::{AsyncWatch, Eyeball, Ours, Postage, Signals, Tokio, Watchable};
use crate::payload::Payload;
use crate::value::Value;

/// A contender's turn: measures one sample.
pub(crate) type Turn = Box<dyn FnMut() -> f64>;

/// A benchmark that every contender runs.
pub(crate) trait Work {
    /// The number of rounds. A benchmark that counts instead of timing needs only one.
    const ROUNDS: usize = 11;
    const UNIT: &'static str = "ns";

    fn name<T: Payload>(&self) -> String;

    fn size(&self) -> Option<u64> {
        None
    }

    /// Prepares a contender. `None` if the contender can't run this benchmark.
    fn contender<T: Payload, V: Value<T>>(&self) -> Option<Turn>;

    /// Adds contenders that do not implement [`Value`].
    fn others<T: Payload>(&self, _turns: &mut Turns) {}
}

/// The contenders of one benchmark: the name, the role and the turn of each.
#[derive(Default)]
pub(crate) struct Turns(Vec<(String, Role, Turn)>);

impl Turns {
    pub(crate) fn add(&mut self, name: impl Into<String>, role: Role, turn: Turn) {
        self.0.push((name.into(), role, turn));
    }

    fn value<T: Payload, V: Value<T>>(&mut self, role: Role, work: &impl Work) {
        if let Some(turn) = work.contender::<T, V>() {
            self.add(V::name(), role, turn);
        }
    }
}

/// Runs the benchmarks whose names contain the filter, and collects their results.
pub(crate) struct Bench {
    report: Report,
    filter: Option<String>,
}

impl Bench {
    pub(crate) fn new(filter: Option<String>) -> Self {
        Self { report: Report::new(), filter }
    }

    /// Runs a benchmark for all contenders.
    pub(crate) fn compare<T: Payload, W: Work>(&mut self, work: &W) {
        if !self.matches(&work.name::<T>()) {
            return;
        }
        let mut turns = Turns::default();
        turns.value::<T, Ours<T>>(Role::Ours, work);
        turns.value::<T, Tokio<T>>(Role::Peer, work);
        turns.value::<T, Eyeball<T>>(Role::Peer, work);
        turns.value::<T, Watchable<T>>(Role::Peer, work);
        turns.value::<T, AsyncWatch<T>>(Role::Peer, work);
        turns.value::<T, Postage<T>>(Role::Peer, work);
        turns.value::<T, Signals<T>>(Role::Peer, work);
        work.others::<T>(&mut turns);
        self.run::<T, W>(work, turns);
    }

    /// Runs a benchmark for one variant of ours only. The benchmark needs a name of its own.
    pub(crate) fn variant<T: Payload, V: Value<T>, W: Work>(&mut self, work: &W) {
        if self.matches(&work.name::<T>()) {
            let mut turns = Turns::default();
            turns.value::<T, V>(Role::Ours, work);
            self.run::<T, W>(work, turns);
        }
    }

    pub(crate) fn finish(&self, name: &str) -> io::Result<()> {
        self.report.finish(name, self.filter.is_none())
    }

    fn matches(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|word| name.contains(word))
    }

    fn run<T: Payload, W: Work>(&mut self, work: &W, turns: Turns) {
        self.record(&work.name::<T>(), work.size(), W::UNIT, W::ROUNDS, turns);
    }

    fn record(
        &mut self,
        work: &str,
        size: Option<u64>,
        unit: &str,
        most: usize,
        Turns(mut turns): Turns,
    ) {
        let mut contenders: Vec<&mut dyn FnMut() -> f64> = Vec::new();
        for (_, _, turn) in &mut turns {
            contenders.push(turn);
        }
        let values = rounds(most, &mut contenders);
        for ((who, role, _), value) in turns.into_iter().zip(values) {
            let (work, unit) = (work.to_owned(), unit.to_owned());
            self.report.add(Record { work, size, who, role, value, unit });
        }
    }
}
