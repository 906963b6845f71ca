use etcd_harness::{Cluster, auth, eventually};

use crate::TIMEOUT;

#[tokio::test]
async fn a_reader_can_read_only_what_its_role_permits() {
    let cluster = Cluster::start(1).await;
    auth::enable(&cluster.client().await, "secret").await;
    let mut root = cluster.client_as("root", "secret").await;
    root.put("app/key", "value", None).await.unwrap();
    auth::add_reader(&root, "reader", "pass", "app-reader", "app/").await;

    let mut reader = cluster.client_as("reader", "pass").await;
    assert_eq!(reader.get("app/key", None).await.unwrap().count(), 1);
    assert!(reader.get("other", None).await.is_err());
    assert!(reader.put("app/key", "mine", None).await.is_err());
    assert!(cluster.client().await.get("app/key", None).await.is_err());

    auth::revoke_read(&root, "app-reader", "app/").await;
    assert!(reader.get("app/key", None).await.is_err());
    auth::grant_read(&root, "app-reader", "app/").await;
    eventually(TIMEOUT, "the permission is back", async || reader.get("app/key", None).await).await;

    auth::change_password(&root, "reader", "new").await;
    let mut again = cluster.client_as("reader", "new").await;
    assert_eq!(again.get("app/key", None).await.unwrap().count(), 1);
}
