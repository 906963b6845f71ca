//! What a followed key takes in the client: the memory of a fresh process that follows many, less that
//! of one that follows one, for each key. Keys are of 14 bytes, values of 16.
//!
//! The board's 4 bytes a key are in it. A task for each watcher is the program's choice, so ours is
//! there without as well.

use std::time::Duration;

use measure::median;
use tokio::time::sleep;

use crate::child::Child;
use crate::contenders::Contender;
use crate::keys;
use crate::run::Run;
use crate::server::Server;

const WORK: &str = "client memory a key (14 B key, 16 B value)";
const BYTES: usize = 16;
const SETTLED: Duration = Duration::from_millis(500);
const WHO: [Contender; 4] =
    [Contender::Ours, Contender::OursOneTask, Contender::OneStream, Contender::StreamPerKey];

pub(crate) async fn measure(run: &mut Run) {
    let (keys, rounds) = (run.size(10_000, 1000), run.size(3, 1));
    let server = Server::start().await;
    keys::write(&server.writer, keys, 1, BYTES).await;
    for who in WHO {
        let mut figures = Vec::new();
        for _ in 0..rounds {
            let few = resident(&server, who, 1).await;
            let many = resident(&server, who, keys).await;
            figures.push((many - few) / f64::from(u32::try_from(keys).expect("a count")));
        }
        run.add(WORK, Some(keys), who, median(&mut figures), "B");
    }
}

async fn resident(server: &Server, who: Contender, keys: usize) -> f64 {
    let child = Child::start(who, keys, &server.endpoint());
    server.has_watches(keys).await;
    sleep(SETTLED).await;
    let resident = child.resident();
    drop(child);
    server.is_left().await;
    resident
}
