//! A deserializer that hands faults to the type.

use serde::de::{DeserializeSeed, Deserializer, Visitor};

use super::bridge::Bridge;
use super::fault::Fault;
use super::visitor::TrackedVisitor;

/// A deserializer of `serde_json`, as a type sees it.
pub(super) struct Tracked<'b, D> {
    pub(super) inner: D,
    pub(super) bridge: &'b Bridge,
}

/// A seed, as `serde_json` sees it.
pub(super) struct TrackedSeed<'b, S> {
    pub(super) seed: S,
    pub(super) bridge: &'b Bridge,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for TrackedSeed<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        let Self { seed, bridge } = self;
        seed.deserialize(Tracked { inner, bridge }).map_err(|fault| bridge.over(fault))
    }
}

macro_rules! forward {
    ($($method:ident($($arg:ident: $ty:ty),*) names $names:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $ty,)* visitor: V) -> Result<V::Value, Fault> {
            let visitor = TrackedVisitor { visitor, bridge: self.bridge, names: $names };
            self.inner.$method($($arg,)* visitor).map_err(|error| self.bridge.back(&error))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Tracked<'_, D> {
    type Error = Fault;

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
