//! From the server being there again until the map is right: 1000 of the keys changed while it was away.
//!
//! A proxy refuses while the keys are written. As for single keys, there is also the time from the contender's connection on,
//! without the wait until it tries again, in which nothing is asked of the server. The floor connects, and reads.

use std::time::{Duration, Instant};

use etcd_harness::Proxy;
use tokio::time::sleep;

use super::{Figures, turns};
use crate::maps::child::Child;
use crate::maps::contenders::Contender;
use crate::maps::keys::{self, PREFIX};
use crate::run::Run;
use crate::server::Server;

const WHO: [Contender; 5] =
    [Contender::Ours, Contender::Reads, Contender::Raw, Contender::Kube, Contender::Mirror];
const CHANGED: usize = 1000;
/// How often it is looked whether the contender has connected.
const LOOK: Duration = Duration::from_millis(1);

pub(crate) async fn measure(run: &mut Run) {
    let (keys, rounds) = (run.size(100_000, 2000), run.size(5, 1));
    let server = Server::start().await;
    keys::write_all(&server.writer, keys, 1).await;
    let contenders = Contender::runnable(&WHO);
    let (mut ready, mut connected) = (Figures::of(&contenders), Figures::of(&contenders));
    let mut generation = 1;
    for round in 0..rounds {
        for who in turns(&contenders, round) {
            let proxy = Proxy::start(server.node().address());
            if who == Contender::Reads {
                let loaded = Child::start(who, &proxy.endpoint(), PREFIX).loaded;
                connected.push(who, loaded);
                ready.push(who, loaded);
                continue;
            }
            let mut child = Child::start(who, &proxy.endpoint(), PREFIX);
            server.has_watches(1).await;
            proxy.refuse().await;
            generation += 1;
            keys::write(&server.writer, CHANGED, generation).await;
            keys::write_sentinel(&server.writer, PREFIX, generation).await;
            let from_ready = Instant::now();
            proxy.accept();
            let mut from_connection = from_ready;
            while proxy.connections() == 0 {
                from_connection = Instant::now(); // before it, rather than after
                sleep(LOOK).await;
            }
            child.sees(generation);
            let milliseconds = |from: Instant| from.elapsed().as_secs_f64() * 1e3;
            ready.push(who, milliseconds(from_ready));
            connected.push(who, milliseconds(from_connection));
            drop(child);
            server.is_left().await;
        }
    }
    ready.report(run, "a map is right again", keys, "ms");
    connected.report(run, "a map is right again, from the connection", keys, "ms");
}
