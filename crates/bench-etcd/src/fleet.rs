//! A fleet: thousands of stores on one cluster, behind four `etcd grpc-proxy` and without them.
//!
//! What holds on any machine is checked: how even, how many streams, requests and connections. How long it
//! takes is only printed. `docs/scale.md` explains the figures.

pub(crate) mod part;
mod set_up;
mod stores;
mod table;

use std::time::Duration;

use self::set_up::SetUp;
use self::table::Table;

/// Each store watches both. Only the first one changes.
const KEYS: [&str; 2] = ["fleet/first", "fleet/second"];

/// Measures all, and returns whether every check holds.
pub(crate) async fn measure(arguments: &[String]) -> bool {
    let nodes = arguments.first().and_then(|nodes| nodes.parse().ok()).unwrap_or(1);
    let mut table = Table::default();
    for (proxies, stores, liveness) in [(4, 2000, 5), (0, 1000, 5), (0, 1000, 30), (0, 4000, 30)] {
        let liveness = Duration::from_secs(liveness);
        let way = if proxies > 0 { format!("behind {proxies} proxies") } else { "direct".into() };
        table.column(format!("{stores} stores, {way}, liveness timeout {liveness:?}"));
        let mut set_up = SetUp::start(nodes, proxies, stores, liveness, &mut table).await;
        set_up.puts(&mut table).await;
        set_up.idle(&mut table).await;
        if proxies > 0 {
            set_up.kill_proxies(&mut table).await;
        }
        set_up.restart_cluster(&mut table).await;
    }
    table.finish()
}
