//! From the connect until each of many keys has told its first value, of 100 bytes.

use std::sync::Arc;
use std::time::Instant;

use etcd_client::{Client, Txn, TxnOp};
use futures_util::stream::{self, StreamExt};
use measure::{Role, median};

use crate::board::Board;
use crate::contenders::Contender;
use crate::keys;
use crate::run::Run;
use crate::server::Server;

const WORK: &str = "first values of many keys";
const BYTES: usize = 100;
/// More streams than this on one connection are no way to go.
pub(super) const MOST_STREAMS: usize = 10_000;
/// etcd's default for `--max-txn-ops`.
const BATCH: usize = 128;

pub(crate) async fn measure(run: &mut Run) {
    for keys in run.size(vec![1000, 10_000, 50_000], vec![100, 1000]) {
        let server = Server::start().await;
        keys::write(&server.writer, keys, 1, BYTES).await;
        keys::read(&server.writer, keys).await;
        let rounds = run.size(if keys > 10_000 { 3 } else { 5 }, 1);
        let (mut times, mut floor) = (vec![Vec::new(); Contender::USUAL.len()], Vec::new());
        for round in 0..rounds {
            for at in 0..Contender::USUAL.len() {
                let at = (at + round) % Contender::USUAL.len();
                let who = Contender::USUAL[at];
                if who == Contender::StreamPerKey && keys > MOST_STREAMS {
                    continue;
                }
                let board = Arc::new(Board::new(keys));
                let start = Instant::now();
                let following = who.follow(&server.endpoint(), keys, &board).await;
                board.complete().await;
                times[at].push(start.elapsed().as_secs_f64() * 1e3);
                // Each has all of its watches, and none is left for the next.
                server.has_watches(keys).await;
                drop(following);
                server.is_left().await;
            }
            floor.push(reads(&server, keys).await);
        }
        for (who, times) in Contender::USUAL.into_iter().zip(&mut times) {
            if !times.is_empty() {
                run.add(WORK, Some(keys), who, median(times), "ms");
            }
        }
        let reads = ("reads of 128, no watch", Role::Floor);
        run.add_as(WORK, Some(keys), reads, median(&mut floor), "ms");
    }
}

/// The reads alone: 128 keys in a transaction, 8 of them in flight.
async fn reads(server: &Server, keys: usize) -> f64 {
    let start = Instant::now();
    let client = Client::connect([server.endpoint()], None).await.expect("a client");
    let txns = (0..keys).step_by(BATCH).map(|first| {
        let mut kv = client.kv_client();
        async move {
            let last = keys.min(first + BATCH);
            let gets: Vec<_> = (first..last).map(|k| TxnOp::get(keys::name(k), None)).collect();
            kv.txn(Txn::new().and_then(gets)).await.expect("a read").op_responses().len()
        }
    });
    let read: Vec<usize> = stream::iter(txns).buffer_unordered(8).collect().await;
    assert_eq!(read.iter().sum::<usize>(), keys);
    start.elapsed().as_secs_f64() * 1e3
}
