//! The visitor that hands a type's errors to `serde_json`.

use std::fmt;

use serde::de::{Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};

use super::access::{TrackedMap, TrackedSeq};
use super::deserializer::TrackedDeserializer;
use super::enum_access::TrackedEnum;
use super::error::Segment;
use super::error_slot::ErrorSlot;
use super::expected::Expectation;

/// A visitor of the type, as `serde_json` calls it.
pub(super) struct TrackedVisitor<'b, V> {
    pub(super) visitor: V,
    pub(super) slot: &'b ErrorSlot,
    /// The fields or the variants that the type declares. Empty if the type accepts any name.
    pub(super) names: &'static [&'static str],
}

macro_rules! forward {
    ($($method:ident: $ty:ty,)*) => {$(
        fn $method<E: Error>(self, value: $ty) -> Result<V::Value, E> {
            self.visitor.$method(value).map_err(|error| self.slot.stash(error))
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for TrackedVisitor<'_, V> {
    type Value = V::Value;

    /// `serde_json` calls this when it writes that it found something else. The words go into the slot
    /// and not into `serde_json`'s text. That text then ends in `serde_json`'s own words, followed by the
    /// line and the column, and no data can look like a position.
    fn expecting(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.slot.expect(Expectation::of(&self.visitor));
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
        visit_bytes: &[u8],
        visit_borrowed_bytes: &'de [u8],
        visit_byte_buf: Vec<u8>,
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
        let Self { visitor, slot, .. } = self;
        let seq = TrackedSeq { inner, slot, index: 0 };
        visitor.visit_seq(seq).map_err(|error| slot.stash(error))
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Self { visitor, slot, names } = self;
        let map = TrackedMap { inner, slot, names, key: Segment::Data };
        visitor.visit_map(map).map_err(|error| slot.stash(error))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Self { visitor, slot, names } = self;
        let access = TrackedEnum { inner, slot, names };
        visitor.visit_enum(access).map_err(|error| slot.stash(error))
    }
}
