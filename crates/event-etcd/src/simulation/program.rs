//! A program that watches keys, and the laws of what is published.

use std::collections::{BTreeMap, BTreeSet};

use event_core::upstream::{Ids, KeyId};
use event_core::{Bytes, CauseKind, Entry, Health};

use crate::seam::{Failure, KeyValue, ReadResponse};
use crate::session::{Ticket, Version};
use crate::simulation::cluster::Cluster;
use crate::simulation::history::{KEYS, SUBJECTS, key_of, keys_of};
use crate::simulation::link::Link;
use crate::simulation::map::Map;

#[derive(Debug)]
pub(super) struct Program {
    pub(super) ids: Ids,
    pub(super) subscriptions: [Option<Subscription>; SUBJECTS],
    pub(super) refreshes: Vec<Refresh>,
    /// The keys that can't be read, and why.
    pub(super) refusals: BTreeMap<KeyId, Failure>,
    /// The members that it knows the endpoints of.
    pub(super) endpoints: BTreeSet<usize>,
    pub(super) health: Health,
    /// The history that it saw last, the highest revision that it saw of it, and how many
    /// history resets it knew of by then.
    pub(super) generation: usize,
    pub(super) highest: i64,
    pub(super) history_resets: u64,
}

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) id: KeyId,
    /// What was published last, and of which history.
    published: Option<(Entry, usize)>,
    /// If it is a range.
    map: Map,
    /// How many history resets it knew of then.
    history_resets: u64,
}

/// A refresh that is under way.
#[derive(Debug)]
pub(super) struct Refresh {
    pub(super) ticket: Ticket,
    pub(super) id: KeyId,
    /// The history and the revision of the store at the call.
    pub(super) generation: usize,
    pub(super) revision: i64,
}

impl Program {
    pub(super) fn subscribe(&mut self, subject: usize, id: KeyId) {
        let subscription =
            Subscription { id, published: None, map: Map::default(), history_resets: 0 };
        self.subscriptions[subject] = Some(subscription);
    }

    pub(super) fn unsubscribe(&mut self, subject: usize) -> Option<KeyId> {
        let id = self.subscriptions[subject].take()?.id;
        self.ids.give_back(id);
        self.refusals.remove(&id);
        self.refreshes.retain(|refresh| refresh.id != id); // nobody waits any more
        Some(id)
    }

    pub(super) fn subscribed(&self) -> impl Iterator<Item = (usize, &Subscription)> {
        self.subscriptions.iter().enumerate().filter_map(|(key, one)| Some((key, one.as_ref()?)))
    }

    /// Whether somebody subscribes to a key, or to a range that has it.
    pub(super) fn wants(&self, key: usize) -> bool {
        self.subscribed().any(|(subject, _)| keys_of(subject).contains(&key))
    }

    /// Whether every key and range that is watched, and not refused, has what the store holds.
    pub(super) fn is_up_to_date(&self, ranges_too: bool, cluster: &Cluster) -> bool {
        let history = cluster.history();
        let served = self.subscribed().filter(|(subject, _)| !cluster.is_large(*subject));
        let (keys, mut ranges): (Vec<_>, Vec<_>) = served.partition(|(subject, _)| *subject < KEYS);
        ranges.retain(|_| ranges_too);
        let key_is = |(key, subscription): (usize, &Subscription)| {
            let published = subscription.published.as_ref();
            published.is_some_and(|(entry, _)| history.held(key, entry, history.revision))
        };
        let range_is =
            |(subject, one): (usize, &Subscription)| one.map.is_up_to_date(subject, history);
        keys.into_iter().all(key_is) && ranges.into_iter().all(range_is)
    }

    /// A step of a range is published.
    pub(super) fn step_published(
        &mut self,
        id: KeyId,
        step: &[Entry],
        is_synced: bool,
        cluster: &Cluster,
        link: Option<&Link>,
    ) -> Result<(), String> {
        let subject = self.subscribed().find(|(_, one)| one.id == id).map(|(subject, _)| subject);
        let subject = subject.ok_or("a step of a range is published that nobody watches")?;
        let link = link.ok_or("a step is published without a connection")?;
        let floor = link.floors[subject].ok_or("a range is published that was not asked for")?;
        let history = (link.generation, &cluster.histories[link.generation]);
        let resets = self.health.history_resets;
        let Some(subscription) = &mut self.subscriptions[subject] else { return Ok(()) };
        subscription.history_resets = resets;
        let has_lost = link.lost[subject];
        subscription.map.published(subject, step, is_synced, history, floor, has_lost)
    }

    /// A version is published. It must be new, and what the store held since the key was asked for.
    pub(super) fn published(
        &mut self,
        id: KeyId,
        entry: Entry,
        cluster: &Cluster,
        link: Option<&Link>,
    ) -> Result<(), String> {
        let key = key_of(&entry.key).ok_or("an unknown key is published")?;
        let subscription = self.subscriptions[key]
            .as_mut()
            .filter(|subscription| subscription.id == id)
            .ok_or("a key is published that nobody watches")?;
        let link = link.ok_or("a key is published without a connection")?;
        let generation = link.generation;
        let history = &cluster.histories[generation];
        if !history.has(key, &entry) {
            return Err(format!("{entry:?} was never so"));
        }
        let floor = link.floors[key].ok_or("a key is published that was not asked for")?;
        if !history.held(key, &entry, floor) {
            return Err(format!("{entry:?} was over before revision {floor}"));
        }
        if let Some((last, last_generation)) = &subscription.published {
            if *last == entry {
                return Err(format!("{entry:?} is published twice in a row"));
            }
            if *last_generation == generation && entry.revision() <= last.revision() {
                return Err(format!("{entry:?} is older than {last:?}"));
            }
            if *last_generation > generation {
                return Err(format!("{entry:?} is of a history that is over"));
            }
        }
        subscription.published = Some((entry, generation));
        subscription.history_resets = self.health.history_resets;
        Ok(())
    }

    /// A key can't be read, or can be again. It must be one that somebody watches, and it must be new.
    pub(super) fn refused(&mut self, id: KeyId, failure: Option<&Failure>) -> Result<(), String> {
        if self.subscribed().all(|(_, one)| one.id != id) {
            return Err("a key is refused that nobody watches".to_owned());
        }
        let before = match failure {
            Some(failure) => self.refusals.insert(id, failure.clone()),
            None => self.refusals.remove(&id),
        };
        if before.as_ref() == failure {
            return Err(format!("the refusal of a key is unchanged: {failure:?}"));
        }
        Ok(())
    }

    /// The refreshes of a key up to a ticket are done. What was published reflects all writes that were
    /// complete before the calls, or a history that came since.
    pub(super) fn refreshed(
        &mut self,
        id: KeyId,
        ticket: Ticket,
        result: &Result<(), Failure>,
        cluster: &Cluster,
        link: Option<&Link>,
    ) -> Result<(), String> {
        let is_done = |refresh: &mut Refresh| refresh.id == id && refresh.ticket <= ticket;
        let done: Vec<Refresh> = self.refreshes.extract_if(.., is_done).collect();
        if done.is_empty() && self.subscribed().all(|(_, one)| one.id != id) {
            return Err("a refresh is done of a key that nobody subscribes to".to_owned());
        }
        if let Err(failure) = result {
            return match failure.kind {
                CauseKind::PermissionDenied | CauseKind::InvalidArgument | CauseKind::TooLarge => {
                    Ok(())
                }
                kind => Err(format!("a refresh gave up for {kind:?}")),
            };
        }
        let (key, subscription) =
            self.subscribed().find(|(_, one)| one.id == id).ok_or("nobody subscribes to it")?;
        if key >= KEYS {
            if link.is_some_and(|link| link.lost[key]) {
                return Ok(()); // until an audit finds it
            }
            return map_was_refreshed(key, &subscription.map, done, cluster);
        }
        let (entry, _) =
            subscription.published.as_ref().ok_or("a refresh is done and nothing published")?;
        for refresh in done {
            let reflects = (refresh.generation..cluster.histories.len()).any(|generation| {
                let history = &cluster.histories[generation];
                let called_in_it = generation == refresh.generation;
                history.held(
                    key,
                    entry,
                    if called_in_it { refresh.revision } else { history.begun },
                )
            });
            if !reflects {
                return Err(format!("a refresh left {entry:?}, older than {refresh:?}"));
            }
        }
        Ok(())
    }

    /// A read was answered at a revision. The first one of another history shows by a lower revision
    /// that it is another. Then the health must count a reset, and not without such a sign (E5).
    pub(super) fn saw_answer(
        &mut self,
        generation: usize,
        revision: i64,
        visible: bool,
    ) -> Result<(), String> {
        let is_counted = self.health.history_resets > self.history_resets;
        let must_count = generation > self.generation && revision < self.highest;
        // A key whose revision went down shows it, too (E14).
        let may_count = visible || self.health.history_resets <= generation as u64;
        if must_count && !is_counted || is_counted && !may_count {
            return Err(format!(
                "history {generation} is here, and {} resets are counted",
                self.health.history_resets
            ));
        }
        self.highest = if is_counted { revision } else { self.highest.max(revision) };
        (self.generation, self.history_resets) = (generation, self.health.history_resets);
        Ok(())
    }

    /// Whether a value of this history was published, for all that the program knows.
    pub(super) fn has_a_version_to_check(&self) -> bool {
        self.subscribed().any(|(_, one)| {
            let published = one.published.as_ref();
            let is_present = published.is_some_and(|(entry, _)| entry.value().is_some());
            let has_keys = one.map.is_synced && !one.map.is_empty();
            one.history_resets == self.health.history_resets && (is_present || has_keys)
        })
    }

    /// Whether a read found the revision that was published of the key last.
    pub(super) fn has_version(&self, name: &[u8], found: Option<&KeyValue>) -> bool {
        let mut subscribed = self.subscribed();
        let subscription = subscribed.find(|(key, _)| key_of(name) == Some(*key));
        let published = subscription.and_then(|(_, one)| one.published.as_ref());
        let revision = published.and_then(|(entry, _)| entry.revision());
        revision.is_some() && revision == found.map(|found| found.mod_revision)
    }

    /// Whether a page has the revision of a key that was published in a range.
    pub(super) fn map_has_version(&self, found: &[(Bytes, KeyValue)]) -> bool {
        found.iter().any(|(name, found)| {
            let is_it = |(_, one): (usize, &Subscription)| {
                one.map.revision_of(name) == Some(found.mod_revision)
            };
            self.subscribed().any(is_it)
        })
    }

    /// The store answered a history check. If it has another version, and the connection has not shown that
    /// yet, then the health must count a reset, and not otherwise (E5).
    pub(super) fn saw_history_check(
        &mut self,
        version: Version,
        answer: Option<ReadResponse>,
        generation: usize,
        resets_before: u64,
    ) -> Result<(), String> {
        let is_counted = self.health.history_resets > self.history_resets;
        let same = |found: &KeyValue| Version::of(found) == version;
        let differs = answer.as_ref().is_some_and(|one| !one.found.iter().flatten().any(same));
        let must_count = differs && self.history_resets == resets_before;
        if must_count != is_counted {
            return Err(format!(
                "{version:?} is checked, and {} resets are counted",
                self.health.history_resets
            ));
        }
        if let Some(answer) = answer.filter(|_| is_counted) {
            (self.generation, self.highest) = (generation, answer.revision);
        }
        self.history_resets = self.health.history_resets;
        Ok(())
    }

    /// A health is published. It must be worth a version: while the store is stalled it tries the endpoints
    /// in turn, each with words of its own.
    pub(super) fn health_published(&mut self, health: Health) -> Result<(), String> {
        if health == self.health {
            return Err(format!("{health:?} is unchanged"));
        }
        self.health = health;
        Ok(())
    }
}

/// The refreshes of a range are done: the map reflects all writes that were complete before the calls.
fn map_was_refreshed(
    subject: usize,
    map: &Map,
    done: Vec<Refresh>,
    cluster: &Cluster,
) -> Result<(), String> {
    for refresh in done {
        let reflects = (refresh.generation..cluster.histories.len()).any(|generation| {
            let history = &cluster.histories[generation];
            let called_in_it = generation == refresh.generation;
            let since = if called_in_it { refresh.revision } else { history.begun };
            map.equals(subject, history, since).is_some()
        });
        if !map.is_synced || !reflects {
            return Err(format!("a refresh left {map:?}, older than {refresh:?}"));
        }
    }
    Ok(())
}
