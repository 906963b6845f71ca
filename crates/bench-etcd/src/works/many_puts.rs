//! The processor time of a process that follows 1000 keys while 20,000 puts a second are made.
//!
//! A transaction of 100 puts every 5 ms: for as many single ones etcd and the writer take two cores
//! for themselves. Each watch has a response of its own either way.

use std::time::{Duration, Instant};

use etcd_client::{Txn, TxnOp};
use measure::Role;
use measure::median;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::child::Child;
use crate::contenders::Contender;
use crate::keys;
use crate::run::Run;
use crate::server::Server;

const WORK: &str = "20,000 puts/s to 1000 keys, CPU of the follower";
const KEYS: usize = 1000;
const BYTES: usize = 100;
const PUTS: usize = 100;
const WHO: [Contender; 5] = [
    Contender::Ours,
    Contender::OursOneTask,
    Contender::OneStream,
    Contender::OneStreamTasks,
    Contender::StreamPerKey,
];
const EVERY: Duration = Duration::from_millis(5);

#[derive(Default)]
struct Figures {
    cpu: Vec<f64>,
    rate: Vec<f64>,
    /// Values taken for each put.
    taken: Vec<f64>,
}

pub(crate) async fn measure(run: &mut Run) {
    let (seconds, rounds) = (Duration::from_secs(run.size(5, 1)), run.size(3, 1));
    let server = Server::start().await;
    let mut figures: Vec<Figures> = WHO.iter().map(|_| Figures::default()).collect();
    for _ in 0..rounds {
        for (who, figures) in WHO.into_iter().zip(&mut figures) {
            follow(&server, who, seconds, figures).await;
        }
    }
    for (who, figures) in WHO.into_iter().zip(&mut figures) {
        run.add(WORK, None, who, median(&mut figures.cpu), "% of a core");
    }
    for (who, figures) in WHO.into_iter().zip(&mut figures) {
        let work = "20,000 puts/s to 1000 keys, values taken for each put";
        run.add(work, None, who, median(&mut figures.taken), "");
    }
    let mut rates: Vec<f64> = figures.iter().flat_map(|figures| figures.rate.clone()).collect();
    let work = "20,000 puts/s to 1000 keys, rate reached";
    run.add_as(work, None, ("the writer", Role::Floor), median(&mut rates), "puts/s");
}

async fn follow(server: &Server, who: Contender, time: Duration, figures: &mut Figures) {
    keys::write(&server.writer, KEYS, 1, BYTES).await;
    let child = Child::start(who, KEYS, &server.endpoint());
    server.has_watches(KEYS).await;
    let (before, start) = (child.cpu_time(), Instant::now());
    let puts = write(server, time).await;
    let wrote = start.elapsed().as_secs_f64();
    // Those under way are taken.
    sleep(Duration::from_millis(200)).await;
    let (cpu, took) = (child.cpu_time() - before, start.elapsed().as_secs_f64());
    figures.cpu.push(cpu / took * 100.0);
    figures.rate.push(f64::from(puts) / wrote);
    let taken = child.end().saturating_sub(KEYS as u64);
    figures.taken.push(u32::try_from(taken).map_or(f64::NAN, f64::from) / f64::from(puts));
    server.is_left().await;
}

/// Writes for so long, and tells how many puts it made.
async fn write(server: &Server, time: Duration) -> u32 {
    let (start, mut puts) = (Instant::now(), 0);
    let mut ticks = interval(EVERY);
    // The ticks after a late one make up for it.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut first, mut generation) = (0, 2);
    while start.elapsed() < time {
        ticks.tick().await;
        let value = keys::value(generation, BYTES);
        let put = |key| TxnOp::put(keys::name(key), value.clone(), None);
        let txn = Txn::new().and_then((first..first + PUTS).map(put).collect::<Vec<_>>());
        server.writer.kv_client().txn(txn).await.expect("a transaction");
        puts += u32::try_from(PUTS).expect("a count");
        first = (first + PUTS) % KEYS;
        generation += u32::from(first == 0);
    }
    puts
}
