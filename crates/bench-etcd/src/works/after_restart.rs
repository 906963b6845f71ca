//! From the server being ready after a restart until each of many keys has told its new value.
//!
//! While the server is down nothing can change, so a proxy stands before it: it refuses, the server
//! is killed and started again, each key is written anew, and the moment in which the proxy accepts is
//! when the server is ready to the contender. What the contender waits until it tries again is in it: by
//! hand 10 ms, ours at random up to 600 ms, for the sake of a cluster with many clients.

use std::sync::Arc;
use std::time::Instant;

use etcd_harness::Proxy;
use measure::median;

use crate::board::Board;
use crate::contenders::Contender;
use crate::keys;
use crate::run::Run;
use crate::server::Server;
use crate::works::first_values::MOST_STREAMS;

const WORK: &str = "new values of many keys after a restart";
const BYTES: usize = 100;

pub(crate) async fn measure(run: &mut Run) {
    for keys in run.size(vec![1000, 10_000, 50_000], vec![100, 1000]) {
        let server = Server::start().await;
        let rounds = run.size(if keys > 10_000 { 3 } else { 5 }, 1);
        let mut times = vec![Vec::new(); Contender::USUAL.len()];
        for round in 0..rounds {
            for at in 0..Contender::USUAL.len() {
                let at = (at + round) % Contender::USUAL.len();
                let who = Contender::USUAL[at];
                if who != Contender::StreamPerKey || keys <= MOST_STREAMS {
                    times[at].push(restart(&server, who, keys).await);
                }
            }
        }
        for (who, times) in Contender::USUAL.into_iter().zip(&mut times) {
            if !times.is_empty() {
                run.add(WORK, Some(keys), who, median(times), "ms");
            }
        }
    }
}

async fn restart(server: &Server, who: Contender, keys: usize) -> f64 {
    keys::write(&server.writer, keys, 1, BYTES).await;
    let proxy = Proxy::start(server.node().address());
    let board = Arc::new(Board::new(keys));
    let following = who.follow(&proxy.endpoint(), keys, &board).await;
    board.complete().await;
    server.has_watches(keys).await;

    proxy.refuse().await;
    server.node().restart().await;
    // Of its own: the server's old client has to find that its connection is gone.
    let writer = server.node().client().await;
    board.want(2);
    keys::write(&writer, keys, 2, BYTES).await;

    let ready = Instant::now();
    proxy.accept();
    board.complete().await;
    let took = ready.elapsed();
    drop(following);
    server.is_left().await;
    took.as_secs_f64() * 1e3
}
