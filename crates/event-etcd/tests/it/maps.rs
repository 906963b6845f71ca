//! Ranges as maps: load, steps, deletes and boundaries.

mod mirror;

use std::time::{Duration, Instant};

use etcd_client::{Client, CompactionOptions, DeleteOptions, PutOptions, Txn, TxnOp};
use etcd_harness::{Cluster, Node, Proxy, Service, ServiceKind, auth};
use event_core::{
    CauseKind, ErrorKind, Health, HealthState, KeyRange, MapReader, MapReaderExt, ValueReader,
    WatcherExt,
};
use event_etcd::EtcdStore;
use tokio::time::timeout;

use crate::support::{BOUND, HealthExt, delete, one_node, options, put, store, watches};
use mirror::Mirror;

const NOTHING: [(&str, &str); 0] = [];

async fn compact(client: &Client, revision: i64) {
    let options = CompactionOptions::new().with_physical();
    client.kv_client().compact(revision, Some(options)).await.expect("the revision is there");
}

/// Puts many keys, a hundred at a time. Returns the revision of the last ones.
async fn put_many(client: &Client, keys: &[String], value: &str) -> i64 {
    let mut revision = 0;
    for keys in keys.chunks(100) {
        let puts: Vec<_> = keys.iter().map(|key| TxnOp::put(key.as_str(), value, None)).collect();
        let answer = client.kv_client().txn(Txn::new().and_then(puts)).await;
        revision = answer.expect("the puts are taken").header().expect("a header").revision();
    }
    revision
}

fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|key| format!("{prefix}{key:06}")).collect()
}

#[tokio::test]
async fn a_map_has_what_is_there_and_follows_what_changes() {
    let (_cluster, client, store) = one_node().await;
    put(&client, "s/a", "1").await;
    put(&client, "s/b", "").await;
    put(&client, "other", "x").await;
    let mut map = Mirror::new(store.map("s"));
    assert_eq!(map.synced().await, [("a", "1"), ("b", "")]);
    put(&client, "s/c", "3").await;
    assert_eq!(map.next().await, [("a", "1"), ("b", ""), ("c", "3")]);
    delete(&client, "s/a").await;
    assert_eq!(map.next().await, [("b", ""), ("c", "3")]);
    put(&client, "s/b", "2").await;
    assert_eq!(map.next().await, [("b", "2"), ("c", "3")]);
}

#[tokio::test]
async fn an_empty_map_is_synced() {
    let (_cluster, client, store) = one_node().await;
    let mut map = Mirror::new(store.map("s"));
    assert_eq!(map.synced().await, NOTHING);
    put(&client, "s/a", "1").await;
    assert_eq!(map.next().await, [("a", "1")]);
}

#[tokio::test]
async fn equal_maps_share_one_watch_which_ends_with_the_last_of_them() {
    let (cluster, _client, store) = one_node().await;
    let (mut one, mut other) = (Mirror::new(store.map("s")), Mirror::new(store.map("s/")));
    let mut larger = Mirror::new(store.range(KeyRange::all()));
    for map in [&mut one, &mut other, &mut larger] {
        map.synced().await;
    }
    timeout(BOUND, store.health_live()).await.expect("live");
    assert_eq!(watches(cluster.node(0)).await, 2);
    drop((one, larger));
    until_watches(&cluster, 1).await;
    drop(other);
    until_watches(&cluster, 0).await;
}

async fn until_watches(cluster: &Cluster, count: usize) {
    let reached = async {
        while watches(cluster.node(0)).await != count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(BOUND, reached).await.expect("the watches end");
}

#[tokio::test]
async fn keys_that_are_deleted_while_not_connected_are_deleted() {
    let cluster = Cluster::start(1).await;
    let (client, proxy) = (cluster.client().await, Proxy::start(cluster.node(0).address()));
    let store = store([proxy.endpoint()]).await;
    put_many(&client, &numbered("s/", 5), "x").await;
    let mut map = Mirror::new(store.map("s"));
    map.synced().await;
    proxy.refuse().await;
    delete(&client, "s/000001").await;
    delete(&client, "s/000003").await;
    put(&client, "s/000002", "y").await;
    put(&client, "s/new", "z").await;
    // Gone, and there again.
    delete(&client, "s/000004").await;
    put(&client, "s/000004", "x").await;
    proxy.accept();
    let expected = [("000000", "x"), ("000002", "y"), ("000004", "x"), ("new", "z")];
    assert_eq!(map.next().await, expected, "as one step");
    assert_eq!(map.deleted, ["000001", "000003"]);
    assert_eq!(map.puts, 5 + 3, "what is unchanged is not published again");
}

#[tokio::test]
async fn compaction_while_not_connected_loses_no_delete() {
    let cluster = Cluster::start(1).await;
    let (client, proxy) = (cluster.client().await, Proxy::start(cluster.node(0).address()));
    let store = store([proxy.endpoint()]).await;
    put_many(&client, &numbered("s/", 3), "x").await;
    let mut map = Mirror::new(store.map("s"));
    map.synced().await;
    proxy.refuse().await;
    for round in 0..50 {
        put(&client, "s/000000", round.to_string()).await;
    }
    // The delete is at the very revision of the compaction.
    let revision = delete(&client, "s/000001").await;
    compact(&client, revision).await;
    proxy.accept();
    assert_eq!(map.next().await, [("000000", "49"), ("000002", "x")]);
}

#[tokio::test]
async fn compaction_while_connected_loses_nothing() {
    let (_cluster, client, store) = one_node().await;
    let mut map = Mirror::new(store.map("s"));
    map.synced().await;
    for round in 0..20 {
        put(&client, "s/a", round.to_string()).await;
        let revision = put(&client, "elsewhere", "x").await;
        compact(&client, revision).await;
    }
    map.until(&[("a", "19")]).await;
    delete(&client, "s/a").await;
    assert_eq!(map.next().await, NOTHING);
}

/// Larger than one message of the server, so that it comes in fragments.
#[tokio::test]
async fn a_transaction_of_twenty_large_values_is_seen_as_a_whole() {
    let cluster = Cluster::builder().arg("--max-request-bytes=10485760").start().await;
    let (client, store) = (cluster.client().await, store(cluster.endpoints()).await);
    let keys = numbered("s/", 20);
    let mut map = Mirror::new(store.map("s"));
    map.synced().await;
    for round in 0..10 {
        let value = round.to_string().repeat(100_000);
        let puts: Vec<_> =
            keys.iter().map(|key| TxnOp::put(key.as_str(), value.as_str(), None)).collect();
        client.kv_client().txn(Txn::new().and_then(puts)).await.expect("the puts are taken");
        let step = map.next().await;
        assert_eq!(step.len(), 20);
        assert!(step.iter().all(|(_, found)| *found == value.as_str()), "half of a transaction");
    }
}

#[tokio::test]
async fn a_lease_of_a_thousand_keys_ends_in_one_step() {
    let (_cluster, client, store) = one_node().await;
    let lease = client.lease_client().grant(3600, None).await.expect("a lease").id();
    for key in numbered("s/", 1000) {
        let options = PutOptions::new().with_lease(lease);
        client.kv_client().put(key, "x", Some(options)).await.expect("the put is taken");
    }
    put(&client, "s/stays", "y").await;
    let mut map = Mirror::new(store.map("s"));
    assert_eq!(map.synced().await.len(), 1001);
    client.lease_client().revoke(lease).await.expect("the lease is there");
    assert_eq!(map.next().await, [("stays", "y")], "in one step");
}

#[tokio::test]
async fn a_range_that_is_deleted_at_once_is_one_step() {
    let (_cluster, client, store) = one_node().await;
    put_many(&client, &numbered("s/", 500), "x").await;
    let mut map = Mirror::new(store.map("s"));
    assert_eq!(map.synced().await.len(), 500);
    let options = DeleteOptions::new().with_prefix();
    client.kv_client().delete("s/", Some(options)).await.expect("the delete is taken");
    assert_eq!(map.next().await, NOTHING);
}

#[tokio::test]
async fn ten_thousand_keys_load_and_follow_while_they_are_written() {
    let (_cluster, client, store) = one_node().await;
    let keys = numbered("s/", 10_000);
    put_many(&client, &keys, "x").await;
    let writer = tokio::spawn({
        let (client, keys) = (client.clone(), keys.clone());
        async move {
            for key in keys.iter().step_by(10) {
                put(&client, key, "y").await;
                if key.ends_with('0') {
                    delete(&client, &key.replace("00", "01")).await;
                }
            }
        }
    });
    let begun = Instant::now();
    let mut map = Mirror::new(store.map("s"));
    map.synced().await;
    let loaded = begun.elapsed();
    writer.await.expect("the writer goes on");
    store.map("s").refresh().await.expect("the range may be read");
    is_what_the_store_holds(&mut map, &client).await;
    assert!(loaded < BOUND, "{loaded:?}");
}

async fn is_what_the_store_holds(map: &mut Mirror, client: &Client) {
    let held = map.now();
    let all = etcd_client::GetOptions::new().with_prefix();
    let found = client.kv_client().get("s/", Some(all)).await.expect("the range is read");
    let found: Vec<_> = found.kvs().iter().map(|kv| (&kv.key()[2..], kv.value())).collect();
    assert_eq!(held.len(), found.len());
    let same = held.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes())).eq(found);
    assert!(same, "the map is what the store holds");
}

/// How often the server was asked for a range with one response, by anybody.
async fn ranges(node: &Node) -> f64 {
    const RANGES: &str = r#"grpc_server_started_total{grpc_method="Range",grpc_service="etcdserverpb.KV",grpc_type="unary"}"#;
    node.metric(RANGES).await
}

#[tokio::test]
async fn audits_of_a_range_of_several_pages_find_that_nothing_was_lost() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client().await;
    put_many(&client, &numbered("s/", 17_000), "x").await; // a page of an audit has 16,000
    let audited = options().audit_interval(Duration::from_millis(50));
    let store = EtcdStore::connect(cluster.endpoints(), audited).await.expect("an endpoint");
    let mut map = Mirror::new(store.map("s"));
    map.synced().await;
    timeout(BOUND, store.health_live()).await.expect("live");
    let before = ranges(cluster.node(0)).await;
    let writes = async {
        for round in 0_u32.. {
            // Of some 30 reads, probes are the fewest.
            if ranges(cluster.node(0)).await > before + 30.0 {
                break;
            }
            let key = format!("s/{:06}", round * 1700 % 18_000);
            if round % 3 == 0 {
                delete(&client, &key).await
            } else {
                put(&client, &key, "y").await
            };
        }
    };
    tokio::select! {
        written = timeout(BOUND, writes) => written.expect("it is audited"),
        cause = store.health_stalled(CauseKind::ProtocolViolation) => panic!("{cause:?}"),
    }
    put(&client, "s/last", "z").await;
    while !map.next().await.contains(&("last", "z")) {}
    is_what_the_store_holds(&mut map, &client).await;
}

/// How often the server was asked for a stream of a range.
const STREAMS: &str = r#"grpc_server_started_total{grpc_method="RangeStream",grpc_service="etcdserverpb.KV",grpc_type="server_stream"}"#;

async fn streams(node: &Node) -> String {
    node.metric(STREAMS).await.to_string()
}

#[tokio::test]
async fn the_pages_of_a_large_range_are_one_stream_if_the_server_has_it() {
    let (cluster, client, store) = one_node().await;
    let keys = numbered("s/", 5_000);
    put_many(&client, &keys, "x").await;
    let mut map = Mirror::new(store.map("s"));
    assert_eq!(map.synced().await.len(), keys.len());
    let (node, has_streams) = (cluster.node(0), cluster.binary().version() >= (3, 7, 0));
    if has_streams {
        assert_eq!(streams(node).await, "1");
    }
    put(&client, "s/a", "1").await;
    assert_eq!(map.next().await.len(), keys.len() + 1);
    // It takes no stream to read what one page has.
    let mut small = Mirror::new(store.map("s/a"));
    assert_eq!(small.synced().await, NOTHING);
    if has_streams {
        assert_eq!(streams(node).await, "1");
    }
}

#[tokio::test]
async fn a_proxy_without_streams_is_asked_for_pages() {
    let (cluster, client, _) = one_node().await;
    let keys = numbered("s/", 5_000);
    put_many(&client, &keys, "x").await;
    let proxy = Service::start(
        ServiceKind::GrpcProxy,
        cluster.binary().path(),
        &[cluster.node(0).address()],
    )
    .await;
    let store = EtcdStore::connect([proxy.endpoint()], options()).await.expect("well formed");
    let mut map = Mirror::new(store.map("s"));
    assert_eq!(map.synced().await.len(), keys.len());
    put(&client, "s/a", "1").await;
    assert_eq!(map.next().await.len(), keys.len() + 1);
}

#[tokio::test]
async fn a_prefix_ends_where_it_should() {
    let (_cluster, client, store) = one_node().await;
    let names: [&[u8]; 9] =
        [b"a", b"a/", b"a/b", b"a/b/c", b"ab", b"a0", b"\xff", b"\xff\xff", b"\0"];
    for name in names {
        client.kv_client().put(name, "x", None).await.expect("the put is taken");
    }
    let ranges: [(KeyRange, &[&[u8]]); 9] = [
        (KeyRange::prefix("a"), &[b"", b"/", b"/b", b"/b/c", b"0", b"b"]),
        (KeyRange::prefix("a/"), &[b"", b"b", b"b/c"]),
        (KeyRange::folder("a"), &[b"", b"b", b"b/c"]),
        (KeyRange::folder("a").one_level(), &[b"", b"b"]),
        (KeyRange::prefix("ab"), &[b""]),
        (KeyRange::prefix(&b"\xff"[..]), &[b"", b"\xff"]),
        (KeyRange::between("a/", "a0"), &[b"a/", b"a/b", b"a/b/c"]),
        (KeyRange::between("ab", ""), &[b"ab", b"\xff", b"\xff\xff"]),
        (
            KeyRange::all(),
            &[b"\0", b"a", b"a/", b"a/b", b"a/b/c", b"a0", b"ab", b"\xff", b"\xff\xff"],
        ),
    ];
    let mut maps: Vec<_> =
        ranges.iter().map(|(range, _)| Mirror::new(store.range(range.clone()))).collect();
    for ((range, expected), map) in ranges.iter().zip(&mut maps) {
        map.synced().await;
        assert_eq!(map.names(), *expected, "{range:?}");
    }
    // And so they do where the watch says what is there.
    for name in names {
        client.kv_client().put(name, "y", None).await.expect("the put is taken");
    }
    store_is_read(&store).await;
    for ((range, expected), map) in ranges.iter().zip(&mut maps) {
        let held = map.now();
        assert!(held.iter().all(|(_, value)| *value == "y"), "{range:?}");
        assert_eq!(map.names(), *expected, "{range:?}");
    }
    let mut inverted = Mirror::new(store.range(KeyRange::between("b", "a")));
    assert_eq!(inverted.synced().await, NOTHING);
}

async fn store_is_read(store: &EtcdStore) {
    use event_core::Store;
    Store::refresh(store).await.expect("all may be read");
}

#[tokio::test]
async fn a_map_of_a_namespace_has_names_without_it() {
    let (_cluster, client, store) = one_node().await;
    put(&client, "app/s/a", "1").await;
    put(&client, "s/a", "2").await;
    let mut map = Mirror::new(store.namespace("app/").map("s"));
    assert_eq!(map.synced().await, [("a", "1")]);
}

#[tokio::test]
async fn a_user_may_read_one_range_and_not_another_and_a_permission_comes_and_goes() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client().await;
    auth::add_reader(&client, "reader", "hunter2", "role", "app/").await;
    auth::enable(&client, "root").await;
    let root = cluster.client_as("root", "root").await;
    let proxy = Proxy::start(cluster.node(0).address());
    let options = options().user("reader", "hunter2");
    let store = EtcdStore::connect([proxy.endpoint()], options).await.unwrap();
    put(&root, "app/a", "1").await;
    put(&root, "other/a", "1").await;
    let (mut mine, theirs) = (Mirror::new(store.map("app")), store.map("other"));
    let mut their_map = Mirror::new(theirs.clone());
    assert_eq!(mine.synced().await, [("a", "1")]);
    let refused = |health: &Health| health.state == HealthState::Stalled;
    let health = timeout(BOUND, theirs.health().watch().get_if(refused)).await.unwrap().unwrap();
    let cause = health.cause.expect("it says why");
    assert_eq!(cause.kind(), CauseKind::PermissionDenied);
    assert!(cause.to_string().contains("other/"), "{cause}");
    assert_eq!(theirs.refresh().await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    put(&root, "app/b", "2").await;
    assert_eq!(mine.next().await, [("a", "1"), ("b", "2")]);
    auth::grant_read(&root, "role", "other/").await;
    assert_eq!(their_map.synced().await, [("a", "1")]);

    // A range that can't be read keeps what it has.
    auth::revoke_read(&root, "role", "app/").await;
    proxy.reset().await;
    let health = store.map("app").health();
    timeout(BOUND, health.watch().get_if(refused)).await.unwrap().unwrap();
    put(&root, "app/c", "3").await;
    delete(&root, "app/a").await;
    assert_eq!(mine.now(), [("a", "1"), ("b", "2")]);
    auth::grant_read(&root, "role", "app/").await;
    assert_eq!(mine.next().await, [("b", "2"), ("c", "3")]);
}

#[tokio::test]
async fn a_history_that_was_replaced_is_one_step() {
    let (cluster, client, store) = one_node().await;
    put_many(&client, &numbered("s/", 10), "x").await;
    let mut map = Mirror::new(store.map("s"));
    map.synced().await;
    let mut health = store.health().watch();
    cluster.node(0).kill();
    cluster.node(0).wipe();
    cluster.node(0).restart().await;
    let client = cluster.client().await;
    put(&client, "s/000003", "x").await;
    put(&client, "s/other", "y").await;
    map.until(&[("000003", "x"), ("other", "y")]).await;
    let was_reset = |health: &Health| health.history_resets > 0;
    timeout(BOUND, health.get_if(was_reset)).await.expect("health says so").unwrap();
}

#[tokio::test]
async fn a_map_of_the_keys_only_has_no_values_and_their_bytes_do_not_travel() {
    const MEGABYTE: usize = 1 << 20;
    let (cluster, client, store) = one_node().await;
    for key in numbered("s/", 10) {
        put(&client, &key, vec![b'x'; MEGABYTE]).await;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a count
    let sent =
        async || cluster.node(0).metric("etcd_network_client_grpc_sent_bytes_total").await as usize;
    let before = sent().await;
    let keys_only = store.range(KeyRange::folder("s").keys_only());
    let mut keys = Mirror::new(keys_only.clone());
    assert_eq!(keys.synced().await.len(), 10);
    let without_values = sent().await - before;
    assert!(without_values < MEGABYTE, "{without_values} bytes were sent");
    let snapshot = keys_only.snapshot().await.unwrap();
    let entry = snapshot.get(&b"000003"[..]).unwrap();
    assert_eq!((entry.value().unwrap().len(), entry.version()), (0, Some(1)));

    let mut full = Mirror::new(store.map("s"));
    assert_eq!(full.synced().await[0].1.len(), MEGABYTE, "the other map has them");
    assert!(sent().await - before > 10 * MEGABYTE, "and they are counted");
    assert_eq!(watches(cluster.node(0)).await, 2, "they are two ranges");

    // An event of the watch has its value, and what is published does not.
    put(&client, "s/000003", vec![b'y'; MEGABYTE]).await;
    let changed = keys.next().await;
    assert_eq!((changed.len(), changed[3]), (10, ("000003", "")));
    let snapshot = keys_only.snapshot().await.unwrap();
    assert_eq!(snapshot.get(&b"000003"[..]).unwrap().version(), Some(2));
    delete(&client, "s/000003").await;
    assert_eq!(keys.next().await.len(), 9);
    let puts = keys.puts;
    keys_only.refresh().await.unwrap();
    assert_eq!((keys.now().len(), keys.puts), (9, puts), "a read finds nothing new");
}
