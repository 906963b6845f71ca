//! A fleet that is connected to the cluster itself.

use std::time::{Duration, Instant};

use etcd_client::Client;
use etcd_harness::eventually;
use measure::{median, percentile};
use tokio::time::sleep;

use super::part::now;
use super::table::Table;
use super::{BYTES, CPU, Fleet, IDLE, LIVENESS, READS, STREAMS, TIMEOUT, WATCHES};
use super::{count, live_memory, put, restart, seconds, start, sum};
use crate::keys;

const STORES: usize = 1000;
const PUTS: u32 = 1000;
const PAUSE: Duration = Duration::from_millis(10);
/// A longer liveness timeout, in which the cost falls.
const LONG: Duration = Duration::from_secs(30);
/// All messages of the watch streams: those that ask for progress, while nothing else happens.
const ASKED: &str = "grpc_server_msg_received_total{grpc_method=\"Watch\",grpc_service=\"etcdserverpb.Watch\",grpc_type=\"bidi_stream\"}";

pub(crate) async fn measure(nodes: usize, table: &mut Table) {
    let (cluster, writer) = start(nodes).await;
    let endpoints = cluster.endpoints();
    let mut generation = 1;
    put(&writer, generation).await;
    put_latency(&writer, "without a store", table).await;
    let memory = live_memory(&cluster).await;

    for liveness in [LONG, LIVENESS] {
        let mut fleet = Fleet::start(STORES, liveness, &endpoints);
        let (last, _) = fleet.current(generation).await;
        let name = format!("1000 stores directly, liveness timeout {liveness:?}");
        table.row(
            &format!("{name}: all live after"),
            format!("{:.1} s", seconds(fleet.started, last)),
        );
        sleep(LIVENESS).await;
        let (streams, watches) = (sum(&cluster, STREAMS).await, sum(&cluster, WATCHES).await);
        table.row("… watch streams, watches", format!("{streams}, {watches}"));
        let grown = (live_memory(&cluster).await - memory) / count(STORES) / 1e3;
        table.row("… memory of the cluster for each store", format!("{grown:.0} kB"));
        let (start, at) = (Instant::now(), now());
        let mut figures = [0.0; 3];
        for (figure, name) in figures.iter_mut().zip([READS, ASKED, CPU]) {
            *figure = sum(&cluster, name).await;
        }
        sleep(IDLE).await;
        let took = start.elapsed().as_secs_f64();
        for (figure, name) in figures.iter_mut().zip([READS, ASKED, CPU]) {
            *figure = sum(&cluster, name).await - *figure;
        }
        let [reads, asked, cpu] = figures;
        let a_minute = |requests: f64| requests / count(STORES) * 60.0 / took;
        let (reads, asked) = (a_minute(reads), a_minute(asked));
        let expected = 60.0 / (liveness.as_secs_f64() * 0.4);
        let holds = reads <= expected * 1.1 && asked <= expected * 1.1;
        table.check(
            "… idle: reads and progress requests a minute for each store",
            format!("{reads:.1}, {asked:.1}"),
            &format!("at most {expected} of each"),
            holds,
        );
        table.row("… CPU of the cluster", format!("{:.0} % of a core", cpu / took * 100.0));
        let (again, ..) = fleet.report().attempts_since(at + 1_000_000);
        table.check("… connections tried", again.to_string(), "none", again == 0);
        put_latency(&writer, "beside them", table).await;
        if liveness == LIVENESS {
            let (killed, healthy) = restart(&cluster).await;
            generation += 1;
            put(&writer, generation).await;
            let (last, report) = fleet.current(generation).await;
            table.row(
                "the cluster is restarted: all live after it is healthy",
                format!(
                    "{:.1} s, down for {:.1} s",
                    seconds(healthy, last),
                    seconds(killed, healthy)
                ),
            );
            let (all, in_one, _) = report.attempts_since(killed);
            let a_second = count(all) / seconds(killed, last.max(healthy)) / count(STORES);
            table.check(
                "… connections tried, the most in 1 s, for each store and second",
                format!("{all}, {in_one}, {a_second:.2}"),
                "at most 4 for each",
                a_second <= 4.0,
            );
        }
        drop(fleet);
        eventually(TIMEOUT, "no watch is left", async || sum(&cluster, WATCHES).await <= 0.0).await;
    }
    put_latency(&writer, "without a store again", table).await;
}

/// How long puts take of a key that nobody watches.
async fn put_latency(writer: &Client, when: &str, table: &Table) {
    let mut took = Vec::new();
    for generation in 0..PUTS {
        let value = keys::value(generation, BYTES);
        let start = Instant::now();
        writer.kv_client().put("another", value, None).await.expect("a put");
        took.push(start.elapsed().as_secs_f64() * 1e3);
        sleep(PAUSE).await;
    }
    table.row(
        &format!("a put {when}: median, p99"),
        format!("{:.2} ms, {:.2} ms", median(&mut took), percentile(&mut took, 99)),
    );
}
