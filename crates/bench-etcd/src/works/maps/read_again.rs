//! The connection is lost and nothing has changed: what the client takes at its peak until it is right again, compared
//! with what it had, and how many changes it yields.
//!
//! A put of the sentinel follows the loss, and its change is not counted. Mirror is not here: it reads nothing again,
//! and has no way back if its revision is compacted by then.

use std::time::Duration;

use etcd_harness::Proxy;
use tokio::time::sleep;

use super::{Figures, turns};
use crate::maps::child::Child;
use crate::maps::contenders::Contender;
use crate::maps::keys::{self, EMPTY, PREFIX};
use crate::process;
use crate::run::Run;
use crate::server::Server;

const WHO: [Contender; 3] = [Contender::Ours, Contender::Raw, Contender::Kube];
const SETTLED: Duration = Duration::from_millis(500);

pub(crate) async fn measure(run: &mut Run) {
    let (keys, rounds) = (run.size(100_000, 1000), run.size(3, 1));
    let server = Server::start().await;
    keys::write_all(&server.writer, keys, 1).await;
    let (mut peak, mut yielded) = (Figures::of(&WHO), Figures::of(&WHO));
    let mut generation = 1;
    for round in 0..rounds {
        for who in turns(&WHO, round) {
            let without = Child::start(who, &server.endpoint(), EMPTY);
            sleep(SETTLED).await;
            let base = without.resident();
            drop(without);
            let proxy = Proxy::start(server.node().address());
            let mut child = Child::start(who, &proxy.endpoint(), PREFIX);
            generation += 1;
            keys::write_sentinel(&server.writer, PREFIX, generation).await;
            let before = child.sees(generation);
            sleep(SETTLED).await;
            let rest = child.resident();
            process::forget_peak(child.id());
            proxy.reset().await;
            generation += 1;
            keys::write_sentinel(&server.writer, PREFIX, generation).await;
            let after = child.sees(generation);
            peak.push(who, (process::peak(child.id()) - base) / (rest - base));
            yielded.push(who, after - before - 1.0);
        }
    }
    let work = "read again, nothing changed: client memory at its peak, of what it was";
    peak.report(run, work, keys, "");
    yielded.report(run, "read again, nothing changed: changes yielded", keys, "");
}
