//! What a followed key takes in the server: its memory with many keys followed, less before, for each key.
//!
//! Go gives memory back late, so each figure is of a fresh server, whose keys were read before.

use std::time::Duration;

use measure::median;
use tokio::time::sleep;

use crate::child::Child;
use crate::contenders::Contender;
use crate::keys;
use crate::process;
use crate::run::Run;
use crate::server::Server;

const WORK: &str = "server memory a key";
const BYTES: usize = 16;
const SETTLED: Duration = Duration::from_secs(1);

pub(crate) async fn measure(run: &mut Run) {
    let (keys, rounds) = (run.size(10_000, 1000), run.size(3, 1));
    let mut figures = vec![Vec::new(); Contender::USUAL.len()];
    for _ in 0..rounds {
        for (who, figures) in Contender::USUAL.into_iter().zip(&mut figures) {
            let server = Server::start().await;
            keys::write(&server.writer, keys, 1, BYTES).await;
            for _ in 0..3 {
                keys::read(&server.writer, keys).await;
            }
            sleep(SETTLED).await;
            let before = process::resident(server.id());
            let child = Child::start(who, keys, &server.endpoint());
            server.has_watches(keys).await;
            sleep(SETTLED).await;
            let grown = process::resident(server.id()) - before;
            drop(child);
            figures.push(grown / f64::from(u32::try_from(keys).expect("a count")));
        }
    }
    for (who, figures) in Contender::USUAL.into_iter().zip(&mut figures) {
        run.add(WORK, Some(keys), who, median(figures), "B");
    }
}
