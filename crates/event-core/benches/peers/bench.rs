//! Who takes part in a work, and the report of it.

use std::io;

use measure::{Record, Report, Role, rounds};

use crate::contenders::{AsyncWatch, Eyeball, Ours, Postage, Signals, Tokio, Watchable};
use crate::payload::Payload;
use crate::value::Value;

/// A contender's turn: it works, and tells the figure.
pub(crate) type Turn = Box<dyn FnMut() -> f64>;

/// Something to be done by every contender.
pub(crate) trait Work {
    /// Odd, for the median to be one of them. What is counted is the same each time: one round.
    const ROUNDS: usize = 11;
    const UNIT: &'static str = "ns";

    fn name<T: Payload>(&self) -> String;

    fn size(&self) -> Option<u64> {
        None
    }

    /// Prepares a contender; `None` where it can't do the work.
    fn contender<T: Payload, V: Value<T>>(&self) -> Option<Turn>;

    /// Adds those who do this work and are no value.
    fn others<T: Payload>(&self, _turns: &mut Turns) {}
}

/// Those who take turns.
#[derive(Default)]
pub(crate) struct Turns(Vec<(String, Role, Turn)>);

impl Turns {
    pub(crate) fn add(&mut self, who: impl Into<String>, role: Role, turn: Turn) {
        self.0.push((who.into(), role, turn));
    }

    fn value<T: Payload, V: Value<T>>(&mut self, role: Role, work: &impl Work) {
        if let Some(turn) = work.contender::<T, V>() {
            self.add(V::who(), role, turn);
        }
    }
}

/// The report, and which works it is about.
pub(crate) struct Bench {
    report: Report,
    filter: Option<String>,
}

impl Bench {
    pub(crate) fn new(filter: Option<String>) -> Self {
        Self { report: Report::new(), filter }
    }

    /// Lets all contenders do it.
    pub(crate) fn compare<T: Payload, W: Work>(&mut self, work: &W) {
        if !self.wants(&work.name::<T>()) {
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

    /// Lets one variant of ours do it, under a name of its own.
    pub(crate) fn variant<T: Payload, V: Value<T>, W: Work>(&mut self, work: &W) {
        if self.wants(&work.name::<T>()) {
            let mut turns = Turns::default();
            turns.value::<T, V>(Role::Ours, work);
            self.run::<T, W>(work, turns);
        }
    }

    pub(crate) fn finish(&self, name: &str) -> io::Result<()> {
        self.report.finish(name, self.filter.is_none())
    }

    fn wants(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|word| name.contains(word))
    }

    fn run<T: Payload, W: Work>(&mut self, work: &W, Turns(mut turns): Turns) {
        let mut takers: Vec<&mut dyn FnMut() -> f64> = Vec::new();
        for (_, _, turn) in &mut turns {
            takers.push(turn);
        }
        let values = rounds(W::ROUNDS, &mut takers);
        for ((who, role, _), value) in turns.into_iter().zip(values) {
            let (work, size) = (work.name::<T>(), work.size());
            self.report.add(Record { work, size, who, role, value, unit: W::UNIT.to_owned() });
        }
    }
}
