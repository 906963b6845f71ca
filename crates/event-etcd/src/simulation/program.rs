//! A program that follows keys, and the laws of what it is told.

use std::collections::BTreeSet;

use event_core::{Entry, Health};

use crate::protocol::{CauseKind, Failure, KeyValue, ReadAnswer};
use crate::session::{KeyId, Ticket, differs};
use crate::simulation::cluster::Cluster;
use crate::simulation::connection::Connection;
use crate::simulation::history::{KEYS, key_of};

#[derive(Debug)]
pub(super) struct Program {
    pub(super) following: [Option<Following>; KEYS],
    pub(super) refreshes: Vec<Refresh>,
    /// The members that it knows the endpoints of.
    pub(super) endpoints: BTreeSet<usize>,
    pub(super) health: Health,
    /// The history that it saw last, the highest revision that it saw of it, and how many
    /// replacements it was told of by then.
    pub(super) generation: usize,
    pub(super) highest: i64,
    pub(super) history_resets: u64,
}

#[derive(Debug)]
pub(super) struct Following {
    pub(super) id: KeyId,
    /// What it was told last, and in which history.
    told: Option<(Entry, usize)>,
    /// How many replacements it was told of before that.
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
    pub(super) fn follow(&mut self, key: usize, id: KeyId) {
        self.following[key] = Some(Following { id, told: None, history_resets: 0 });
    }

    pub(super) fn leave(&mut self, key: usize) -> Option<KeyId> {
        Some(self.following[key].take()?.id)
    }

    pub(super) fn followed(&self) -> impl Iterator<Item = (usize, &Following)> {
        self.following.iter().enumerate().filter_map(|(key, one)| Some((key, one.as_ref()?)))
    }

    /// Whether every key that is followed, and not refused, was told what the store holds.
    pub(super) fn is_up_to_date(&self, cluster: &Cluster) -> bool {
        let history = cluster.history();
        self.followed().filter(|(key, _)| !cluster.large[*key]).all(|(key, following)| {
            following
                .told
                .as_ref()
                .is_some_and(|(entry, _)| history.held(key, entry, history.revision))
        })
    }

    /// A key is told. It must be news, and what the store held since it was asked for.
    pub(super) fn told(
        &mut self,
        id: KeyId,
        entry: Entry,
        cluster: &Cluster,
        connection: Option<&Connection>,
    ) -> Result<(), String> {
        let key = key_of(&entry.key).ok_or("a key is told that nobody knows")?;
        let following = self.following[key]
            .as_mut()
            .filter(|following| following.id == id)
            .ok_or("a key is told that is not followed")?;
        let connection = connection.ok_or("a key is told without a connection")?;
        let generation = connection.generation;
        let history = &cluster.histories[generation];
        if !history.has(key, &entry) {
            return Err(format!("{entry:?} was never so"));
        }
        let floor = connection.floors[key].ok_or("a key is told that was not asked for")?;
        if !history.held(key, &entry, floor) {
            return Err(format!("{entry:?} was over before revision {floor}"));
        }
        if let Some((last, last_generation)) = &following.told {
            if *last == entry {
                return Err(format!("{entry:?} is told twice in a row"));
            }
            if *last_generation == generation && entry.revision() <= last.revision() {
                return Err(format!("{entry:?} is older than {last:?}"));
            }
            if *last_generation > generation {
                return Err(format!("{entry:?} is of a history that is over"));
            }
        }
        following.told = Some((entry, generation));
        following.history_resets = self.health.history_resets;
        Ok(())
    }

    /// A refresh is done. What was told reflects all writes that were complete before the call, or
    /// a history that came since.
    pub(super) fn refreshed(
        &mut self,
        ticket: Ticket,
        result: Result<(), Failure>,
        cluster: &Cluster,
    ) -> Result<(), String> {
        let at = self
            .refreshes
            .iter()
            .position(|refresh| refresh.ticket == ticket)
            .ok_or("a refresh is done twice")?;
        let refresh = self.refreshes.swap_remove(at);
        if let Err(failure) = result {
            return match failure.kind {
                CauseKind::PermissionDenied | CauseKind::InvalidArgument | CauseKind::TooLarge => {
                    Ok(())
                }
                kind => Err(format!("a refresh gave up for {kind:?}")),
            };
        }
        let Some((key, following)) = self.followed().find(|(_, one)| one.id == refresh.id) else {
            return Ok(());
        };
        let (entry, _) = following.told.as_ref().ok_or("a refresh is done and nothing told")?;
        let reflects = (refresh.generation..cluster.histories.len()).any(|generation| {
            let history = &cluster.histories[generation];
            let called_in_it = generation == refresh.generation;
            history.held(key, entry, if called_in_it { refresh.revision } else { history.begun })
        });
        if !reflects {
            return Err(format!("a refresh left {entry:?}, older than {refresh:?}"));
        }
        Ok(())
    }

    /// A read was answered at a revision. The first one of another history tells by a lower revision
    /// that it is another; then the health must say so, and not without such a sign (E5).
    pub(super) fn saw_answer(
        &mut self,
        generation: usize,
        revision: i64,
        visible: bool,
    ) -> Result<(), String> {
        let is_told = self.health.history_resets > self.history_resets;
        let must_tell = generation > self.generation && revision < self.highest;
        if must_tell && !is_told || is_told && !visible {
            return Err(format!(
                "history {generation} is here, and told are {}",
                self.health.history_resets
            ));
        }
        self.highest = if is_told { revision } else { self.highest.max(revision) };
        (self.generation, self.history_resets) = (generation, self.health.history_resets);
        Ok(())
    }

    /// Whether a value was told of this history, for all that the program knows.
    pub(super) fn has_a_witness(&self) -> bool {
        self.followed().any(|(_, one)| {
            one.history_resets == self.health.history_resets
                && one.told.as_ref().is_some_and(|(entry, _)| entry.value().is_some())
        })
    }

    /// The store said what it remembers of a version that was told. If that is something else, and
    /// none of it came out on this connection yet, then the health must say so, and not otherwise (E5).
    pub(super) fn saw_recall(
        &mut self,
        entry: &Entry,
        answer: Option<ReadAnswer>,
        generation: usize,
        replaced_before: u64,
    ) -> Result<(), String> {
        let is_told = self.health.history_resets > self.history_resets;
        let same = |found: &KeyValue| {
            Some(found.mod_revision) == entry.revision() && Some(&found.value) == entry.value()
        };
        let differs = answer.as_ref().is_some_and(|one| !one.found.iter().flatten().any(same));
        let must_tell = differs && self.history_resets == replaced_before;
        if must_tell != is_told {
            return Err(format!(
                "{entry:?} is recalled, and told are {}",
                self.health.history_resets
            ));
        }
        if let Some(answer) = answer.filter(|_| is_told) {
            (self.generation, self.highest) = (generation, answer.revision);
        }
        self.history_resets = self.health.history_resets;
        Ok(())
    }

    /// The health is told. It must be news.
    pub(super) fn heard_health(&mut self, health: Health) -> Result<(), String> {
        if !differs(&health, &self.health) {
            return Err(format!("{health:?} is no news"));
        }
        self.health = health;
        Ok(())
    }
}
