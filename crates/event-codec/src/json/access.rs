//! Arrays and objects: each element adds its step to the path of a fault.

use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::bridge::Bridge;
use super::fault::{Fault, Step};
use super::names::NameSeed;
use super::tracked::TrackedSeed;

/// An array, as a type sees it.
pub(super) struct TrackedSeq<'b, A> {
    pub(super) inner: A,
    pub(super) bridge: &'b Bridge,
    pub(super) index: usize,
}

/// An object, as a type sees it.
pub(super) struct TrackedMap<'b, A> {
    pub(super) inner: A,
    pub(super) bridge: &'b Bridge,
    /// The fields that the type knows; none where it takes what comes.
    pub(super) names: &'static [&'static str],
    /// The key that was read last.
    pub(super) key: Step,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for TrackedSeq<'_, A> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let seed = TrackedSeed { seed, bridge: self.bridge };
        let step = Step::Index(self.index);
        self.index += 1;
        self.inner.next_element_seed(seed).map_err(|error| self.bridge.back(&error).within(step))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for TrackedMap<'_, A> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let bridge = self.bridge;
        self.key = Step::Data;
        let key = if self.names.is_empty() {
            self.inner.next_key_seed(TrackedSeed { seed, bridge })
        } else {
            let (names, note) = (self.names, &mut self.key);
            self.inner.next_key_seed(NameSeed { seed, bridge, names, note })
        };
        key.map_err(|error| bridge.back(&error).within_key())
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let seed = TrackedSeed { seed, bridge: self.bridge };
        self.inner.next_value_seed(seed).map_err(|error| self.bridge.back(&error).within(self.key))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}
