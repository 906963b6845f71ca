//! Packets that are dropped without a word, between two network namespaces.
//!
//! Why no packet filter? Many a kernel has none for us. A neighbour entry with a hardware address that
//! nobody has does the same: what is sent leaves, and nobody takes it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use etcd_client::Client;
use etcd_harness::{Binary, Cluster, eventually};
use event_etcd::Options;
use tokio::time::sleep;

use crate::connections::first_of_two;
use crate::row::Row;
use crate::scenario::{NEVER, Scenario, seconds};

const NEEDS: &str = "root, `ip` and network namespaces";
const PORT: u16 = 2379;
const NOBODY: &str = "02:00:00:00:00:99";

/// An etcd in a network namespace of its own, gone when this is dropped.
struct Far {
    namespace: String,
    device: String,
    here: Ipv4Addr,
    there: Ipv4Addr,
    server: Option<Child>,
    data: std::path::PathBuf,
}

pub(crate) async fn dropped(lasts: u64) -> Row {
    let far = match Far::start() {
        Ok(far) => far,
        Err(error) => return Row::not_run(format!("{NEEDS} ({error})")),
    };
    let endpoint = format!("http://{}", far.address());
    let writer = far.client().await;
    let mut scenario =
        Scenario::start_at(vec![far.address()], vec![endpoint], Options::new(), &writer).await;
    let fault = Instant::now();
    far.drop_packets(true).expect("packets are dropped");
    sleep(seconds(lasts)).await;
    far.drop_packets(false).expect("packets pass");
    let healed = Instant::now();
    // The old client's connection is as broken as the store's.
    scenario.put(&far.client().await).await;
    scenario.end(fault, healed, seconds(2)).await.require_detected().require_said("Unreachable")
}

pub(crate) async fn first_drops() -> Row {
    let far = match Far::start() {
        Ok(far) => far,
        Err(error) => return Row::not_run(format!("{NEEDS} ({error})")),
    };
    let cluster = Cluster::start(1).await;
    far.drop_packets(true).expect("packets are dropped");
    first_of_two(&cluster, format!("http://{}", far.address())).await
}

impl Far {
    fn address(&self) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(self.there), PORT)
    }

    fn start() -> io::Result<Self> {
        let id = std::process::id();
        // Of the range for benchmarks (RFC 2544), each process four of its own.
        let [.., high, low] = (id << 2).to_be_bytes();
        let mut far = Self {
            namespace: format!("faults-{id}"),
            device: format!("f{id}"),
            here: Ipv4Addr::new(198, 18, high, low + 1),
            there: Ipv4Addr::new(198, 18, high, low + 2),
            server: None,
            data: std::env::temp_dir().join(format!("faults-{id}")),
        };
        let (namespace, device) = (far.namespace.clone(), far.device.clone());
        ip(&["netns", "add", &namespace])?;
        ip(&["link", "add", &device, "type", "veth", "peer", "name", "far", "netns", &namespace])?;
        ip(&["addr", "add", &format!("{}/30", far.here), "dev", &device])?;
        ip(&["link", "set", &device, "up"])?;
        ip(&["-n", &namespace, "addr", "add", &format!("{}/30", far.there), "dev", "far"])?;
        ip(&["-n", &namespace, "link", "set", "far", "up"])?;
        ip(&["-n", &namespace, "link", "set", "lo", "up"])?;
        let url = format!("http://{}", far.address());
        let server = Command::new("ip")
            .args(["netns", "exec", &namespace, "setpriv", "--pdeathsig", "KILL"])
            .arg(Binary::find().path())
            .arg(format!("--data-dir={}", far.data.display()))
            .arg(format!("--listen-client-urls={url}"))
            .arg(format!("--advertise-client-urls={url}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        far.server = Some(server);
        Ok(far)
    }

    /// A client on a connection of its own, once the server serves.
    async fn client(&self) -> Client {
        eventually(NEVER, "the far server serves", async || {
            let url = format!("http://{}", self.address());
            let client = Client::connect([url], None).await?;
            client.kv_client().get("any", None).await.map(|_| client)
        })
        .await
    }

    /// Both ways, from now on.
    fn drop_packets(&self, dropped: bool) -> io::Result<()> {
        let inside = ["-n", &self.namespace];
        let (here, there) = (self.here.to_string(), self.there.to_string());
        if dropped {
            let to = ["lladdr", NOBODY, "nud", "permanent", "dev"];
            let entry = [&["neigh", "replace", &there][..], &to, &[&self.device]].concat();
            ip(&entry)?;
            return ip(&[&inside[..], &["neigh", "replace", &here], &to, &["far"]].concat());
        }
        ip(&["neigh", "del", &there, "dev", &self.device])?;
        ip(&[&inside[..], &["neigh", "del", &here, "dev", "far"]].concat())
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
        // The devices go with it.
        let _ = ip(&["netns", "del", &self.namespace]);
        let _ = ip(&["link", "del", &self.device]);
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

fn ip(args: &[&str]) -> io::Result<()> {
    let output = Command::new("ip").args(args).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("ip {}: {said}", args.join(" "))))
}
