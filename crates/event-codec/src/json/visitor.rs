//! A visitor that carries the faults of a type over to the parser.

use std::fmt;

use serde::de::{Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};

use super::access::{TrackedMap, TrackedSeq};
use super::bridge::Bridge;
use super::fault::Step;
use super::said::Said;
use super::tracked::Tracked;
use super::variant::TrackedEnum;

/// A visitor of a type, as `serde_json` sees it.
pub(super) struct TrackedVisitor<'b, V> {
    pub(super) visitor: V,
    pub(super) bridge: &'b Bridge,
    /// The fields or the variants that the type knows; none where it takes what comes.
    pub(super) names: &'static [&'static str],
}

macro_rules! forward {
    ($($method:ident: $ty:ty,)*) => {$(
        fn $method<E: Error>(self, value: $ty) -> Result<V::Value, E> {
            self.visitor.$method(value).map_err(|fault| self.bridge.over(fault))
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for TrackedVisitor<'_, V> {
    type Value = V::Value;

    /// The parser asks when it is about to say that it found something else. It is given nothing: its
    /// message is dropped, and so no data can stand at the end, where the line and the column are.
    fn expecting(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bridge.expect(Said::by(&self.visitor));
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
        self.visitor.visit_none().map_err(|fault| self.bridge.over(fault))
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit().map_err(|fault| self.bridge.over(fault))
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let Self { visitor, bridge, .. } = self;
        visitor.visit_some(Tracked { inner, bridge }).map_err(|fault| bridge.over(fault))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let Self { visitor, bridge, .. } = self;
        visitor.visit_newtype_struct(Tracked { inner, bridge }).map_err(|fault| bridge.over(fault))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Self { visitor, bridge, .. } = self;
        let seq = TrackedSeq { inner, bridge, index: 0 };
        visitor.visit_seq(seq).map_err(|fault| bridge.over(fault))
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Self { visitor, bridge, names } = self;
        let map = TrackedMap { inner, bridge, names, key: Step::Data };
        visitor.visit_map(map).map_err(|fault| bridge.over(fault))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Self { visitor, bridge, names } = self;
        let access = TrackedEnum { inner, bridge, names };
        visitor.visit_enum(access).map_err(|fault| bridge.over(fault))
    }
}
