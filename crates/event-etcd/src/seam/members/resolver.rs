//! From names to addresses.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use event_core::CauseKind;
use tokio::time::timeout;

use super::detached::Detached;
use crate::endpoint::{Address, Endpoint};
use crate::seam::Failure;

type Lookup = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// Resolves names anew each time, on threads of its own: one at a time for each name.
pub(super) struct Resolver {
    lookup: Arc<Lookup>,
    running: Detached<Result<Vec<SocketAddr>, String>>,
}

impl Resolver {
    /// The resolver of the system, which may hang.
    pub(super) fn of_system() -> Self {
        Self::new(|host, port| Ok((host, port).to_socket_addrs()?.collect()))
    }

    fn new(
        lookup: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        Self { lookup: Arc::new(lookup), running: Detached::new() }
    }

    /// The addresses that an endpoint has now: at least one, and none twice.
    pub(super) async fn resolve(
        &self,
        endpoint: &Endpoint,
        within: Duration,
    ) -> Result<Vec<Address>, Failure> {
        if let Some(address) = endpoint.address() {
            return Ok(vec![address]);
        }
        let Endpoint::Tcp(host, port) = endpoint else { return Ok(Vec::new()) };
        let (host, port, lookup) = (host.to_string(), *port, Arc::clone(&self.lookup));
        let name = format!("{host}:{port}");
        let work = {
            let host = host.clone();
            move || lookup(&host, port).map_err(|error| error.to_string())
        };
        let failed = |what: &str| Failure::new(CauseKind::Unreachable, what);
        match timeout(within, self.running.run(&name, work)).await {
            Ok(Some(Ok(mut addresses))) if !addresses.is_empty() => {
                let mut seen = Vec::new();
                addresses.retain(|address| {
                    let is_new = !seen.contains(address);
                    seen.push(*address);
                    is_new
                });
                Ok(addresses.into_iter().map(Address::Tcp).collect())
            }
            Ok(Some(Ok(_))) => Err(failed(&format!(
                "the name {host} has no address: check its spelling and its records in the DNS"
            ))),
            Ok(Some(Err(error))) => Err(failed(&format!(
                "the name {host} can't be resolved: {error}: check its spelling, and the DNS servers and hosts \
                 file of this machine"
            ))),
            Ok(None) => Err(failed(&format!(
                "the name {host} can't be resolved: the system gives the program no further thread"
            ))),
            Err(_) => Err(failed(&format!(
                "the name {host} was not resolved within {within:?}: check that the DNS servers of this machine \
                 answer"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(20);

    fn endpoint(endpoint: &str) -> Endpoint {
        Endpoint::parse(endpoint, false).unwrap()
    }

    fn texts(addresses: &[Address]) -> Vec<String> {
        addresses.iter().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn an_endpoint_has_each_address_of_its_name_once_and_anew_each_time() {
        let ports = Arc::new(AtomicUsize::new(0));
        let resolver = Resolver::new(move |host, port| {
            assert_eq!((host, port), ("etcd.example", 2379));
            let last = ports.fetch_add(1, Ordering::Relaxed);
            let address = |last| format!("10.0.0.{last}:2379").parse().unwrap();
            Ok(vec![address(last), address(last + 1), address(last)])
        });
        let endpoint = endpoint("Etcd.Example:2379");
        for addresses in [["10.0.0.0:2379", "10.0.0.1:2379"], ["10.0.0.1:2379", "10.0.0.2:2379"]] {
            assert_eq!(texts(&resolver.resolve(&endpoint, LONG).await.unwrap()), addresses);
        }
    }

    #[tokio::test]
    async fn addresses_and_sockets_are_not_looked_up() {
        let resolver = Resolver::new(|_, _| unreachable!("there is no name"));
        for (name, address) in [
            ("http://127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]:1", "[::1]:1"),
            ("unix:///run/etcd.sock", "unix:/run/etcd.sock"),
        ] {
            let addresses = resolver.resolve(&endpoint(name), LONG).await.unwrap();
            assert_eq!(texts(&addresses), [address]);
        }
    }

    #[tokio::test]
    async fn a_resolver_that_hangs_is_asked_once_and_its_name_is_in_the_failure() {
        let (go_on, hangs) = mpsc::channel::<()>();
        let (hangs, asked) = (Mutex::new(hangs), Arc::new(AtomicUsize::new(0)));
        let resolver = Resolver::new({
            let asked = Arc::clone(&asked);
            move |_, _| {
                asked.fetch_add(1, Ordering::Relaxed);
                let _ = hangs.lock().unwrap().recv();
                Ok(vec!["10.0.0.1:1".parse().unwrap()])
            }
        });
        let endpoint = endpoint("etcd.example:1");
        for _ in 0..3 {
            let failure = resolver.resolve(&endpoint, SHORT).await.unwrap_err();
            assert!(failure.message.contains("etcd.example was not resolved"), "{failure:?}");
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        drop(go_on);
        assert_eq!(texts(&resolver.resolve(&endpoint, LONG).await.unwrap()), ["10.0.0.1:1"]);
    }

    #[tokio::test]
    async fn a_name_without_an_address_says_what_to_check() {
        let unknown = Resolver::new(|_, _| Err(io::Error::other("name or service not known")));
        let empty = Resolver::new(|_, _| Ok(Vec::new()));
        for (resolver, words) in [(unknown, "not known"), (empty, "has no address")] {
            let failure = resolver.resolve(&endpoint("etcd.example:1"), LONG).await.unwrap_err();
            let has = |words| failure.message.contains(words);
            assert!(has("etcd.example") && has(words) && has("check"), "{failure:?}");
        }
    }

    #[tokio::test]
    async fn the_system_knows_this_machine() {
        let resolver = Resolver::of_system();
        let addresses = resolver.resolve(&endpoint("localhost:2379"), LONG).await.unwrap();
        assert!(texts(&addresses).iter().any(|a| a.ends_with(":2379")), "{addresses:?}");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_interface_of_a_link_local_address_is_known() {
        let endpoint = endpoint("[fe80::1%lo]:2379");
        let addresses = Resolver::of_system().resolve(&endpoint, LONG).await.unwrap();
        assert_eq!(texts(&addresses), ["[fe80::1%1]:2379"]);
    }
}
