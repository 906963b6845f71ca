//! Which name of the data is a name of the type.

use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

use super::bridge::Bridge;
use super::fault::{Fault, Step};

/// The seed of a field or a variant, which notes the name on its way.
///
/// The note holds the name that the type knows, never the one that was read.
pub(super) struct NameSeed<'b, 's, S> {
    pub(super) seed: S,
    pub(super) bridge: &'b Bridge,
    pub(super) names: &'static [&'static str],
    pub(super) note: &'s mut Step,
}

impl<S> NameSeed<'_, '_, S> {
    fn note(&mut self, read: &str) {
        let known = self.names.iter().find(|name| **name == read);
        *self.note = known.map_or(Step::Data, |name| Step::Name(name));
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for NameSeed<'_, '_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        inner.deserialize_identifier(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for NameSeed<'_, '_, S> {
    type Value = S::Value;

    fn expecting(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }

    fn visit_str<E: Error>(mut self, read: &str) -> Result<S::Value, E> {
        self.note(read);
        let name = StrDeserializer::<Fault>::new(read);
        self.seed.deserialize(name).map_err(|fault| self.bridge.over(fault))
    }

    fn visit_borrowed_str<E: Error>(mut self, read: &'de str) -> Result<S::Value, E> {
        self.note(read);
        let name = BorrowedStrDeserializer::<Fault>::new(read);
        self.seed.deserialize(name).map_err(|fault| self.bridge.over(fault))
    }
}
