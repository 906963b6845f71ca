//! The time from before connecting until the map is loaded, and the memory of the client: when the map is loaded, and
//! at its peak.
//!
//! Each load is that of a fresh process. Its memory is what it has, less what it has with a range without keys.

use std::time::Duration;

use tokio::time::sleep;

use super::{Figures, count, turns};
use crate::maps::child::Child;
use crate::maps::contenders::Contender;
use crate::maps::keys::{self, CONTENT, EMPTY, PREFIX};
use crate::process;
use crate::run::Run;
use crate::server::Server;

const SETTLED: Duration = Duration::from_millis(300);
const WHO: [Contender; 5] =
    [Contender::Ours, Contender::Reads, Contender::Raw, Contender::Kube, Contender::Mirror];
/// Mirror's pages are of 1000 keys, and with each the server counts the rest: it would take minutes.
const WHO_MANY: [Contender; 4] =
    [Contender::Ours, Contender::Reads, Contender::Raw, Contender::Kube];
const MANY: usize = 1_000_000;

pub(crate) async fn measure(run: &mut Run) {
    for keys in run.size(vec![100_000, MANY], vec![1000, 10_000]) {
        let who = if keys < MANY { &WHO[..] } else { &WHO_MANY[..] };
        let who = Contender::runnable(who);
        let rounds = run.size(if keys < MANY { 7 } else { 3 }, 1);
        load(run, keys, &who, rounds).await;
    }
}

async fn load(run: &mut Run, keys: usize, contenders: &[Contender], rounds: usize) {
    let server = Server::start().await;
    keys::write_all(&server.writer, keys, 1).await;
    let mut times = Figures::of(contenders);
    let kept = [contenders, &[Contender::Table]].concat();
    let (mut rest, mut peak) = (Figures::of(&kept), Figures::of(contenders));
    for round in 0..rounds {
        for who in turns(contenders, round) {
            let without = Child::start(who, &server.endpoint(), EMPTY);
            sleep(SETTLED).await;
            let base = without.resident();
            drop(without);
            let child = Child::start(who, &server.endpoint(), PREFIX);
            let most = process::peak(child.id());
            sleep(SETTLED).await;
            times.push(who, child.loaded);
            let grown = child.resident() - base;
            if who != Contender::Reads {
                rest.push(who, grown / count(keys) - count(CONTENT));
                peak.push(who, (most - base) / grown);
            }
            drop(child);
        }
        rest.push(Contender::Table, table(keys) / count(keys) - count(CONTENT));
    }
    times.report(run, "load a map", keys, "ms");
    let work = "client memory of a loaded map, a key beside its content";
    rest.report(run, work, keys, "B");
    peak.report(run, "client memory at its peak while it loads, of what it is then", keys, "");
}

/// What a `HashMap` of the content takes.
fn table(keys: usize) -> f64 {
    let without = Child::start(Contender::Table, "-", EMPTY).resident();
    Child::start(Contender::Table, "-", &format!("{PREFIX}{keys}")).resident() - without
}
