//! One name for several members, as a headless service has.
//!
//! The row runs in a child process whose mount namespace has an `/etc/hosts` of its own. Nothing else makes a
//! name with several addresses without changing the machine.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::Stdio,
    time::Instant,
};

use etcd_harness::{Cluster, Node, Port, Proxy};
use event_etcd::Options;
use tokio::process::Command;

use crate::row::Row;
use crate::scenario::{Scenario, seconds};

const NEEDS: &str = "root and `unshare`";
const NAME: &str = "members.test";
/// What precedes the row in the child's output.
const MARK: &str = "row\t";
/// The argument that makes this program the child.
pub(crate) const CHILD: &str = "one-name";

/// The member in use accepts connections and says nothing, as behind a firewall that changed its mind.
pub(crate) async fn address_in_use_silent() -> Row {
    let hosts = std::env::temp_dir().join(format!("faults-{}-hosts", std::process::id()));
    let lines = (2..=4).map(|last| format!("127.0.0.{last} {NAME}\n"));
    let lines = std::iter::once("127.0.0.1 localhost\n".to_owned()).chain(lines);
    if let Err(error) = std::fs::write(&hosts, lines.collect::<String>()) {
        return Row::not_run(format!("a temporary folder ({error})"));
    }
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", r#"mount --bind "$0" /etc/hosts && exec "$@""#]);
    command.arg(&hosts).arg(std::env::current_exe().expect("this is a program")).arg(CHILD);
    command.stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
    let output = command.output().await;
    // It is in a temporary folder.
    let _ = std::fs::remove_file(&hosts);
    let output = match output {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(error) => return Row::not_run(format!("{NEEDS} ({error})")),
    };
    let row = output.lines().find_map(|line| Row::from_line(line.strip_prefix(MARK)?));
    row.unwrap_or_else(|| Row::not_run(NEEDS))
}

/// What the child does.
pub(crate) async fn child() {
    println!("{MARK}{}", silent().await.to_line());
}

async fn silent() -> Row {
    let cluster = Cluster::start(3).await;
    let port = Port::claim();
    let address = |last| SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), port.number()));
    let nodes = cluster.nodes().iter().map(Node::address);
    let proxies: Vec<_> =
        (2..).zip(nodes).map(|(last, node)| Proxy::start_at(address(last), node)).collect();
    let endpoints = vec![format!("http://{NAME}:{}", port.number())];
    let writer = cluster.leader().await.client().await;
    let mut scenario = Scenario::start(&cluster, endpoints, Options::new(), &writer).await;
    let in_use = proxies.iter().find(|proxy| proxy.connections() > 0).expect("one is in use");
    let fault = Instant::now();
    in_use.hold();
    scenario.put(&writer).await;
    scenario.take_last().await;
    let connections = in_use.accepted();
    // Else the server never hears that the store has left it.
    in_use.release();
    let row = scenario.end(fault, fault, seconds(6)).await.require_detected();
    row.require(connections <= 2, format!("{connections} connections to the silent address"))
}
