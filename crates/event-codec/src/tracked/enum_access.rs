//! Enums. A variant puts its name in front of an error's path.

use serde::de::{DeserializeSeed, EnumAccess, VariantAccess, Visitor};

use super::deserializer::TrackedSeed;
use super::error::{Segment, TrackedError};
use super::error_slot::ErrorSlot;
use super::expected::Expectation;
use super::name::NameSeed;
use super::visitor::TrackedVisitor;

/// An enum of the format, as the type reads it.
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
    type Error = TrackedError;
    type Variant = TrackedVariant<'b, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), TrackedError> {
        let Self { inner, slot, names } = self;
        let mut segment = Segment::Data(None);
        let seed = NameSeed { seed, slot, names, segment: &mut segment };
        let (value, inner) =
            inner.variant_seed(seed).map_err(|error| slot.restore(&error, Expectation::UNKNOWN))?;
        Ok((value, TrackedVariant { inner, slot, segment }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for TrackedVariant<'_, A> {
    type Error = TrackedError;

    fn unit_variant(self) -> Result<(), TrackedError> {
        self.inner
            .unit_variant()
            .map_err(|error| self.slot.restore(&error, Expectation::UNKNOWN).within(self.segment))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, TrackedError> {
        let seed = TrackedSeed { seed, slot: self.slot };
        self.inner
            .newtype_variant_seed(seed)
            .map_err(|error| self.slot.restore(&error, Expectation::UNKNOWN).within(self.segment))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, TrackedError> {
        let expected = Expectation::of(&visitor);
        let visitor = TrackedVisitor { visitor, slot: self.slot, names: &[] };
        self.inner
            .tuple_variant(len, visitor)
            .map_err(|error| self.slot.restore(&error, expected).within(self.segment))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TrackedError> {
        let expected = Expectation::of(&visitor);
        let visitor = TrackedVisitor { visitor, slot: self.slot, names: fields };
        self.inner
            .struct_variant(fields, visitor)
            .map_err(|error| self.slot.restore(&error, expected).within(self.segment))
    }
}
