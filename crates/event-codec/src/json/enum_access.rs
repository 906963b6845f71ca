//! Enums. A variant puts its name in front of an error's path.

use serde::de::{DeserializeSeed, EnumAccess, VariantAccess, Visitor};

use super::deserializer::TrackedSeed;
use super::error::{JsonError, Segment};
use super::error_slot::ErrorSlot;
use super::name::NameSeed;
use super::visitor::TrackedVisitor;

/// An enum of `serde_json`, as the type reads it.
pub(super) struct TrackedEnum<'b, A> {
    pub(super) inner: A,
    pub(super) slot: &'b ErrorSlot,
    /// The variants that the type declares.
    pub(super) names: &'static [&'static str],
}

/// The content of a variant, as the type reads it.
pub(super) struct TrackedVariant<'b, A> {
    inner: A,
    slot: &'b ErrorSlot,
    segment: Segment,
}

impl<'b, 'de, A: EnumAccess<'de>> EnumAccess<'de> for TrackedEnum<'b, A> {
    type Error = JsonError;
    type Variant = TrackedVariant<'b, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), JsonError> {
        let Self { inner, slot, names } = self;
        let mut segment = Segment::Data;
        let seed = NameSeed { seed, slot, names, segment: &mut segment };
        let (value, inner) = inner.variant_seed(seed).map_err(|error| slot.restore(&error))?;
        Ok((value, TrackedVariant { inner, slot, segment }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for TrackedVariant<'_, A> {
    type Error = JsonError;

    fn unit_variant(self) -> Result<(), JsonError> {
        self.inner.unit_variant().map_err(|error| self.slot.restore(&error).within(self.segment))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, JsonError> {
        let seed = TrackedSeed { seed, slot: self.slot };
        self.inner
            .newtype_variant_seed(seed)
            .map_err(|error| self.slot.restore(&error).within(self.segment))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, JsonError> {
        let visitor = TrackedVisitor { visitor, slot: self.slot, names: &[] };
        self.inner
            .tuple_variant(len, visitor)
            .map_err(|error| self.slot.restore(&error).within(self.segment))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        let visitor = TrackedVisitor { visitor, slot: self.slot, names: fields };
        self.inner
            .struct_variant(fields, visitor)
            .map_err(|error| self.slot.restore(&error).within(self.segment))
    }
}
