//! The visitor that hands a type's errors to the format.

use std::fmt;

use serde::de::{Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};

use super::access::{TrackedMap, TrackedSeq};
use super::deserializer::TrackedDeserializer;
use super::enum_access::TrackedEnum;
use super::error::Segment;
use super::error_slot::ErrorSlot;
use super::expected::Expectation;

/// A visitor of the type, as the format calls it.
pub(super) struct TrackedVisitor<'b, V> {
    pub(super) visitor: V,
    pub(super) slot: &'b ErrorSlot,
    /// The fields or the variants that the type declares. Empty if the type accepts any name.
    pub(super) names: &'static [&'static str],
}

macro_rules! forward {
    ($($method:ident: $ty:ty,)*) => {$(
        fn $method<E: Error>(self, value: $ty) -> Result<V::Value, E> {
            self.slot.see(&value);
            self.visitor.$method(value).map_err(|error| self.slot.stash(error))
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for TrackedVisitor<'_, V> {
    type Value = V::Value;

    /// The format calls this when it writes that it found something else. The words of the type are not
    /// lost: the caller of the format has them.
    fn expecting(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }

    forward! {
        visit_bool: bool,
        visit_i8: i8,
        visit_i16: i16,
        visit_i32: i32,
        visit_i64: i64,
        visit_i128: i128,
        visit_u8: u8,
        visit_u16: u16,
        visit_u32: u32,
        visit_u64: u64,
        visit_u128: u128,
        visit_f32: f32,
        visit_f64: f64,
        visit_char: char,
        visit_str: &str,
        visit_borrowed_str: &'de str,
        visit_string: String,
    }

    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<V::Value, E> {
        self.visitor.visit_bytes(value).map_err(|error| self.slot.stash(error))
    }

    fn visit_borrowed_bytes<E: Error>(self, value: &'de [u8]) -> Result<V::Value, E> {
        self.visitor.visit_borrowed_bytes(value).map_err(|error| self.slot.stash(error))
    }

    fn visit_byte_buf<E: Error>(self, value: Vec<u8>) -> Result<V::Value, E> {
        self.visitor.visit_byte_buf(value).map_err(|error| self.slot.stash(error))
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none().map_err(|error| self.slot.stash(error))
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit().map_err(|error| self.slot.stash(error))
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let Self { visitor, slot, .. } = self;
        visitor.visit_some(TrackedDeserializer { inner, slot }).map_err(|error| slot.stash(error))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let Self { visitor, slot, .. } = self;
        visitor
            .visit_newtype_struct(TrackedDeserializer { inner, slot })
            .map_err(|error| slot.stash(error))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Self { visitor, slot, names } = self;
        let expected = Expectation::of(&visitor);
        let seq = TrackedSeq { inner, slot, index: 0 };
        visitor.visit_seq(seq).map_err(|error| {
            // serde's derive also reads a struct from a sequence, and misses elements in an empty one.
            let is_struct = !names.is_empty();
            slot.stash(if is_struct { error.not_a_map(expected) } else { error })
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Self { visitor, slot, names } = self;
        let map = TrackedMap { inner, slot, names, key: Segment::Data(None) };
        visitor.visit_map(map).map_err(|error| slot.stash(error))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Self { visitor, slot, names } = self;
        let access = TrackedEnum { inner, slot, names };
        visitor.visit_enum(access).map_err(|error| slot.stash(error))
    }
}
