//! A client certificate that expires and is renewed in its file, as many clusters do it every few hours.
//!
//! The row drives the example `config_watch`, which has the paths of its files.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use etcd_harness::{Authority, Cluster, Identity, Proxy};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};
use tokio::time::{sleep, timeout};

use crate::row::Row;
use crate::scenario::{KEY, NEVER, seconds};

const LIFETIME: u64 = 5;

pub(crate) async fn rotated() -> Row {
    let Some(program) = program() else {
        return Row::not_run("the example `config_watch`, which `cargo xtask faults` builds");
    };
    let authority = Authority::new();
    let cluster = Cluster::builder().mutual_tls(&authority).start().await;
    let proxy = Proxy::start(cluster.node(0).address());
    let writer = cluster.client().await;
    let put = async |value: &str| {
        writer.kv_client().put(KEY, value, None).await.expect("a put is taken");
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str| folder.path().join(name);
    let (ca, cert, key) = (file("ca.pem"), file("cert.pem"), file("key.pem"));
    let renew = |identity: &Identity| identity.write_to(&cert, &key).expect("files are written");
    std::fs::write(&ca, authority.pem()).expect("a file is written");
    renew(&authority.short_lived_client("program", seconds(LIFETIME)));
    let issued = Instant::now();

    put("1").await;
    let mut command = Command::new(program);
    command.arg("--etcd").arg(format!("https://{}", proxy.address())).args(["--key", KEY]);
    command.arg("--cacert").arg(&ca).arg("--cert").arg(&cert).arg("--tls-key").arg(&key);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().expect("the example starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let is_live = line_with(&mut lines, "\"live\"").await.is_some();

    // The connection outlives the certificate. The next one does not begin.
    sleep(seconds(LIFETIME + 1).saturating_sub(issued.elapsed())).await;
    let fault = Instant::now();
    proxy.reset().await;
    let mut said = String::new();
    while !said.contains("certificate") && fault.elapsed() < seconds(5) {
        let stalled = timeout(seconds(5), line_with(&mut lines, "\"stalled\"")).await;
        let Ok(Some(line)) = stalled else { break };
        said = line;
    }
    let is_named = said.contains("certificate");
    put("2").await;
    renew(&authority.client("program"));
    let healed = Instant::now();
    let taken = timeout(NEVER, line_with(&mut lines, "\"value\":2")).await.ok().flatten();
    let cause = said.split("\"cause\":").nth(1).unwrap_or(&said);
    let cause = cause.split("\",\"").next().unwrap_or(cause).trim_matches('"').to_owned();
    Row { lost: u32::from(taken.is_none()), said: cause, ..Row::new(healed.elapsed(), seconds(3)) }
        .require(is_live, "the program was not live before")
        .require(is_named, "the cause did not name a certificate")
}

/// The next line that has these words. `None`: the program has ended.
async fn line_with(lines: &mut Lines<BufReader<ChildStdout>>, words: &str) -> Option<String> {
    loop {
        let line = lines.next_line().await.ok()??;
        if line.contains(words) {
            return Some(line);
        }
    }
}

/// `target/<profile>/examples/config_watch`, beside this program.
fn program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.parent()?.join("examples/config_watch");
    program.is_file().then_some(program)
}
