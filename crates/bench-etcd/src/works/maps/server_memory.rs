//! What the server has in memory at its peak while one client loads the map, but for the pages of files, looked at each
//! millisecond.
//!
//! The server is started anew for each load, since Go gives memory back late. What it took to start is in the figure:
//! a load that needs no more than that memory costs nothing more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::time::sleep;

use super::{Figures, turns};
use crate::maps::child::Child;
use crate::maps::contenders::Contender;
use crate::maps::contenders::pages::has_streams;
use crate::maps::keys::{self, PREFIX};
use crate::process;
use crate::run::Run;
use crate::server::Server;

const WHO: [Contender; 5] =
    [Contender::Ours, Contender::RangeStream, Contender::Raw, Contender::Kube, Contender::Mirror];
const LOOK: Duration = Duration::from_millis(1);
/// After its start the server still works through its log.
const SETTLED: Duration = Duration::from_secs(1);

pub(crate) async fn measure(run: &mut Run) {
    let (keys, rounds) = (run.size(100_000, 1000), run.size(3, 1));
    let server = Server::start().await;
    keys::write_all(&server.writer, keys, 1).await;
    let mut contenders = Contender::runnable(&WHO);
    contenders.retain(|who| *who != Contender::RangeStream || has_streams());
    let mut figures = Figures::of(&contenders);
    for round in 0..rounds {
        for who in turns(&contenders, round) {
            server.node().restart().await;
            sleep(SETTLED).await;
            let id = server.node().process_id().expect("the server runs");
            let (is_done, most) = sample(id);
            let child = Child::start(who, &server.endpoint(), PREFIX);
            is_done.store(true, Ordering::Relaxed);
            let most = most.join().expect("the samples");
            drop(child);
            figures.push(who, most / f64::from(1 << 20));
        }
    }
    figures.report(run, "server memory at its peak while a map is loaded", keys, "MB");
}

/// Looks again and again, and returns the most that there was.
fn sample(id: u32) -> (Arc<AtomicBool>, thread::JoinHandle<f64>) {
    let is_done = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&is_done);
    let most = thread::spawn(move || {
        let mut most = 0.0_f64;
        while !until.load(Ordering::Relaxed) {
            most = most.max(process::anonymous(id));
            thread::sleep(LOOK);
        }
        most
    });
    (is_done, most)
}
