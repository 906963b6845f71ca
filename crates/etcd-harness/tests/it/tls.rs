use std::time::Duration;

use etcd_client::{Client, ConnectOptions};
use etcd_harness::{Authority, Cluster};

#[tokio::test]
async fn with_tls_clients_connect_over_tls() {
    let cluster = Cluster::builder().tls(&Authority::new()).start().await;
    assert!(cluster.node(0).endpoint().starts_with("https://"));

    cluster.client().await.put("key", "value", None).await.unwrap();

    assert!(cluster.node(0).is_leader().await, "the metrics are served without TLS");
}

#[tokio::test]
async fn with_mutual_tls_a_client_without_a_certificate_is_refused() {
    let authority = Authority::new();
    let cluster = Cluster::builder().mutual_tls(&authority).start().await;

    cluster.client().await.put("key", "value", None).await.unwrap();

    let trusted = etcd_client::TlsOptions::new()
        .ca_certificate(etcd_client::Certificate::from_pem(authority.pem()));
    let options = ConnectOptions::new().with_tls(trusted).with_timeout(Duration::from_secs(2));
    let mut client = Client::connect(cluster.endpoints(), Some(options)).await.unwrap();
    assert!(client.get("key", None).await.is_err());
}
