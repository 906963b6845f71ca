//! TLS and mutual TLS through the options.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use etcd_harness::{Authority, Cluster, Proxy};
use event_core::WatcherExt;
use event_core::{ErrorKind, Health, ValueReader};
use event_etcd::EtcdStore;
use tokio::time::timeout;

use crate::logs::Logs;
use crate::support::{BOUND, options, put, until};
use crate::terminator::Signer;

#[tokio::test]
async fn a_server_is_trusted_by_its_authority_and_by_no_other() {
    let authority = Authority::new();
    let cluster = Cluster::builder().tls(&authority).start().await;
    put(&cluster.client().await, "key", "a").await;
    let store = EtcdStore::connect(cluster.endpoints(), options().ca_certificate(authority.pem()))
        .await
        .unwrap();
    until(&mut store.value("key").watch(), "a").await;

    let stranger = options().ca_certificate(Signer::new("stranger").pem());
    let store = EtcdStore::connect(cluster.endpoints(), stranger).await.unwrap();
    let _watcher = store.value("key").watch();
    says(&store, &["unreachable", "UnknownIssuer", "`Options::ca_certificate`"]).await;
}

#[tokio::test]
async fn with_tls_an_endpoint_needs_no_scheme_and_the_certificate_has_the_right_name() {
    let authority = Authority::new();
    let cluster = Cluster::builder().tls(&authority).start().await;
    put(&cluster.client().await, "key", "a").await;
    let trusted = || options().ca_certificate(authority.pem());
    let address = cluster.node(0).address().to_string();
    for options in [trusted(), trusted().domain_name("localhost")] {
        let store = EtcdStore::connect([address.clone()], options).await.unwrap();
        until(&mut store.value("key").watch(), "a").await;
    }
    let other = trusted().domain_name("elsewhere.example");
    let store = EtcdStore::connect([address], other).await.unwrap();
    let _watcher = store.value("key").watch();
    says(&store, &["for other names", "`Options::domain_name`"]).await;
}

#[tokio::test]
async fn a_client_shows_its_certificate_where_the_server_wants_one() {
    let authority = Authority::new();
    let cluster = Cluster::builder().mutual_tls(&authority).start().await;
    put(&cluster.client().await, "key", "a").await;
    let identity = authority.client("reader");
    let mutual = options()
        .ca_certificate(authority.pem())
        .identity(identity.certificate_pem(), identity.key_pem());
    let store = EtcdStore::connect(cluster.endpoints(), mutual).await.unwrap();
    until(&mut store.value("key").watch(), "a").await;
}

#[tokio::test]
async fn certificates_that_cant_be_read_are_refused_at_once() {
    let unreadable = options()
        .ca_certificate("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
    let error = EtcdStore::connect(["https://127.0.0.1:1"], unreadable).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
}

#[tokio::test]
async fn a_key_that_is_of_another_certificate_is_refused_at_once() {
    let authority = Authority::new();
    let (one, other) = (authority.client("one"), authority.client("other"));
    let mixed =
        options().ca_certificate(authority.pem()).identity(one.certificate_pem(), other.key_pem());
    let error = EtcdStore::connect(["127.0.0.1:1"], mixed).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let text = error.to_string();
    assert!(
        text.contains("does not belong to its certificate") && !text.contains("PRIVATE"),
        "{text}"
    );
}

#[tokio::test]
async fn a_certificate_of_a_bundle_that_cant_be_read_is_ignored_with_one_warning() {
    let authority = Authority::new();
    let cluster = Cluster::builder().tls(&authority).start().await;
    put(&cluster.client().await, "key", "a").await;
    let proxy = Proxy::start(cluster.node(0).address());
    let nonsense = "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n";
    let endpoint = format!("https://{}", proxy.address());
    for bundle in [nonsense.to_owned() + &authority.pem(), authority.pem() + nonsense] {
        let logs = Logs::default();
        let _here = tracing::subscriber::set_default(logs.subscriber());
        let bundled = options().ca_certificate(bundle);
        let store = EtcdStore::connect([endpoint.as_str()], bundled).await.unwrap();
        let mut watcher = store.value("key").watch();
        until(&mut watcher, "a").await;
        proxy.reset().await;
        put(&cluster.client().await, "key", "b").await;
        until(&mut watcher, "b").await;
        put(&cluster.client().await, "key", "a").await;
        let warnings = logs.lines_with("1 of 2 certificates of the authority can't be read");
        assert_eq!(warnings, 1, "{logs:?}");
    }
}

#[tokio::test]
async fn files_and_functions_are_read_again_for_each_connection() {
    let authority = Authority::new();
    let cluster = Cluster::builder().mutual_tls(&authority).start().await;
    let client = cluster.client().await;
    put(&client, "key", "a").await;
    let proxy = Proxy::start(cluster.node(0).address());
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let identity = authority.client("reader");
    let (calls, identity) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Some(identity))));
    let identity_from = {
        let (calls, identity) = (Arc::clone(&calls), Arc::clone(&identity));
        move || {
            calls.fetch_add(1, Ordering::Relaxed);
            let identity = identity.lock().unwrap();
            let identity = identity.as_ref().ok_or("the vault is sealed")?;
            let (certificate, key) = (identity.certificate_pem(), identity.key_pem());
            Ok::<_, String>((certificate.as_bytes().to_vec(), key.as_bytes().to_vec()))
        }
    };
    let options = options().ca_certificate_file(&ca).identity_from(identity_from);
    let endpoint = format!("https://{}", proxy.address());
    let store = EtcdStore::connect([endpoint], options).await.unwrap();
    let mut watcher = store.value("key").watch();
    until(&mut watcher, "a").await;
    assert_eq!(calls.load(Ordering::Relaxed), 2, "when the store was created, and to connect");

    std::fs::remove_file(&ca).unwrap();
    proxy.reset().await;
    says(&store, &["ca.pem", "can't be read"]).await;
    std::fs::write(&ca, authority.pem()).unwrap();
    put(&client, "key", "b").await;
    until(&mut watcher, "b").await;

    let kept = identity.lock().unwrap().take();
    proxy.reset().await;
    says(&store, &["the client's certificate", "the vault is sealed"]).await;
    *identity.lock().unwrap() = kept;
    put(&client, "key", "c").await;
    until(&mut watcher, "c").await;
}

/// Waits until the cause of the store's health has these words.
async fn says(store: &EtcdStore, words: &[&str]) {
    let says = |health: &Health| {
        let cause = health.cause.as_ref().map(ToString::to_string).unwrap_or_default();
        words.iter().all(|words| cause.contains(words))
    };
    timeout(BOUND, store.health().watch().get_if(says)).await.expect("health says so").unwrap();
}
