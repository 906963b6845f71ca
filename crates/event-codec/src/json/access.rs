//! Arrays and objects. Each element puts its segment in front of an error's path.

use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::deserializer::TrackedSeed;
use super::error::{JsonError, Segment};
use super::error_slot::ErrorSlot;
use super::name::NameSeed;

/// An array of `serde_json`, as the type reads it.
pub(super) struct TrackedSeq<'b, A> {
    pub(super) inner: A,
    pub(super) slot: &'b ErrorSlot,
    pub(super) index: usize,
}

/// An object of `serde_json`, as the type reads it.
pub(super) struct TrackedMap<'b, A> {
    pub(super) inner: A,
    pub(super) slot: &'b ErrorSlot,
    /// The fields that the type declares. Empty if the type accepts any key.
    pub(super) names: &'static [&'static str],
    /// The segment of the key that was read last.
    pub(super) key: Segment,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for TrackedSeq<'_, A> {
    type Error = JsonError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, JsonError> {
        let seed = TrackedSeed { seed, slot: self.slot };
        let segment = Segment::Index(self.index);
        self.index += 1;
        self.inner
            .next_element_seed(seed)
            .map_err(|error| self.slot.restore(&error).within(segment))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for TrackedMap<'_, A> {
    type Error = JsonError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, JsonError> {
        let slot = self.slot;
        self.key = Segment::Data;
        let key = if self.names.is_empty() {
            self.inner.next_key_seed(TrackedSeed { seed, slot })
        } else {
            let (names, segment) = (self.names, &mut self.key);
            self.inner.next_key_seed(NameSeed { seed, slot, names, segment })
        };
        key.map_err(|error| slot.restore(&error).within_key())
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, JsonError> {
        let seed = TrackedSeed { seed, slot: self.slot };
        self.inner.next_value_seed(seed).map_err(|error| self.slot.restore(&error).within(self.key))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}
