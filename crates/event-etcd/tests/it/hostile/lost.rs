//! A server that loses events of a range without a word.

use event_core::{Bytes, CauseKind, Change, Entry, MapReader, MapWatcherExt};
use event_etcd::EtcdStore;
use hostile_etcd::{Behaviour, Cluster, Member};
use tokio::time::{sleep, timeout};

use super::trial::LIVENESS;
use crate::support::{BOUND, HealthExt, options};

/// Loses the events of the keys whose names end with `lost`, and sends all others.
fn loses() -> Behaviour {
    Behaviour::honest().event(|mut response| {
        let is_sent = |key: &[u8]| !key.ends_with(b"lost");
        response.events.retain(|event| event.kv.as_ref().is_none_or(|kv| is_sent(&kv.key)));
        if response.events.is_empty() { vec![] } else { vec![response] }
    })
}

fn text(change: Change<Bytes, Entry>) -> String {
    let name = |key: &Bytes| String::from_utf8_lossy(key).into_owned();
    match change {
        Change::Put { key, value } => {
            let value = value.value().map(|value| String::from_utf8_lossy(value).into_owned());
            format!("{}={}", name(&key), value.unwrap_or_default())
        }
        Change::Delete { key } => format!("-{}", name(&key)),
        other => format!("{other:?}"),
    }
}

/// The events that follow decide whether the watch has passed what it lost.
#[tokio::test]
async fn an_audit_finds_what_the_watch_of_a_range_lost_and_it_is_published_as_one_step() {
    for goes_on in [true, false] {
        let cluster = Cluster::new();
        let members = [loses(), Behaviour::honest()].map(|it| Member::start(&cluster, it));
        // A probe would find a key that changed, after all that are before it.
        for key in 0..200 {
            cluster.put(format!("s/{key:03}"), "x");
        }
        cluster.put("s/y-lost", "x");
        cluster.put("s/z-lost", "x");
        let options = options().audit_interval(2 * LIVENESS);
        let store = EtcdStore::connect(members.each_ref().map(Member::endpoint), options);
        let store = store.await.unwrap();
        let mut map = store.map("s").watch();
        timeout(BOUND, map.wait_until_synced()).await.expect("the range is read").unwrap();
        timeout(BOUND, store.health_live()).await.expect("the range is watched");
        let stalled = tokio::spawn({
            let store = store.clone();
            async move { store.health_stalled(CauseKind::ProtocolViolation).await }
        });
        cluster.put("s/a-lost", "new");
        cluster.put("s/y-lost", "changed");
        cluster.delete("s/z-lost");
        if goes_on {
            cluster.put("s/000", "y");
            let change = timeout(BOUND, map.change()).await.expect("it is sent").unwrap();
            assert_eq!(text(change), "000=y");
        }
        let found = timeout(BOUND, map.changes()).await.expect("the audit finds it").unwrap();
        let mut found: Vec<String> = found.into_iter().map(text).collect();
        found.sort_unstable();
        assert_eq!(found, ["-z-lost", "a-lost=new", "y-lost=changed"], "in one step");
        let cause = timeout(BOUND, stalled).await.expect("health says so").unwrap();
        assert!(cause.message().contains("an audit found"), "{cause}");
    }
}

/// If the server loses nothing, an audit ends no connection, however busy the range is.
#[tokio::test]
async fn audits_of_a_busy_range_find_nothing_that_was_not_lost() {
    let cluster = Cluster::new();
    let member = Member::start(&cluster, Behaviour::honest());
    for key in 0..100 {
        cluster.put(format!("s/{key:03}"), "x");
    }
    let options = options().audit_interval(LIVENESS / 20);
    let store = EtcdStore::connect([member.endpoint()], options).await.unwrap();
    let mut map = store.map("s").watch();
    timeout(BOUND, map.wait_until_synced()).await.expect("the range is read").unwrap();
    timeout(BOUND, store.health_live()).await.expect("the range is watched");
    let before = member.counts();
    let audits = async {
        for round in 0_u32.. {
            if super::since(before, member.counts()).ranges > 40 {
                break;
            }
            let key = format!("s/{:03}", round % 150);
            if round % 3 == 0 {
                cluster.delete(key)
            } else {
                cluster.put(key, round.to_string())
            };
            sleep(LIVENESS / 1000).await;
        }
    };
    tokio::select! {
        audited = timeout(BOUND, audits) => audited.expect("it is audited"),
        cause = store.health_stalled(CauseKind::ProtocolViolation) => panic!("{cause:?}"),
    }
}
