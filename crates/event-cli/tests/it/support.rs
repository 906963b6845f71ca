//! What the tests share.

use std::process::{Output, Stdio};
use std::time::Duration;

use etcd_harness::Cluster;
use tokio::process::Command;
use tokio::time::timeout;

/// A test that waits longer than this has found a bug.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_event");

/// The program, killed if the test ends before it does.
pub(crate) fn event(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("EVENT_ETCD_PASSWORD")
        .kill_on_drop(true);
    command
}

/// What the program prints until it ends.
pub(crate) async fn output(mut command: Command) -> Output {
    timeout(BOUND, command.output()).await.expect("it ends within the bound").unwrap()
}

/// The exit code, stdout and stderr.
pub(crate) async fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = output(event(arguments)).await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The URL of a cluster, with the rest of it.
pub(crate) fn url(cluster: &Cluster, rest: &str) -> String {
    let host = |endpoint: &String| endpoint.split_once("//").unwrap().1.to_owned();
    let hosts: Vec<String> = cluster.endpoints().iter().map(host).collect();
    format!("etcd://{}{rest}", hosts.join(","))
}

/// A cluster of one node that has some keys.
pub(crate) async fn cluster_with(keys: &[(&[u8], &[u8])]) -> Cluster {
    let cluster = Cluster::start(1).await;
    for (key, value) in keys {
        put(&cluster, key, value).await;
    }
    cluster
}

pub(crate) async fn put(cluster: &Cluster, key: &[u8], value: &[u8]) {
    cluster.client().await.kv_client().put(key, value, None).await.unwrap();
}
