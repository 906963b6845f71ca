//! What the program subscribes to: a key, or a range of keys. Their ids are of one kind, so that what concerns both has
//! one path.

use event_core::Bytes;

use super::key::Key;
use super::range::Range;
use super::version::Version;
use crate::seam::Keys;

#[derive(Debug)]
pub(crate) enum Subscription {
    Key(Key),
    Range(Box<Range>),
}

impl Subscription {
    /// The key, or the first key of the range, which is its prefix if it has one.
    pub(crate) fn name(&self) -> &Bytes {
        match self {
            Self::Key(key) => key.name(),
            Self::Range(range) => range.name(),
        }
    }

    /// What its watch is of.
    pub(crate) fn keys(&self) -> Keys {
        match self {
            Self::Key(key) => Keys::One(key.name().clone()),
            Self::Range(range) => Keys::Range(range.keys().clone()),
        }
    }

    pub(crate) fn key(&self) -> Option<&Key> {
        match self {
            Self::Key(key) => Some(key),
            Self::Range(_) => None,
        }
    }

    pub(crate) fn key_mut(&mut self) -> Option<&mut Key> {
        match self {
            Self::Key(key) => Some(key),
            Self::Range(_) => None,
        }
    }

    pub(crate) fn range(&self) -> Option<&Range> {
        match self {
            Self::Key(_) => None,
            Self::Range(range) => Some(range),
        }
    }

    pub(crate) fn range_mut(&mut self) -> Option<&mut Range> {
        match self {
            Self::Key(_) => None,
            Self::Range(range) => Some(range),
        }
    }

    /// The revision of the newest version that is there, unless it is of an earlier history.
    pub(crate) fn newest_revision(&self) -> Option<i64> {
        match self {
            Self::Key(key) => key.present_revision().filter(|revision| *revision > 0),
            Self::Range(range) => range.newest_revision(),
        }
    }

    /// That version.
    pub(crate) fn newest(&self) -> Option<(Bytes, Version)> {
        match self {
            Self::Key(key) => Some((key.name().clone(), key.present()?)),
            Self::Range(range) => range.newest(),
        }
    }

    /// The history was replaced: what was published is of an earlier one.
    pub(crate) fn history_was_reset(&mut self) {
        match self {
            Self::Key(key) => key.history_was_reset(),
            Self::Range(range) => range.history_was_reset(),
        }
    }
}
