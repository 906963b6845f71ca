//! The processor time of a process that follows many keys of which none changes.
//!
//! All contenders at the same time: each is a process of its own, and none of them has much to do.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::child::Child;
use crate::contenders::Contender;
use crate::keys;
use crate::run::Run;
use crate::server::Server;

const WORK: &str = "idle, CPU of the follower";
const BYTES: usize = 100;
const SETTLED: Duration = Duration::from_secs(3);

pub(crate) async fn measure(run: &mut Run) {
    let (keys, time) = (run.size(10_000, 1000), Duration::from_secs(run.size(20, 5)));
    let server = Server::start().await;
    keys::write(&server.writer, keys, 1, BYTES).await;
    let children: Vec<Child> = Contender::USUAL
        .into_iter()
        .map(|who| Child::start(who, keys, &server.endpoint()))
        .collect();
    server.has_watches(keys * children.len()).await;
    sleep(SETTLED).await;
    let before: Vec<f64> = children.iter().map(Child::cpu_time).collect();
    let start = Instant::now();
    sleep(time).await;
    let took = start.elapsed().as_secs_f64();
    for ((who, child), before) in Contender::USUAL.into_iter().zip(&children).zip(before) {
        let share = (child.cpu_time() - before) / took * 100.0;
        run.add(WORK, Some(keys), who, share, "% of a core");
    }
}
