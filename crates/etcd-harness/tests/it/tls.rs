use std::time::Duration;

use etcd_client::{Client, ConnectOptions};
use etcd_harness::{Authority, Cluster};

#[tokio::test]
async fn clients_speak_tls_where_it_is_asked_for() {
    let cluster = Cluster::builder().tls(&Authority::new()).start().await;
    assert!(cluster.node(0).endpoint().starts_with("https://"));

    cluster.client().await.put("key", "value", None).await.unwrap();

    assert!(cluster.node(0).is_leader().await, "metrics are told without TLS too");
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused_where_one_is_asked_for() {
    let authority = Authority::new();
    let cluster = Cluster::builder().mutual_tls(&authority).start().await;

    cluster.client().await.put("key", "value", None).await.unwrap();

    let trusting = etcd_client::TlsOptions::new()
        .ca_certificate(etcd_client::Certificate::from_pem(authority.pem()));
    let options = ConnectOptions::new().with_tls(trusting).with_timeout(Duration::from_secs(2));
    let mut stranger = Client::connect(cluster.endpoints(), Some(options)).await.unwrap();
    assert!(stranger.get("key", None).await.is_err());
}
