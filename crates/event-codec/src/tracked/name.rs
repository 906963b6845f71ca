//! The names in a document that the type declares.

use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

use super::error::{Segment, TrackedError};
use super::error_slot::ErrorSlot;

/// The seed of a field's or a variant's name. It also writes the name's segment of the path.
///
/// The segment holds the name that the type declares. Unless the decoder reveals, it never holds the bytes
/// of the document.
pub(super) struct NameSeed<'b, 's, S> {
    pub(super) seed: S,
    pub(super) slot: &'b ErrorSlot,
    pub(super) names: &'static [&'static str],
    pub(super) segment: &'s mut Segment,
}

impl<S> NameSeed<'_, '_, S> {
    fn set_segment(&mut self, read: &str) {
        self.slot.see(&read);
        *self.segment = match self.names.iter().find(|name| **name == read) {
            Some(name) => Segment::Name(name),
            None => Segment::Data(self.slot.take_seen()),
        };
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
        self.set_segment(read);
        let name = StrDeserializer::<TrackedError>::new(read);
        self.seed.deserialize(name).map_err(|error| self.slot.stash(error))
    }

    fn visit_borrowed_str<E: Error>(mut self, read: &'de str) -> Result<S::Value, E> {
        self.set_segment(read);
        let name = BorrowedStrDeserializer::<TrackedError>::new(read);
        self.seed.deserialize(name).map_err(|error| self.slot.stash(error))
    }
}
