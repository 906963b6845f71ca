//! The honest server, as etcd-client sees it, and the ways to make it hostile.

use std::time::Duration;

use etcd_client::{Client, EventType, GetOptions, Txn, TxnOp, WatchOptions};
use etcd_harness::eventually;
use hostile_etcd::{Answer, Behaviour, Cluster, Member, StreamMode, WatchCreateRequest};
use tokio::time::timeout;

const BOUND: Duration = Duration::from_secs(10);

async fn honest() -> (Cluster, Member, Client) {
    let cluster = Cluster::new();
    let member = Member::start(&cluster, Behaviour::honest());
    let client = Client::connect([member.endpoint()], None).await.unwrap();
    (cluster, member, client)
}

#[tokio::test]
async fn keys_are_read_by_range_by_prefix_at_a_revision_and_in_a_transaction() {
    let (cluster, member, client) = honest().await;
    let (mut kv, first) = (client.kv_client(), cluster.put("a/1", "one"));
    cluster.put("a/2", "two");
    cluster.put("b", "three");
    cluster.put("a/1", "four");
    let new = kv.get("a/1", None).await.unwrap();
    assert_eq!(new.header().unwrap().revision(), 5);
    assert_eq!((new.kvs()[0].value(), new.kvs()[0].version()), (&b"four"[..], 2));
    let old = kv.get("a/1", Some(GetOptions::new().with_revision(first))).await.unwrap();
    assert_eq!(old.kvs()[0].value(), b"one");
    let below = kv.get("a/", Some(GetOptions::new().with_prefix().with_limit(1))).await.unwrap();
    assert_eq!((below.kvs().len(), below.count(), below.more()), (1, 2, true));
    cluster.delete("b");
    let both = Txn::new().and_then([TxnOp::get("a/2", None), TxnOp::get("b", None)]);
    let both = kv.txn(both).await.unwrap();
    assert_eq!(both.op_responses().len(), 2);
    assert_eq!((member.counts().ranges, member.counts().txns), (3, 1));
    let error = kv.put("a", "b", None).await.unwrap_err().to_string();
    assert!(error.contains("for tests of a reader"), "{error}");
}

#[tokio::test]
async fn a_transaction_of_several_keys_is_one_revision() {
    let (cluster, _member, client) = honest().await;
    let first = cluster.put("a/1", "one");
    let options = WatchOptions::new().with_prefix().with_start_revision(first + 1);
    let mut watch = client.watch_client().watch("a/", Some(options)).await.unwrap();
    timeout(BOUND, watch.message()).await.unwrap().unwrap().unwrap();
    let changes = [(b"a/1".to_vec(), None), (b"a/2".to_vec(), Some(b"two".to_vec()))];
    assert_eq!(cluster.write(changes), first + 1);
    let response = timeout(BOUND, watch.message()).await.unwrap().unwrap().unwrap();
    let events = response.events().iter().map(|event| (event.event_type(), event.kv().unwrap()));
    let events: Vec<_> = events.map(|(kind, kv)| (kind, kv.key(), kv.mod_revision())).collect();
    let expected =
        [(EventType::Delete, &b"a/1"[..], first + 1), (EventType::Put, &b"a/2"[..], first + 1)];
    assert_eq!(events, expected);
    let read = client.kv_client().get("a/", Some(GetOptions::new().with_prefix())).await.unwrap();
    assert_eq!(read.kvs().len(), 1);
}

#[tokio::test]
async fn a_watch_gets_what_was_and_what_comes_and_progress_when_asked() {
    let (cluster, member, client) = honest().await;
    let first = cluster.put("key", "one");
    let options = WatchOptions::new().with_watch_id(7).with_start_revision(first);
    let mut watch = client.watch_client().watch("key", Some(options)).await.unwrap();
    let created = timeout(BOUND, watch.message()).await.unwrap().unwrap().unwrap();
    assert_eq!((created.created(), created.watch_id()), (true, 7));
    let mut values = Vec::new();
    cluster.put("other", "x");
    cluster.put("key", "two");
    while values.len() < 2 {
        let response = timeout(BOUND, watch.message()).await.unwrap().unwrap().unwrap();
        let events = response.events().iter();
        values.extend(events.map(|event| event.kv().unwrap().value_str().unwrap().to_owned()));
    }
    assert_eq!(values, ["one", "two"]);
    watch.request_progress().await.unwrap();
    let progress = timeout(BOUND, watch.message()).await.unwrap().unwrap().unwrap();
    assert_eq!((progress.watch_id(), progress.header().unwrap().revision()), (-1, 4));
    watch.cancel(7).await.unwrap();
    let canceled = timeout(BOUND, watch.message()).await.unwrap().unwrap().unwrap();
    assert!(canceled.canceled());
    let counts = member.counts();
    assert_eq!((counts.streams, counts.creates, counts.cancels), (1, 1, 1));
    assert_eq!((counts.progress_requests, counts.connections), (1, 1));
}

#[tokio::test]
async fn a_member_may_number_watches_and_answer_creates_in_another_order() {
    let (_cluster, member, client) = honest().await;
    let slow = |request: &WatchCreateRequest| {
        if request.key == b"slow" { Duration::from_millis(50) } else { Duration::ZERO }
    };
    member.behave(Behaviour::honest().numbers_watches().creates_take(slow));
    let chosen = |id| Some(WatchOptions::new().with_watch_id(id));
    let mut watch = client.watch_client().watch("slow", chosen(70)).await.unwrap();
    watch.watch("quick", chosen(71)).await.unwrap();
    for id in [1, 0] {
        let created = timeout(BOUND, watch.message()).await.unwrap().unwrap().unwrap();
        assert_eq!((created.created(), created.watch_id()), (true, id));
    }
}

#[tokio::test]
async fn a_hook_changes_one_answer_and_can_be_taken_back() {
    let (cluster, member, client) = honest().await;
    cluster.put("key", "value");
    let lose_keys = |mut range: etcd_client::proto::PbRangeResponse| {
        range.kvs.clear();
        range
    };
    member.behave(Behaviour::honest().read(lose_keys));
    assert!(client.kv_client().get("key", None).await.unwrap().kvs().is_empty());
    member.behave(Behaviour::honest().range(|_, _| Answer::Never));
    let mut kv = client.kv_client();
    assert!(timeout(Duration::from_millis(200), kv.get("key", None)).await.is_err());
    member.behave(Behaviour::honest());
    assert_eq!(kv.get("key", None).await.unwrap().kvs().len(), 1);
}

#[tokio::test]
async fn connections_are_refused_and_accepted_and_streams_end() {
    let (_cluster, member, client) = honest().await;
    member.behave(Behaviour::honest().stream(StreamMode::EndsAtOnce));
    let mut ended = client.watch_client().watch("key", None).await.unwrap();
    assert!(timeout(BOUND, ended.message()).await.unwrap().unwrap().is_none());
    member.refuse();
    assert!(tokio::net::TcpStream::connect(member.address()).await.is_err());
    assert_eq!(member.open_connections(), 0);
    member.accept();
    member.behave(Behaviour::honest());
    eventually(BOUND, "the client is back", async || {
        client.kv_client().get("key", None).await.is_ok()
    })
    .await;
}
