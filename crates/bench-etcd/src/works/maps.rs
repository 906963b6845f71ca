//! What is measured of maps, a file for each work.

pub(crate) mod changes;
pub(crate) mod lease;
pub(crate) mod load;
pub(crate) mod put_to_change;
pub(crate) mod read_again;
pub(crate) mod reconnect;
pub(crate) mod server_memory;
pub(crate) mod small_reads;
pub(crate) mod watchers;

use measure::median;

use crate::maps::contenders::Contender;
use crate::run::Run;

/// The figures of each contender for one record.
struct Figures(Vec<(Contender, Vec<f64>)>);

impl Figures {
    fn of(contenders: &[Contender]) -> Self {
        Self(contenders.iter().map(|who| (*who, Vec::new())).collect())
    }

    fn push(&mut self, who: Contender, figure: f64) {
        let of_who = self.0.iter_mut().find(|(it, _)| *it == who);
        of_who.expect("a contender of the work").1.push(figure);
    }

    /// Adds the median of each contender that has figures.
    fn report(self, run: &mut Run, work: &str, size: usize, unit: &str) {
        for (who, mut figures) in self.0 {
            if !figures.is_empty() {
                let who = (who.name(), who.role());
                run.add_as(work, Some(size), who, median(&mut figures), unit);
            }
        }
    }
}

/// The contenders in the order of their turns in this round.
fn turns(contenders: &[Contender], round: usize) -> impl Iterator<Item = Contender> {
    let first = round % contenders.len().max(1);
    contenders[first..].iter().chain(&contenders[..first]).copied()
}

/// A count as a figure.
fn count(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::NAN, f64::from)
}
