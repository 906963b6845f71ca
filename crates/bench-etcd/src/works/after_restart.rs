//! From the server being ready after a restart until each of many keys has told its new value.
//!
//! While the server is down nothing can change, so a proxy stands before it: it refuses, the server
//! is killed and started again, each key is written anew, and the moment in which the proxy accepts is
//! when the server is ready to the contender. What the contender waits until it tries again is in it: by
//! hand 10 ms, ours at random up to 600 ms, for the sake of a cluster with many clients. So the time from
//! the contender's connection is told as well.

use std::sync::Arc;
use std::time::{Duration, Instant};

use etcd_harness::Proxy;
use measure::median;
use tokio::time::sleep;

use crate::board::Board;
use crate::contenders::Contender;
use crate::keys;
use crate::run::Run;
use crate::server::Server;
use crate::works::first_values::MOST_STREAMS;

const WORK: &str = "new values of many keys after a restart";
const FROM_CONNECTION: &str = "new values of many keys after a restart, from the connection";
const BYTES: usize = 100;
/// How often it is looked whether the contender has connected.
const LOOK: Duration = Duration::from_millis(1);

/// Times of a contender, in milliseconds.
#[derive(Default)]
struct Times {
    from_ready: Vec<f64>,
    from_connection: Vec<f64>,
}

pub(crate) async fn measure(run: &mut Run) {
    for keys in run.size(vec![1000, 10_000, 50_000], vec![100, 1000]) {
        let server = Server::start().await;
        let rounds = run.size(if keys > 10_000 { 3 } else { 5 }, 1);
        let mut times: Vec<Times> = Contender::USUAL.iter().map(|_| Times::default()).collect();
        for round in 0..rounds {
            for at in 0..Contender::USUAL.len() {
                let at = (at + round) % Contender::USUAL.len();
                let who = Contender::USUAL[at];
                if who != Contender::StreamPerKey || keys <= MOST_STREAMS {
                    restart(&server, who, keys, &mut times[at]).await;
                }
            }
        }
        for (who, times) in Contender::USUAL.into_iter().zip(&mut times) {
            if !times.from_ready.is_empty() {
                run.add(WORK, Some(keys), who, median(&mut times.from_ready), "ms");
                let from_connection = median(&mut times.from_connection);
                run.add(FROM_CONNECTION, Some(keys), who, from_connection, "ms");
            }
        }
    }
}

async fn restart(server: &Server, who: Contender, keys: usize, times: &mut Times) {
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
    let mut connection = ready;
    while proxy.connections() == 0 {
        connection = Instant::now(); // before it, rather than after
        sleep(LOOK).await;
    }
    board.complete().await;
    let milliseconds = |from: Instant| from.elapsed().as_secs_f64() * 1e3;
    times.from_ready.push(milliseconds(ready));
    times.from_connection.push(milliseconds(connection));
    drop(following);
    server.is_left().await;
}
