//! The time from a put to the line on `config_watch`'s stdout, beside a raw etcd-client watch loop on the
//! same key in the same run: `cargo bench -p examples`.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use etcd_client::{EventType, WatchOptions};
use etcd_harness::{Binary, Cluster};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::time::timeout;

const PUTS: usize = 2000;
const BOUND: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() {
    let cluster = Cluster::start(1).await;
    let (raw_seen, mut raw) = mpsc::channel(16);
    let (line_seen, mut line) = mpsc::channel(16);
    let mut client = cluster.client().await;
    let mut stream = client.watch("key", Some(WatchOptions::new())).await.expect("a watch");
    tokio::spawn(async move {
        while let Ok(Some(response)) = stream.message().await {
            for event in response.events() {
                if event.event_type() == EventType::Put
                    && raw_seen.send(Instant::now()).await.is_err()
                {
                    return;
                }
            }
        }
    });
    let mut program = Command::new(config_watch())
        .args(["--etcd", &cluster.endpoints().join(","), "--key", "key"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect(
            "`cargo bench` builds the example first: cargo build --release -p examples --examples",
        );
    let mut lines = BufReader::new(program.stdout.take().expect("a pipe")).lines();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains(r#""event":"value""#) && line_seen.send(Instant::now()).await.is_err()
            {
                return;
            }
        }
    });

    let writer = cluster.client().await;
    let (mut raw_times, mut line_times) = (Vec::new(), Vec::new());
    for put in 0..PUTS {
        let start = Instant::now();
        writer.kv_client().put("key", put.to_string(), None).await.expect("a put");
        let seen =
            async { (raw.recv().await.expect("an event"), line.recv().await.expect("a line")) };
        let (raw_at, line_at) = timeout(BOUND, seen).await.expect("both see each put");
        if put >= PUTS / 10 {
            raw_times.push(raw_at - start);
            line_times.push(line_at - start);
        }
    }
    println!("{}, {} puts, microseconds from the put", Binary::find(), raw_times.len());
    println!("| | median | p99 |\n|---|---|---|");
    for (name, mut times) in [
        ("raw etcd-client loop, in process", raw_times),
        ("config_watch, line on stdout", line_times),
    ] {
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_micros();
        println!("| {name} | {} | {} |", at(50), at(99));
    }
}

/// `target/release/examples/config_watch`, beside this program's folder.
fn config_watch() -> PathBuf {
    let this = std::env::current_exe().expect("a path");
    this.ancestors().nth(2).expect("a target folder").join("examples/config_watch")
}
