//! What is known of a key that is followed.

use event_core::{Bytes, Entry};

use crate::protocol::{Event, KeyValue};

/// A key that is followed, as long as it is.
pub(crate) type KeyId = u64;
/// A read under way.
pub(crate) type ReadId = u64;
/// Who waits for a refresh.
pub(crate) type Ticket = u64;

#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: Bytes,
    pub(crate) state: KeyState,
    /// What the watchers were told last.
    told: Option<Event>,
    /// The revision as of which `told` is right, in this history; 0 where that is not known.
    pub(crate) known_at: i64,
    /// It stands in the line to be read.
    pub(crate) queued: bool,
    /// A read is to overtake its watch, which is far behind (E9).
    pub(crate) overtaking: bool,
    /// Its watch was refused on this stream. If it can be read all the same, then the stream's
    /// credentials are out of date (E4).
    pub(crate) watch_refused: bool,
    /// Refreshes that wait for a read which was not sent yet.
    pub(crate) tickets: Vec<Ticket>,
}

#[derive(Debug)]
pub(crate) enum KeyState {
    Unread,
    Reading(ReadId),
    Watched(i64),
}

impl Key {
    pub(crate) fn new(name: Bytes) -> Self {
        Self {
            name,
            state: KeyState::Unread,
            told: None,
            known_at: 0,
            queued: false,
            overtaking: false,
            watch_refused: false,
            tickets: Vec::new(),
        }
    }

    /// The connection is gone: what is known of the key is as of nothing, until it is read.
    pub(crate) fn start_over(&mut self) {
        self.state = KeyState::Unread;
        self.known_at = 0;
        self.queued = true;
        self.overtaking = false;
        self.watch_refused = false;
    }

    /// The version that was told on this connection or found to be right, if it is a value.
    pub(crate) fn told_here(&self) -> Option<&Event> {
        self.told.as_ref().filter(|told| self.known_at > 0 && told.value.is_some())
    }

    /// What a read at `revision` has to tell: only what differs, in bytes or in revision (E5, E6).
    ///
    /// A read that was overtaken by the watch has nothing to tell.
    pub(crate) fn read(&mut self, found: Option<KeyValue>, revision: i64) -> Option<Entry> {
        if revision < self.known_at {
            return None;
        }
        self.known_at = revision;
        let news = match found {
            Some(KeyValue { mod_revision, value }) => Event { mod_revision, value: Some(value) },
            None => match &self.told {
                Some(told) if told.value.is_none() => return None,
                // Deleted while we were not looking, at some revision up to this one.
                Some(_) => Event { mod_revision: revision, value: None },
                None => Event { mod_revision: 0, value: None },
            },
        };
        if self.told.as_ref() == Some(&news) {
            return None;
        }
        Some(self.tell(news))
    }

    /// What an event has to tell: nothing if a read was quicker.
    pub(crate) fn event(&mut self, event: Event) -> Option<Entry> {
        if event.mod_revision <= self.known_at {
            return None;
        }
        self.known_at = event.mod_revision;
        Some(self.tell(event))
    }

    fn tell(&mut self, news: Event) -> Entry {
        self.told = Some(news.clone());
        self.entry(news)
    }

    pub(crate) fn entry(&self, event: Event) -> Entry {
        let key = self.name.clone();
        match event {
            Event { mod_revision, value: Some(value) } => Entry::present(key, mod_revision, value),
            Event { mod_revision: 0, value: None } => Entry::never_seen(key),
            Event { mod_revision, value: None } => Entry::deleted(key, mod_revision),
        }
    }
}
