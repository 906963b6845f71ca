//! What a followed key takes in the server: its memory with many keys followed, less before, for each key.
//!
//! What is live, after a garbage collection, and not what the process holds: Go gives memory back late, and
//! that differs by a third from run to run.

use std::time::Duration;

use measure::median;
use tokio::time::sleep;

use crate::child::Child;
use crate::contenders::Contender;
use crate::keys;
use crate::run::Run;
use crate::server::Server;

const WORK: &str = "server memory a key, live";
const BYTES: usize = 16;
const SETTLED: Duration = Duration::from_secs(1);

pub(crate) async fn measure(run: &mut Run) {
    let (keys, rounds) = (run.size(10_000, 1000), run.size(3, 1));
    let server = Server::start().await;
    keys::write(&server.writer, keys, 1, BYTES).await;
    let mut figures = vec![Vec::new(); Contender::USUAL.len()];
    for _ in 0..rounds {
        for (who, figures) in Contender::USUAL.into_iter().zip(&mut figures) {
            let before = server.node().live_memory().await;
            let child = Child::start(who, keys, &server.endpoint());
            server.has_watches(keys).await;
            sleep(SETTLED).await;
            let grown = server.node().live_memory().await - before;
            drop(child);
            server.is_left().await;
            sleep(SETTLED).await;
            figures.push(grown / f64::from(u32::try_from(keys).expect("a count")));
        }
    }
    for (who, figures) in Contender::USUAL.into_iter().zip(&mut figures) {
        run.add(WORK, Some(keys), who, median(figures), "B");
    }
}
