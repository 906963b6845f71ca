//! The deserializer that a type reads from, and whose errors can't contain the data.

use serde::de::{DeserializeSeed, Deserializer, Visitor};

use super::error::JsonError;
use super::error_slot::ErrorSlot;
use super::visitor::TrackedVisitor;

/// A deserializer of `serde_json`, as the type reads it.
pub(super) struct TrackedDeserializer<'b, D> {
    pub(super) inner: D,
    pub(super) slot: &'b ErrorSlot,
}

/// A seed of the type, as `serde_json` calls it.
pub(super) struct TrackedSeed<'b, S> {
    pub(super) seed: S,
    pub(super) slot: &'b ErrorSlot,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for TrackedSeed<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        let Self { seed, slot } = self;
        seed.deserialize(TrackedDeserializer { inner, slot }).map_err(|error| slot.stash(error))
    }
}

macro_rules! forward {
    ($($method:ident($($arg:ident: $ty:ty),*) names $names:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $ty,)* visitor: V) -> Result<V::Value, JsonError> {
            let visitor = TrackedVisitor { visitor, slot: self.slot, names: $names };
            self.inner.$method($($arg,)* visitor).map_err(|error| self.slot.restore(&error))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for TrackedDeserializer<'_, D> {
    type Error = JsonError;

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }

    forward! {
        deserialize_any() names &[];
        deserialize_bool() names &[];
        deserialize_i8() names &[];
        deserialize_i16() names &[];
        deserialize_i32() names &[];
        deserialize_i64() names &[];
        deserialize_i128() names &[];
        deserialize_u8() names &[];
        deserialize_u16() names &[];
        deserialize_u32() names &[];
        deserialize_u64() names &[];
        deserialize_u128() names &[];
        deserialize_f32() names &[];
        deserialize_f64() names &[];
        deserialize_char() names &[];
        deserialize_str() names &[];
        deserialize_string() names &[];
        deserialize_bytes() names &[];
        deserialize_byte_buf() names &[];
        deserialize_option() names &[];
        deserialize_unit() names &[];
        deserialize_unit_struct(name: &'static str) names &[];
        deserialize_newtype_struct(name: &'static str) names &[];
        deserialize_seq() names &[];
        deserialize_tuple(len: usize) names &[];
        deserialize_tuple_struct(name: &'static str, len: usize) names &[];
        deserialize_map() names &[];
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) names fields;
        deserialize_enum(name: &'static str, variants: &'static [&'static str]) names variants;
        deserialize_identifier() names &[];
        deserialize_ignored_any() names &[];
    }
}
