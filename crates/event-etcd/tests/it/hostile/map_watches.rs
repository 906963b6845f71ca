//! The same for a map: the watch of its range.

use std::time::Duration;

use etcd_client::EventType;
use etcd_client::proto::{PbEvent, PbKeyValue, PbWatchResponse};
use hostile_etcd::{Behaviour, Cluster, Member};
use tokio::time::sleep;

use super::alone::{alone, resident};
use super::followed_map::{BASE, FOLDER};
use super::hooks::{always_compacted, events};
use super::trial::{Trial, Watched, connect, since};

/// Each response once more, with other events.
fn and_then(change: impl Fn(&mut PbEvent) + Send + Sync + 'static) -> Behaviour {
    Behaviour::honest().event(move |honest| {
        let mut more = honest.clone();
        more.events.truncate(1);
        more.events.iter_mut().for_each(&change);
        vec![honest, more]
    })
}

fn deletes(event: &mut PbEvent, key: &str) {
    event.r#type = EventType::Delete as i32;
    if let Some(kv) = &mut event.kv {
        *kv =
            PbKeyValue { key: key.into(), mod_revision: kv.mod_revision, ..PbKeyValue::default() };
    }
}

trials! {
    a_watch_of_a_range_whose_start_is_always_compacted:
        Trial::from_the_start(always_compacted()).of_map();
    a_watch_of_a_range_that_is_never_created:
        Trial::from_the_start(Behaviour::honest().create(|_, _| vec![])).of_map();
    events_for_a_key_outside_of_the_range:
        Trial::once_live(events(|event| {
            if let Some(kv) = &mut event.kv {
                kv.key = b"map0".to_vec();
            }
        })).of_map().named();
    events_of_a_range_whose_revisions_go_down:
        Trial::once_live(and_then(|event| {
            if let Some(kv) = &mut event.kv {
                kv.mod_revision -= 1;
            }
        })).of_map().named();
    /// What etcd sends of a key that one transaction creates and deletes.
    events_that_delete_a_key_that_never_was:
        Trial::once_live(Behaviour::honest().event(|mut honest| {
            let mut event = honest.events.last().cloned().unwrap_or_default();
            deletes(&mut event, "map/never");
            honest.events.push(event);
            vec![honest]
        })).of_map();
    /// The second response contradicts the first one, which is not a fragment.
    events_that_delete_a_key_at_a_revision_that_is_complete:
        Trial::once_live(and_then(|event| deletes(event, "map/base-0007"))).of_map().named();
    /// What is in the second response was not there when the first one was complete.
    a_revision_in_two_responses_that_are_no_fragments:
        Trial::once_live(Behaviour::honest().event(|honest| {
            let is_new = |event: &PbEvent| {
                let put = event.kv.as_ref().filter(|kv| kv.version == 1);
                put.is_some_and(|kv| kv.key.starts_with(b"map/round-"))
            };
            let (new, others) = honest.events.iter().cloned().partition(is_new);
            vec![
                PbWatchResponse { events: others, ..honest.clone() },
                PbWatchResponse { events: new, ..honest },
            ]
        })).of_map().named();
    fragments_of_which_the_last_never_comes:
        Trial::once_live(Behaviour::honest().event(|mut honest| {
            honest.fragment = true;
            vec![honest]
        })).of_map().named();
    /// No server sends a revision twice, and it does no harm.
    responses_that_come_twice:
        Trial::once_live(Behaviour::honest().event(|honest| vec![honest.clone(), honest])).of_map();
    a_cancel_in_the_middle_of_a_revision:
        Trial::once_live(Behaviour::honest().event(|mut honest| {
            honest.events.truncate(1);
            honest.fragment = true;
            let canceled = PbWatchResponse {
                canceled: true,
                events: Vec::new(),
                fragment: false,
                cancel_reason: "no reason".into(),
                ..honest.clone()
            };
            vec![honest, canceled]
        })).of_map();
}

/// A revision that is not complete is held back: of one that is never complete, 64 MB.
#[tokio::test]
async fn fragments_that_never_end_are_not_kept() {
    alone("map_watches::fragments_that_never_end_are_not_kept", async || {
        const FRAGMENT: usize = 64 << 10;
        const MB: usize = 1 << 20;
        let cluster = Cluster::new();
        let member = Member::start(&cluster, Behaviour::honest());
        let store = connect([&member]).await;
        let mut watched = Watched::start_map(&store, &cluster);
        watched.arrives("the first step").await;
        let (before, counts) = (resident(), member.counts());
        let revision = cluster.revision() + 1;
        let mut highest = before;
        for fragment in 0..8000 {
            // The server counts the watches of a stream from 0.
            let newest = i64::try_from(member.counts().creates).unwrap() - 1;
            member.push(endless_fragment(newest, revision, fragment, FRAGMENT));
            if fragment % 10 == 0 {
                sleep(Duration::from_millis(5)).await;
                highest = highest.max(resident());
            }
        }
        let grown = highest.saturating_sub(before);
        // What is held back, what a read overlaps with, and some 80 MB of the server's own buffers.
        watched.require(grown < 250 * MB, || format!("500 MB of fragments took {grown} bytes"));
        let asked = since(counts, member.counts());
        watched.require(asked.creates > 2, || format!("it held all of it: {asked:?}"));
        let requests = asked.ranges + asked.creates + asked.connections;
        watched.require(requests < 100, || format!("it asked without pause: {asked:?}"));
        // What the server has buffered is dropped.
        member.disconnect();
        watched.put();
        watched.arrives("the next step").await;
        watched.finish();
    })
    .await;
}

/// A part of a revision that never ends.
fn endless_fragment(watch_id: i64, revision: i64, number: usize, bytes: usize) -> PbWatchResponse {
    let header = etcd_client::proto::PbResponseHeader { revision, ..Default::default() };
    let kv = PbKeyValue {
        key: format!("{FOLDER}base-{:04}", number % BASE).into(),
        value: vec![b'x'; bytes],
        mod_revision: revision,
        create_revision: revision,
        version: 1,
        lease: 0,
    };
    let event = PbEvent { r#type: EventType::Put as i32, kv: Some(kv), prev_kv: None };
    PbWatchResponse {
        header: Some(header),
        watch_id,
        fragment: true,
        events: vec![event],
        ..PbWatchResponse::default()
    }
}
