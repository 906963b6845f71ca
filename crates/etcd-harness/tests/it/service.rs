use etcd_client::Client;
use etcd_harness::{Cluster, Service, ServiceKind, eventually};

use crate::TIMEOUT;

#[tokio::test]
async fn a_client_reads_through_the_proxies_that_etcd_brings_also_after_they_were_restarted() {
    let cluster = Cluster::start(1).await;
    cluster.client().await.put("key", "value", None).await.unwrap();
    for kind in [ServiceKind::Gateway, ServiceKind::GrpcProxy] {
        let targets = [cluster.node(0).address()];
        let service = Service::start(kind, cluster.binary().path(), &targets).await;
        let reads = async || {
            let client = Client::connect([service.endpoint()], None).await?;
            client.kv_client().get("key", None).await
        };
        let found = eventually(TIMEOUT, "a client reads", reads).await;
        assert_eq!(found.kvs()[0].value(), b"value", "{kind}");
        service.kill();
        assert!(reads().await.is_err(), "{kind}");
        service.restart().await;
        eventually(TIMEOUT, "a client reads again", reads).await;
    }
}
