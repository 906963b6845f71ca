//! Runs a benchmark for every contender and records the results.

use std::io;
use std::path::Path;

use measure::machine::with_version_in;
use measure::{Record, Report, Role, rounds};

/// A contender's turn: measures one sample.
pub(crate) type Turn = Box<dyn FnMut() -> f64>;

/// What a benchmark is called, and how often it is measured.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    pub(crate) name: &'static str,
    /// How many keys or watchers it has.
    pub(crate) size: usize,
    pub(crate) unit: &'static str,
    /// One is enough for what counts instead of timing.
    pub(crate) rounds: usize,
}

/// The contenders of one benchmark: the name, the role and the turn of each.
#[derive(Default)]
pub(crate) struct Turns(Vec<(String, Role, Turn)>);

impl Turns {
    pub(crate) fn ours(&mut self, turn: impl FnMut() -> f64 + 'static) {
        self.add("ours", Role::Ours, turn);
    }

    pub(crate) fn floor(&mut self, name: &str, turn: impl FnMut() -> f64 + 'static) {
        self.add(name, Role::Floor, turn);
    }

    /// The map of a crate, which is named with its version.
    pub(crate) fn peer(&mut self, name: &str, turn: impl FnMut() -> f64 + 'static) {
        let lock = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
        self.add(&with_version_in(lock, name), Role::Peer, turn);
    }

    fn add(&mut self, name: &str, role: Role, turn: impl FnMut() -> f64 + 'static) {
        self.0.push((name.to_owned(), role, Box::new(turn)));
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

    /// Runs a benchmark with the contenders that `add` adds.
    pub(crate) fn run(&mut self, work: Work, add: impl FnOnce(&mut Turns)) {
        if self.filter.as_ref().is_some_and(|word| !work.name.contains(word)) {
            return;
        }
        let mut turns = Turns::default();
        add(&mut turns);
        let Turns(mut turns) = turns;
        let mut contenders: Vec<&mut dyn FnMut() -> f64> = Vec::new();
        for (_, _, turn) in &mut turns {
            contenders.push(turn);
        }
        let values = rounds(work.rounds, &mut contenders);
        for ((who, role, _), value) in turns.into_iter().zip(values) {
            let (name, unit) = (work.name.to_owned(), work.unit.to_owned());
            let size = Some(work.size as u64);
            self.report.add(Record { work: name, size, who, role, value, unit });
        }
    }

    pub(crate) fn finish(&self) -> io::Result<()> {
        self.report.finish("maps", self.filter.is_none())
    }
}
