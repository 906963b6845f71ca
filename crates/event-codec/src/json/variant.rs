//! Enums: a variant adds its name to the path of a fault.

use serde::de::{DeserializeSeed, EnumAccess, VariantAccess, Visitor};

use super::bridge::Bridge;
use super::fault::{Fault, Step};
use super::names::NameSeed;
use super::tracked::TrackedSeed;
use super::visitor::TrackedVisitor;

/// An enum, as a type sees it.
pub(super) struct TrackedEnum<'b, A> {
    pub(super) inner: A,
    pub(super) bridge: &'b Bridge,
    /// The variants that the type knows.
    pub(super) names: &'static [&'static str],
}

/// What a variant holds, as a type sees it.
pub(super) struct TrackedVariant<'b, A> {
    inner: A,
    bridge: &'b Bridge,
    step: Step,
}

impl<'b, 'de, A: EnumAccess<'de>> EnumAccess<'de> for TrackedEnum<'b, A> {
    type Error = Fault;
    type Variant = TrackedVariant<'b, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), Fault> {
        let Self { inner, bridge, names } = self;
        let mut step = Step::Data;
        let seed = NameSeed { seed, bridge, names, note: &mut step };
        let (value, inner) = inner.variant_seed(seed).map_err(|error| bridge.back(&error))?;
        Ok((value, TrackedVariant { inner, bridge, step }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for TrackedVariant<'_, A> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        self.inner.unit_variant().map_err(|error| self.bridge.back(&error).within(self.step))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        let seed = TrackedSeed { seed, bridge: self.bridge };
        self.inner
            .newtype_variant_seed(seed)
            .map_err(|error| self.bridge.back(&error).within(self.step))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        let visitor = TrackedVisitor { visitor, bridge: self.bridge, names: &[] };
        self.inner
            .tuple_variant(len, visitor)
            .map_err(|error| self.bridge.back(&error).within(self.step))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let visitor = TrackedVisitor { visitor, bridge: self.bridge, names: fields };
        self.inner
            .struct_variant(fields, visitor)
            .map_err(|error| self.bridge.back(&error).within(self.step))
    }
}
