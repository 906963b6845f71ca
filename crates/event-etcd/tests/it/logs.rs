//! What a program that logs warnings sees of a failure.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use etcd_harness::{Authority, Cluster, Port, Proxy, auth};
use event_core::ValueReader;
use event_etcd::{EtcdStore, Options};
use tracing::Level;

use crate::support::{BOUND, HealthExt, options, put, until};
use crate::terminator::Signer;

/// What is logged, as text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    pub(crate) fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync {
        self.subscriber_at(Level::INFO)
    }

    fn subscriber_at(&self, level: Level) -> impl tracing::Subscriber + Send + Sync {
        let logs = self.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(level).with_ansi(false);
        subscriber.with_writer(move || logs.clone()).finish()
    }

    pub(crate) fn lines_with(&self, words: &str) -> usize {
        self.lines(&[words]).len()
    }

    /// The lines that have all these words.
    fn lines(&self, words: &[&str]) -> Vec<String> {
        let text = self.0.lock().unwrap();
        let text = String::from_utf8_lossy(&text);
        let has_all = |line: &&str| words.iter().all(|words| line.contains(words));
        text.lines().filter(has_all).map(str::to_owned).collect()
    }

    async fn has(&self, words: &[&str]) {
        let has = async || !self.lines(words).is_empty();
        etcd_harness::eventually(BOUND, &format!("{words:?} is logged: {self:?}"), has).await;
    }
}

impl std::io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A warning with these words is logged if a key is watched with these options.
async fn assert_warns(endpoint: String, options: Options, words: &[&str]) {
    let logs = Logs::default();
    let _here = tracing::subscriber::set_default(logs.subscriber_at(Level::WARN));
    let store = EtcdStore::connect([endpoint.clone()], options).await.unwrap();
    let _watcher = store.value("app/key").watch();
    logs.has(&[&["WARN", "stalled: ", endpoint.as_str()], words].concat()).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_warning() {
    let port = Port::claim();
    // Where the port is claimed, a busy machine may say reset.
    assert_warns(port.address().to_string(), options(), &["unreachable: "]).await;
}

#[tokio::test]
async fn a_wrong_password_is_a_warning() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client().await;
    auth::add_reader(&client, "reader", "hunter2", "role", "app/").await;
    auth::enable(&client, "root").await;
    let options = options().user("reader", "wrong");
    let words = ["unauthenticated: ", "invalid user ID or password"];
    assert_warns(cluster.node(0).endpoint(), options, &words).await;
}

#[tokio::test]
async fn a_wrong_authority_and_a_wrong_scheme_are_warnings_that_name_what_to_change() {
    let (authority, stranger) = (Authority::new(), Signer::new("stranger"));
    let cluster = Cluster::builder().tls(&authority).start().await;
    let endpoint = cluster.node(0).endpoint();
    let wrong = options().ca_certificate(stranger.pem());
    assert_warns(endpoint, wrong, &["`Options::ca_certificate`", "UnknownIssuer"]).await;
    let plain = format!("http://{}", cluster.node(0).address());
    assert_warns(plain, options(), &["write https://"]).await;
}

#[tokio::test]
async fn a_stall_is_one_warning_and_its_end_says_how_long_it_lasted() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client().await;
    let proxy = Proxy::start(cluster.node(0).address());
    let logs = Logs::default();
    let _here = tracing::subscriber::set_default(logs.subscriber());
    let store = EtcdStore::connect([proxy.endpoint()], options()).await.unwrap();
    let mut watcher = store.value("key").watch();
    put(&client, "key", "a").await;
    until(&mut watcher, "a").await;
    store.health_live().await;
    assert_eq!(logs.lines(&[""]), Vec::<String>::new(), "all is well");
    proxy.refuse().await;
    logs.has(&["WARN", "stalled: unreachable: "]).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    proxy.accept();
    logs.has(&["INFO", "no longer stalled, after "]).await;
    let ends = logs.lines(&["no longer stalled, after "]);
    let seconds = ends[0].split("after ").nth(1).and_then(|rest| rest.split(' ').next());
    let seconds: f64 = seconds.unwrap().parse().unwrap();
    assert!((1.5..20.0).contains(&seconds), "{ends:?}");
    let warnings = logs.lines(&["WARN"]);
    let mut different =
        warnings.iter().map(|line| line.split("stalled: ").nth(1)).collect::<Vec<_>>();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), warnings.len(), "{warnings:?}");
}

#[tokio::test]
async fn a_key_that_cant_be_read_is_a_warning_and_its_end_is_logged() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client().await;
    auth::add_reader(&client, "reader", "hunter2", "role", "app/").await;
    auth::enable(&client, "root").await;
    let root = cluster.client_as("root", "root").await;
    let logs = Logs::default();
    let _here = tracing::subscriber::set_default(logs.subscriber());
    let options = options().user("reader", "hunter2");
    let store = EtcdStore::connect(cluster.endpoints(), options).await.unwrap();
    let _watchers = [store.value("app/key").watch(), store.value("other/key").watch()];
    logs.has(&["WARN", "a key can't be read: permission denied: key `other/key`: "]).await;
    auth::grant_read(&root, "role", "other/").await;
    logs.has(&["INFO", "every key that is watched can be read again, after "]).await;
    assert_eq!(logs.lines_with("stalled"), 0, "{logs:?}");
}
