//! The fault table: each fault on real servers with the default options, and what a store did.
//!
//! `cargo xtask faults` runs the short rows, with `--long` those that last for minutes too, and with a
//! word only those whose name has it. Ends with an error if a row is over its bound or loses anything.
//! `cargo xtask soak [MINUTES [SEED]]` breaks three nodes at random instead.

mod auth;
mod catching_up;
mod certificates;
mod connections;
mod disk;
mod health_log;
mod history;
mod maps;
mod members;
mod mirror;
mod names;
mod network;
mod proxies;
mod row;
mod scenario;
mod soak;
mod volume;
mod watches;

use std::process::ExitCode;
use std::time::Duration;

use etcd_harness::Binary;

use crate::row::Row;

/// A row: its name, and what runs it.
type Fault = (&'static str, fn() -> Running);
type Running = std::pin::Pin<Box<dyn Future<Output = Row>>>;

/// Names a row and boxes what runs it.
macro_rules! faults {
    ($($name:literal => $run:expr),* $(,)?) => {
        &[$(($name, (|| Box::pin($run)) as fn() -> Running)),*]
    };
}

const SHORT: &[Fault] = faults![
    "server killed, restarted after 5 s" => members::killed(Duration::from_secs(5)),
    "server terminated, restarted" => members::terminated(),
    "member in use killed, others fine" => members::in_use_killed(),
    "leader killed" => members::leader_killed(),
    "member in use stopped 30 s, others fine" => members::in_use_stopped(),
    "member in use cut from its peers" => members::cut_from_peers(),
    "disk of the member in use stalled" => disk::in_use_stalled(),
    "disk of the only member stalled" => disk::only_one_stalled(),
    "two of three stopped 10 s" => members::two_stopped(),
    "half-open 20 s, one endpoint" => connections::half_open_alone(),
    "half-open, three endpoints" => connections::half_open_of_three(),
    "connection reset, five times" => connections::reset_or_closed(true),
    "connection closed in order, five times" => connections::reset_or_closed(false),
    "first endpoint of two refuses" => connections::first_is_dead(true),
    "first endpoint of two is silent" => connections::first_is_dead(false),
    "one name, three addresses, the first silent" => names::address_in_use_silent(),
    "first endpoint of two drops packets" => network::first_drops(),
    "packets dropped 20 s, one endpoint" => network::dropped(20),
    "grpc-proxy, killed, restarted after 3 s" => proxies::grpc_proxy(),
    "slow link, 1.4 MB over 100 kB/s" => proxies::slow_link(),
    "compaction while connected" => history::compacted(true),
    "compaction while not connected" => history::compacted(false),
    "compaction while the stream is 30 MB behind" => history::compacted_behind(),
    "store wiped" => history::wiped(false),
    "store wiped, the new history already past" => history::wiped(true),
    "older snapshot restored" => history::restored_older(),
    "restored, another value at the same revision" => history::restored_at_same_revision(),
    "permission revoked, reset, granted" => auth::permission(),
    "password changed, reset, changed back" => auth::password(),
    "token expired, then a reset" => auth::token(),
    "certificate rotated, the old one expired" => certificates::rotated(),
    "login storm, 60 stores" => auth::login_storm(),
    "100,000 puts while the reader sleeps" => volume::asleep(),
    "40,000 puts behind a connection held 2.3 s" => volume::held(40_000, 2.3),
    "60,000 puts behind a connection held 2.5 s" => volume::held(60_000, 2.5),
    "100,000 puts while the reader's thread is blocked" => volume::blocked(100_000),
    "2000 values of 100 kB" => volume::large(2000, 100_000),
    "200 values of 1 MB" => volume::large(200, 1 << 20),
    "one value of 5 MB" => volume::large(1, 5 << 20),
    "key deleted, and created after 10 s" => volume::deleted(10),
    "lease expired" => volume::lease_expired(),
    "map: connection reset, five times" => maps::reset(),
    "map: half-open 10 s" => maps::half_open(),
    "map: server killed, restarted after 2 s" => maps::server_killed(),
    "map: member in use killed, others fine" => maps::in_use_killed(),
    "map: leader killed" => maps::leader_killed(),
    "map: member in use cut from its peers" => maps::cut_from_peers(),
    "map: disk of the member in use stalled" => maps::disk_stalled(),
    "map: slow link, and a reset" => maps::slow_link(),
    "map: grpc-proxy, killed, restarted after 2 s" => maps::grpc_proxy(),
    "map: compaction while not connected" => maps::compacted(),
    "map: compactions without end, and five resets" => maps::compacted_all_the_time(),
    "map: store wiped, the new history already past" => maps::wiped(),
    "map: older snapshot restored" => maps::restored(false),
    "map: older snapshot restored, the new history already past" => maps::restored(true),
    "map: permission revoked, reset, granted" => maps::permission(),
    "map: token expired, then a reset" => maps::token(),
];

const LONG: &[Fault] = faults![
    "server killed, restarted after 60 s" => members::killed(Duration::from_secs(60)),
    "packets dropped 70 s, one endpoint" => network::dropped(70),
    "key deleted, and created after 40 s" => volume::deleted(40),
];

/// What CI runs where it can: rows that need more than an etcd, and that no test covers.
const QUICK: &[&str] =
    &["disk of the member in use stalled", "one name, three addresses, the first silent"];

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "soak") {
        let number = |at: usize, default| {
            arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default)
        };
        let kept = soak::soak(number(1, 10), number(2, fastrand::u64(..1_000_000))).await;
        return if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if arguments.first().is_some_and(|first| first == names::CHILD) {
        names::child().await;
        return ExitCode::SUCCESS;
    }
    if arguments.first().is_some_and(|first| first == "catching-up") {
        let rounds = arguments.get(1).and_then(|text| text.parse().ok()).unwrap_or(20);
        println!("{}", version());
        Box::pin(catching_up::experiment(rounds, arguments.get(2).map(String::as_str))).await;
        return ExitCode::SUCCESS;
    }
    if arguments.first().is_some_and(|first| first == "busy") {
        println!("{}", version());
        catching_up::busy(Duration::from_secs(20)).await;
        return ExitCode::SUCCESS;
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let long = arguments.iter().any(|argument| argument == "--long");
    let only = arguments.iter().find(|argument| !argument.starts_with("--"));
    println!(
        "{}, {} cores\n",
        version(),
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    println!(
        "| fault | health stalled after | first new value after | bound | lost | backward | health said |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut all_kept = true;
    let rows = SHORT.iter().chain(LONG.iter().filter(|_| long));
    let is_wanted = |name: &str| {
        only.is_none_or(|only| name.contains(only)) && (!quick || QUICK.contains(&name))
    };
    for (name, run) in rows.filter(|(name, _)| is_wanted(name)) {
        let row = run().await;
        all_kept &= row.is_kept();
        println!("| {name} | {row} |");
    }
    if all_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn version() -> String {
    let (major, minor, patch) = Binary::find().version();
    format!("etcd {major}.{minor}.{patch}")
}
