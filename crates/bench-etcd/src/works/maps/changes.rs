//! The processor time of a process that follows a map while 10,000 of its keys change a second: a transaction of 100
//! puts every 10 ms.

use std::time::{Duration, Instant};

use measure::{Role, median};
use tokio::time::{MissedTickBehavior, interval};

use super::{Figures, count, turns};
use crate::maps::child::Child;
use crate::maps::contenders::Contender;
use crate::maps::keys::{self, PREFIX};
use crate::process;
use crate::run::Run;
use crate::server::Server;

const WHO: [Contender; 3] = [Contender::Ours, Contender::Raw, Contender::Mirror];
const PUTS: usize = 100;
const EVERY: Duration = Duration::from_millis(10);

pub(crate) async fn measure(run: &mut Run) {
    let keys = run.size(100_000, 2000);
    let (time, rounds) = (Duration::from_secs(run.size(5, 1)), run.size(3, 1));
    let server = Server::start().await;
    keys::write_all(&server.writer, keys, 1).await;
    let contenders = Contender::runnable(&WHO);
    let (mut cpu, mut yielded) = (Figures::of(&contenders), Figures::of(&contenders));
    let (mut rates, mut generation) = (Vec::new(), 1);
    for round in 0..rounds {
        for who in turns(&contenders, round) {
            let mut child = Child::start(who, &server.endpoint(), PREFIX);
            server.has_watches(1).await;
            generation += 1;
            keys::write_sentinel(&server.writer, PREFIX, generation).await;
            let taken = child.sees(generation);
            let (before, start) = (process::cpu_time(child.id()), Instant::now());
            generation += 1;
            let puts = write(&server, keys, generation, time).await;
            rates.push(count(puts) / start.elapsed().as_secs_f64());
            keys::write_sentinel(&server.writer, PREFIX, generation).await;
            let taken = child.sees(generation) - taken - 1.0;
            let took = start.elapsed().as_secs_f64();
            cpu.push(who, (process::cpu_time(child.id()) - before) / took * 100.0);
            yielded.push(who, taken / count(puts));
            drop(child);
            server.is_left().await;
        }
    }
    cpu.report(run, "10,000 changes/s, CPU of the follower", keys, "% of a core");
    yielded.report(run, "10,000 changes/s, changes yielded for each put", keys, "");
    let writer = ("the writer", Role::Floor);
    let rate = median(&mut rates);
    run.add_as("10,000 changes/s, rate reached", Some(keys), writer, rate, "puts/s");
}

/// Writes for so long, and returns how many puts it made.
async fn write(server: &Server, keys: usize, generation: u32, time: Duration) -> usize {
    let (start, mut puts) = (Instant::now(), 0);
    let mut ticks = interval(EVERY);
    // The ticks after a late one make up for it.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while start.elapsed() < time {
        ticks.tick().await;
        let first = puts % keys;
        let txn = keys::puts(first..first + PUTS, generation);
        server.writer.kv_client().txn(txn).await.expect("a transaction");
        puts += PUTS;
    }
    puts
}
