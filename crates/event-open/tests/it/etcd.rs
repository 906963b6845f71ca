//! Real servers, opened by their URLs.

use std::time::Duration;

use etcd_harness::{Authority, Cluster, auth};
use event_core::{
    BoxStore, CauseKind, ErrorKind, HealthState, ReaderExt, StoreExt, ValueReader, WatcherExt,
};
use event_open::{Opener, open};
use tokio::time::timeout;

const BOUND: Duration = Duration::from_secs(20);

/// The hosts of a cluster as a URL has them.
fn hosts(cluster: &Cluster) -> String {
    let host = |endpoint: &String| endpoint.split_once("//").unwrap().1.to_owned();
    cluster.endpoints().iter().map(host).collect::<Vec<_>>().join(",")
}

async fn text(store: &BoxStore, name: &str) -> Option<String> {
    let value = store.value(name);
    let entry = timeout(BOUND, value.get()).await.expect("within the bound").unwrap();
    Some(String::from_utf8(entry.value()?.to_vec()).unwrap())
}

#[tokio::test]
async fn the_path_is_what_keys_begin_with() {
    let cluster = Cluster::start(3).await;
    let mut kv = cluster.client().await.kv_client();
    for (key, value) in
        [("k", "none"), ("app/k", "app/"), ("/app/k", "/app/"), ("appk", "app"), ("café/k", "é")]
    {
        kv.put(key, value, None).await.unwrap();
    }
    for (path, value) in [
        ("", "none"),
        ("/", "none"),
        ("/app/", "app/"),
        ("//app/", "/app/"),
        ("/app", "app"),
        ("/caf%C3%A9/", "é"),
        (
            "/app/?ordered_endpoints=true&connect_timeout=2s&liveness_timeout=900ms&audit_interval=5m",
            "app/",
        ),
    ] {
        let store = open(&format!("etcd://{}{path}", hosts(&cluster))).await.unwrap();
        assert_eq!(text(&store, "k").await.as_deref(), Some(value), "{path}");
    }
    let store = open(&format!("etcd://{}/app/", hosts(&cluster))).await.unwrap();
    assert_eq!(text(&store, "other").await, None);
    assert_eq!(store.value("k").get().await.unwrap().key, "app/k");
}

#[tokio::test]
async fn a_cluster_of_another_id_is_named_by_the_health() {
    let cluster = Cluster::start(1).await;
    for id in ["123", "0x7b"] {
        let store = open(&format!("etcd://{}/?cluster_id={id}", hosts(&cluster))).await.unwrap();
        let _watcher = store.value("k").watch();
        let mut health = store.health().watch();
        let stalled = health.get_if(|health| health.state == HealthState::Stalled);
        let health = timeout(BOUND, stalled).await.expect("within the bound").unwrap();
        assert_eq!(health.cause.unwrap().kind(), CauseKind::OtherCluster);
    }
}

#[tokio::test]
async fn tls_and_users_are_options() {
    let authority = Authority::new();
    let cluster = Cluster::builder().mutual_tls(&authority).start().await;
    let client = cluster.client().await;
    client.kv_client().put("app/k", "1", None).await.unwrap();
    auth::add_reader(&client, "reader", "hunter2", "role", "app/").await;
    auth::enable(&client, "root").await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (ca, cert, key) = (file("ca.pem"), file("cert.pem"), file("key.pem"));
    std::fs::write(&ca, authority.pem()).unwrap();
    authority.client("program").write_to(cert.as_ref(), key.as_ref()).unwrap();
    std::fs::write(file("password"), "hunter2\n").unwrap();
    let options = format!("ca={ca}&cert={cert}&key={key}&user=reader");

    for scheme in ["etcd", "etcds"] {
        let url = format!("{scheme}://{}/app/?{options}", hosts(&cluster));
        let with_file = open(&format!("{url}&password_file={}", file("password"))).await.unwrap();
        assert_eq!(text(&with_file, "k").await.as_deref(), Some("1"));
        let opener = Opener::new().etcd_password("hunter2");
        let with_option = opener.open(&url).await.unwrap();
        assert_eq!(text(&with_option, "k").await.as_deref(), Some("1"));
    }
    // The environment of a test is shared: event-cli's tests set the variable for a process of their own.
    let url = format!("etcds://{}/app/?{options}", hosts(&cluster));
    let error = open(&url).await.err().expect("there is no password");
    assert_eq!(
        error.to_string(),
        "there is no password for the user `reader`: set the environment variable EVENT_ETCD_PASSWORD, or add \
         the option password_file=PATH"
    );
    let options =
        event_etcd::Options::new().user("reader", "hunter2").ca_certificate(authority.pem());
    let url = format!("etcd://{}/app/?cert={cert}&key={key}", hosts(&cluster));
    let store = Opener::new().etcd_options(options).open(&url).await.unwrap();
    assert_eq!(text(&store, "k").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_file_that_cant_be_read_is_named() {
    let error = open("etcd://localhost/?ca=/no/such/ca.pem").await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(format!("{error:#}").contains("/no/such/ca.pem"), "{error:#}");
}
