//! How many watches the servers have: none may outlive its watcher.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

const METRIC: &str = "etcd_debugging_mvcc_watcher_total";
/// A server takes a while to notice that a connection ended: where the network took the last packet,
/// until the kernel sends it again, which after 70 s of loss may be 40 s later.
const BOUND: Duration = Duration::from_secs(60);

/// Waits until the servers have as many watches as before; says how many are left over.
pub(crate) async fn left_over(servers: &[SocketAddr], before: u64) -> u64 {
    let start = Instant::now();
    loop {
        let left = count(servers).await.saturating_sub(before);
        if left == 0 || start.elapsed() > BOUND {
            return left;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// The watches of all servers; one that does not answer has none.
pub(crate) async fn count(servers: &[SocketAddr]) -> u64 {
    let mut sum = 0;
    for server in servers {
        sum += timeout(Duration::from_secs(2), of(*server)).await.ok().flatten().unwrap_or(0);
    }
    sum
}

async fn of(server: SocketAddr) -> Option<u64> {
    let mut stream = TcpStream::connect(server).await.ok()?;
    let request = format!("GET /metrics HTTP/1.0\r\nHost: {server}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.ok()?;
    let line = text.lines().find(|line| line.starts_with(METRIC))?;
    line.rsplit(' ').next()?.parse().ok()
}
