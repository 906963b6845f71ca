//! The deserializer that a type reads from, and whose errors can't contain the data.

use serde::de::{DeserializeSeed, Deserializer, Visitor};

use super::error::TrackedError;
use super::error_slot::ErrorSlot;
use super::expected::Expectation;
use super::visitor::TrackedVisitor;

/// A deserializer of the format, as the type reads it.
pub(crate) struct TrackedDeserializer<'b, D> {
    pub(crate) inner: D,
    pub(crate) slot: &'b ErrorSlot,
}

/// A seed of the type, as the format calls it.
pub(super) struct TrackedSeed<'b, S> {
    pub(super) seed: S,
    pub(super) slot: &'b ErrorSlot,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for TrackedSeed<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        let Self { seed, slot } = self;
        seed.deserialize(TrackedDeserializer { inner, slot })
            .map_err(|error| slot.stash(error.refused_by::<S::Value>()))
    }
}

macro_rules! forward {
    ($($method:ident($($arg:ident: $ty:ty),*) as $inner:ident names $names:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $ty,)* visitor: V) -> Result<V::Value, TrackedError> {
            let expected = Expectation::of(&visitor);
            let visitor = TrackedVisitor { visitor, slot: self.slot, names: $names };
            self.inner.$inner($($arg,)* visitor).map_err(|error| self.slot.restore(&error, expected))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for TrackedDeserializer<'_, D> {
    type Error = TrackedError;

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }

    // A small integer is read as an `i64`. If it is out of range, the type refuses it, and not the format.
    forward! {
        deserialize_any() as deserialize_any names &[];
        deserialize_bool() as deserialize_bool names &[];
        deserialize_i8() as deserialize_i64 names &[];
        deserialize_i16() as deserialize_i64 names &[];
        deserialize_i32() as deserialize_i64 names &[];
        deserialize_i64() as deserialize_i64 names &[];
        deserialize_i128() as deserialize_i128 names &[];
        deserialize_u8() as deserialize_i64 names &[];
        deserialize_u16() as deserialize_i64 names &[];
        deserialize_u32() as deserialize_i64 names &[];
        deserialize_u64() as deserialize_u64 names &[];
        deserialize_u128() as deserialize_u128 names &[];
        deserialize_f32() as deserialize_f32 names &[];
        deserialize_f64() as deserialize_f64 names &[];
        deserialize_char() as deserialize_char names &[];
        deserialize_str() as deserialize_str names &[];
        deserialize_string() as deserialize_string names &[];
        deserialize_bytes() as deserialize_bytes names &[];
        deserialize_byte_buf() as deserialize_byte_buf names &[];
        deserialize_option() as deserialize_option names &[];
        deserialize_unit() as deserialize_unit names &[];
        deserialize_unit_struct(name: &'static str) as deserialize_unit_struct names &[];
        deserialize_newtype_struct(name: &'static str) as deserialize_newtype_struct names &[];
        deserialize_seq() as deserialize_seq names &[];
        deserialize_tuple(len: usize) as deserialize_tuple names &[];
        deserialize_tuple_struct(name: &'static str, len: usize) as deserialize_tuple_struct names &[];
        deserialize_map() as deserialize_map names &[];
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) as deserialize_struct names fields;
        deserialize_enum(name: &'static str, variants: &'static [&'static str]) as deserialize_enum names variants;
        deserialize_identifier() as deserialize_identifier names &[];
        deserialize_ignored_any() as deserialize_ignored_any names &[];
    }
}
