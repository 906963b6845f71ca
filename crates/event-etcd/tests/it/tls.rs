//! TLS and mutual TLS through the options.

use etcd_harness::{Authority, Cluster};
use event_core::WatcherExt;
use event_core::{CauseKind, Health};
use event_core::{ErrorKind, ValueReader};
use event_etcd::EtcdStore;
use tokio::time::timeout;

use crate::support::{BOUND, options, put, until};

#[tokio::test]
async fn a_server_is_trusted_by_its_authority_and_by_no_other() {
    let authority = Authority::new();
    let cluster = Cluster::builder().tls(&authority).start().await;
    put(&cluster.client().await, "key", "a").await;
    let store = EtcdStore::connect(cluster.endpoints(), options().ca_certificate(authority.pem()))
        .await
        .unwrap();
    until(&mut store.value("key").watch(), "a").await;

    let stranger = options().ca_certificate(Authority::new().pem());
    let store = EtcdStore::connect(cluster.endpoints(), stranger).await.unwrap();
    let _watcher = store.value("key").watch();
    let refused =
        |health: &Health| health.cause.as_ref().is_some_and(|c| c.kind() == CauseKind::Unreachable);
    let health = timeout(BOUND, store.health().watch().get_if(refused))
        .await
        .expect("health says so")
        .unwrap();
    assert!(health.cause.unwrap().to_string().contains("certificate"));
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
    let refused = |health: &Health| {
        health.cause.as_ref().is_some_and(|c| c.to_string().contains("certificate"))
    };
    timeout(BOUND, store.health().watch().get_if(refused)).await.expect("health says so").unwrap();
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
