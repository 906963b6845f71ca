//! A fleet behind four proxies.

use std::time::Instant;

use etcd_harness::{Cluster, Service, ServiceKind};
use measure::median;
use tokio::time::sleep;

use super::part::now;
use super::table::Table;
use super::{CPU, DOWN, Fleet, IDLE, LIVENESS, READS, RESIDENT, STREAMS, WATCHES};
use super::{count, is_even, live_memory, put, restart, seconds, start, sum};

const PROXIES: usize = 4;
const STORES: usize = 2000;
/// Stores that start after a proxy came back.
const NEW: usize = 400;
const PUTS: u32 = 20;

pub(crate) async fn measure(nodes: usize, table: &mut Table) {
    let (cluster, writer) = start(nodes).await;
    let memory = live_memory(&cluster).await;
    let targets: Vec<_> = cluster.nodes().iter().map(etcd_harness::Node::address).collect();
    let mut proxies = Vec::new();
    for _ in 0..PROXIES {
        let program = cluster.binary().path();
        proxies.push(Service::start(ServiceKind::GrpcProxy, program, &targets).await);
    }
    let endpoints: Vec<String> = proxies.iter().map(Service::endpoint).collect();
    let addresses: Vec<String> = proxies.iter().map(|it| it.address().to_string()).collect();

    let mut generation = 1;
    put(&writer, generation).await;
    let mut fleet = Fleet::start(STORES, LIVENESS, &endpoints);
    let (last, report) = fleet.current(generation).await;
    let (all, _, at_one) = report.attempts_since(fleet.started);
    table.row(
        "2000 stores start at once: all live after",
        format!("{:.1} s", seconds(fleet.started, last)),
    );
    let bound = count(STORES) * 1.5;
    table.check(
        "… connections tried, the most in 1 s at one proxy",
        format!("{all}, {at_one}"),
        "at most 1.5 a store",
        count(all) <= bound,
    );
    let spread = report.at(&addresses);
    table.check("… stores at each proxy", format!("{spread:?}"), "even", is_even(&spread));
    let (streams, watches) = (sum(&cluster, STREAMS).await, sum(&cluster, WATCHES).await);
    let most = count(PROXIES * 3);
    table.check(
        "watch streams at the cluster",
        streams.to_string(),
        "at most 3 a proxy",
        streams <= most,
    );
    table.check(
        "watches at the cluster",
        watches.to_string(),
        "at most 4 a proxy",
        watches <= count(PROXIES * 4),
    );
    let grown = (live_memory(&cluster).await - memory) / 1e6;
    table.row("the cluster's memory grew by", format!("{grown:.1} MB"));

    let (mut medians, mut lasts) = (Vec::new(), Vec::new());
    for _ in 0..PUTS {
        generation += 1;
        let at = put(&writer, generation).await;
        let (_, report) = fleet.current(generation).await;
        let mut took: Vec<f64> =
            report.stores.iter().map(|it| seconds(at, it.taken) * 1e3).collect();
        medians.push(median(&mut took));
        lasts.push(took.last().copied().unwrap_or(f64::NAN));
    }
    let (median_store, last_store) = (median(&mut medians), median(&mut lasts));
    table.row(
        "a put reaches all: the median store, the last, the last of 20 puts",
        format!("{median_store:.0} ms, {last_store:.0} ms, {:.0} ms", lasts[lasts.len() - 1]),
    );

    idle(&cluster, &proxies, &mut fleet, table).await;

    let before = fleet.report();
    let killed = now();
    proxies[0].kill();
    let report =
        fleet.all("at another proxy", |it| it.live && !it.source.contains(&addresses[0])).await;
    let lost = before.at(&addresses)[0];
    let moved = |it: &&(_, _)| -> bool {
        let (old, _): &(&super::StoreState, &super::StoreState) = *it;
        old.source.contains(&addresses[0])
    };
    let pairs: Vec<_> = before.stores.iter().zip(&report.stores).collect();
    let others = addresses.len() - 1;
    let to: Vec<usize> = addresses[1..]
        .iter()
        .map(|address| {
            pairs.iter().filter(moved).filter(|(_, new)| new.source.contains(address)).count()
        })
        .collect();
    let stayed = pairs
        .iter()
        .filter(|it| !moved(it))
        .all(|(old, new)| old.source == new.source && old.since == new.since);
    let last = report.stores.iter().map(|it| it.since).max().unwrap_or(0);
    table.row(
        "a proxy is killed: its stores are all live elsewhere after",
        format!("{lost} stores, {:.2} s", seconds(killed, last)),
    );
    table.check(
        "… its stores, at each other proxy",
        format!("{to:?}"),
        "even",
        is_even(&to) && others == to.len(),
    );
    table.check("… the other stores", if stayed { "stayed" } else { "moved" }, "stay", stayed);
    sleep(DOWN).await;
    let (all, _, at_one) = fleet.report().attempts_since(killed);
    table.check(
        "… connections tried, the most in 1 s at one proxy",
        format!("{all}, {at_one}"),
        "at most 2 a store that moves",
        all <= 2 * lost as u64,
    );

    proxies[0].restart().await;
    let mut new = Fleet::start(NEW, LIVENESS, &endpoints);
    let (last, report) = new.current(generation).await;
    let spread = report.at(&addresses);
    table.check(
        "it comes back: 400 new stores, at each proxy",
        format!("{spread:?}, {:.1} s", seconds(new.started, last)),
        "even",
        is_even(&spread),
    );
    drop(new);
    let before = fleet.report();
    let killed = now();
    proxies[1].kill();
    let report =
        fleet.all("at another proxy", |it| it.live && !it.source.contains(&addresses[1])).await;
    let last = report.stores.iter().map(|it| it.since).max().unwrap_or(0);
    let (was, spread) = (before.at(&addresses), report.at(&addresses));
    table.check(
        "another is killed: at each proxy before, after",
        format!("{was:?}, {spread:?}, {:.2} s", seconds(killed, last)),
        "some at the first",
        spread[0] > was[0],
    );
    proxies[1].restart().await;

    let (killed, healthy) = restart(&cluster).await;
    generation += 1;
    put(&writer, generation).await;
    let (last, report) = fleet.current(generation).await;
    table.row(
        "the cluster is restarted: all live after it is healthy",
        format!("{:.1} s, down for {:.1} s", seconds(healthy, last), seconds(killed, healthy)),
    );
    let (all, in_one, _) = report.attempts_since(killed);
    let a_second = count(all) / seconds(killed, last.max(healthy)) / count(STORES);
    table.check(
        "… connections tried, the most in 1 s, for each store and second",
        format!("{all}, {in_one}, {a_second:.2}"),
        "at most 4 for each",
        a_second <= 4.0,
    );
    table.row("… stores at each proxy", format!("{:?}", report.at(&addresses)));
    for (name, most) in [(STREAMS, 3), (WATCHES, 4)] {
        let now = sum(&cluster, name).await;
        table.check(
            &format!("… `{name}`"),
            now.to_string(),
            "as before",
            now <= count(PROXIES * most),
        );
    }
}

/// What an idle fleet costs.
async fn idle(cluster: &Cluster, proxies: &[Service], fleet: &mut Fleet, table: &mut Table) {
    let mut at_proxies = [0.0; 2];
    let mut resident = 0.0;
    for (sum, name) in at_proxies.iter_mut().zip([READS, CPU]) {
        for proxy in proxies {
            *sum -= proxy.metric(name).await;
        }
    }
    let (start, at) = (Instant::now(), now());
    let (reads, cpu) = (sum(cluster, READS).await, sum(cluster, CPU).await);
    sleep(IDLE).await;
    let took = start.elapsed().as_secs_f64();
    let (reads, cpu) = (sum(cluster, READS).await - reads, sum(cluster, CPU).await - cpu);
    for (sum, name) in at_proxies.iter_mut().zip([READS, CPU]) {
        for proxy in proxies {
            *sum += proxy.metric(name).await;
        }
    }
    for proxy in proxies {
        resident += proxy.metric(RESIDENT).await / 1e6;
    }
    let a_minute = |requests: f64| requests / count(STORES) * 60.0 / took;
    let (proxied, through) = (a_minute(at_proxies[0]), a_minute(reads));
    table.check(
        "idle: reads a minute for each store, at the proxies",
        format!("{proxied:.1}"),
        "30",
        (27.0..33.0).contains(&proxied),
    );
    table.row("… at the cluster", format!("{through:.1}"));
    table.row(
        "… CPU of the cluster, of all proxies",
        format!("{:.0} %, {:.0} % of a core", cpu / took * 100.0, at_proxies[1] / took * 100.0),
    );
    table.row("… memory of all proxies", format!("{resident:.0} MB"));
    let (again, ..) = fleet.report().attempts_since(at + 1_000_000);
    table.check("… connections tried", again.to_string(), "none", again == 0);
}
