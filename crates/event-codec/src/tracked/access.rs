//! Arrays and objects. Each element puts its segment in front of an error's path.

use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::deserializer::TrackedSeed;
use super::error::{Segment, TrackedError};
use super::error_slot::ErrorSlot;
use super::expected::Expectation;
use super::name::NameSeed;

/// An array of the format, as the type reads it.
pub(super) struct TrackedSeq<'b, A> {
    pub(super) inner: A,
    pub(super) slot: &'b ErrorSlot,
    pub(super) index: usize,
}

/// An object of the format, as the type reads it.
pub(super) struct TrackedMap<'b, A> {
    pub(super) inner: A,
    pub(super) slot: &'b ErrorSlot,
    /// The fields that the type declares. Empty if the type accepts any key.
    pub(super) names: &'static [&'static str],
    /// The segment of the key that was read last.
    pub(super) key: Segment,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for TrackedSeq<'_, A> {
    type Error = TrackedError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TrackedError> {
        let seed = TrackedSeed { seed, slot: self.slot };
        let segment = Segment::Index(self.index);
        self.index += 1;
        self.inner
            .next_element_seed(seed)
            .map_err(|error| self.slot.restore(&error, Expectation::UNKNOWN).within(segment))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for TrackedMap<'_, A> {
    type Error = TrackedError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TrackedError> {
        let slot = self.slot;
        self.key = Segment::Data(None);
        let key = if self.names.is_empty() {
            slot.take_seen();
            let key = self.inner.next_key_seed(TrackedSeed { seed, slot });
            self.key = Segment::Data(slot.take_seen());
            key
        } else {
            let (names, segment) = (self.names, &mut self.key);
            self.inner.next_key_seed(NameSeed { seed, slot, names, segment })
        };
        key.map_err(|error| slot.restore(&error, Expectation::UNKNOWN).within_key(self.key.clone()))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, TrackedError> {
        let seed = TrackedSeed { seed, slot: self.slot };
        self.inner.next_value_seed(seed).map_err(|error| {
            self.slot.restore(&error, Expectation::UNKNOWN).within(self.key.clone())
        })
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}
