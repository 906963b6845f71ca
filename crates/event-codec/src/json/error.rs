//! What is wrong with a document, and where, without the data.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::expected::Expectation;

/// What an error says in place of a type's own words.
pub(super) const REFUSED: &str = "the type refused the value";

/// The error that a type raises while it is deserialized.
///
/// It keeps only parts that can't contain the data. Words of the type's own ([`custom`](de::Error::custom))
/// are dropped at once.
#[derive(Debug)]
pub(super) struct JsonError {
    reason: Reason,
    path: Vec<Segment>, // innermost first
    position: Option<(usize, usize)>,
}

/// One segment of a path.
#[derive(Debug, Clone, Copy)]
pub(super) enum Segment {
    Index(usize),
    /// A name that the type declares: a field or a variant.
    Name(&'static str),
    /// A name that comes from the data.
    Data,
}

#[derive(Debug)]
enum Reason {
    Syntax(&'static str),
    Type(&'static str, Expectation),
    Value(&'static str, Expectation),
    Length(Expectation),
    UnknownField(&'static [&'static str]),
    UnknownVariant(&'static [&'static str]),
    MissingField(&'static str),
    DuplicateField(&'static str),
    Refused,
}

impl JsonError {
    pub(super) fn syntax(words: &'static str) -> Self {
        Reason::Syntax(words).into()
    }

    pub(super) fn wrong_type(found: &'static str, expected: Expectation) -> Self {
        Reason::Type(found, expected).into()
    }

    /// Puts `segment` in front of the path.
    pub(super) fn within(mut self, segment: Segment) -> Self {
        self.path.push(segment);
        self
    }

    /// Puts the segment of a map's key in front of the path. If the document has no key there, the error
    /// is about the map itself, and its path stays as it is.
    pub(super) fn within_key(self) -> Self {
        match self.reason {
            Reason::Syntax(_) => self,
            _ => self.within(Segment::Data),
        }
    }

    /// Adds the line and the column, unless the error has them: the first ones are the innermost.
    pub(super) fn at(mut self, position: Option<(usize, usize)>) -> Self {
        self.position = self.position.or(position);
        self
    }
}

impl From<Reason> for JsonError {
    fn from(reason: Reason) -> Self {
        Self { reason, path: Vec::new(), position: None }
    }
}

impl de::Error for JsonError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Reason::Refused.into()
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Reason::Type(kind(found), Expectation::of(expected)).into()
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Reason::Value(kind(found), Expectation::of(expected)).into()
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Reason::Length(Expectation::of(expected)).into()
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Reason::UnknownVariant(expected).into()
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Reason::UnknownField(expected).into()
    }

    fn missing_field(field: &'static str) -> Self {
        Reason::MissingField(field).into()
    }

    fn duplicate_field(field: &'static str) -> Self {
        Reason::DuplicateField(field).into()
    }
}

impl std::error::Error for JsonError {}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, segment) in self.path.iter().rev().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Name(_) | Segment::Data if depth > 0 => write!(f, ".{}", segment.name())?,
                Segment::Name(_) | Segment::Data => f.write_str(segment.name())?,
            }
        }
        if !self.path.is_empty() {
            f.write_str(": ")?;
        }
        write!(f, "{}", self.reason)?;
        match self.position {
            Some((line, column)) => write!(f, " at line {line} column {column}"),
            None => Ok(()),
        }
    }
}

impl Segment {
    fn name(&self) -> &'static str {
        match self {
            Self::Name(name) => name,
            Self::Index(_) | Self::Data => "*",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(words) => f.write_str(words),
            Self::Type(found, expected) => write!(f, "invalid type: {found}{expected}"),
            Self::Value(found, expected) => write!(f, "invalid value: {found}{expected}"),
            Self::Length(expected) => write!(f, "invalid length{expected}"),
            Self::UnknownField(names) => write!(f, "unknown field, {}", one_of(names)),
            Self::UnknownVariant(names) => write!(f, "unknown variant, {}", one_of(names)),
            Self::MissingField(name) => write!(f, "missing field `{name}`"),
            Self::DuplicateField(name) => write!(f, "duplicate field `{name}`"),
            Self::Refused => f.write_str(REFUSED),
        }
    }
}

fn one_of(names: &[&str]) -> String {
    match names {
        [] => "expected none".to_owned(),
        [name] => format!("expected `{name}`"),
        _ => format!("expected one of `{}`", names.join("`, `")),
    }
}

/// The kind of thing that was found.
fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "integer",
        Unexpected::Float(_) => "floating point",
        Unexpected::Char(_) | Unexpected::Str(_) => "string",
        Unexpected::Bytes(_) => "byte array",
        Unexpected::Unit => "null",
        Unexpected::Option => "option",
        Unexpected::NewtypeStruct => "newtype struct",
        Unexpected::Seq | Unexpected::TupleVariant => "sequence",
        Unexpected::Map | Unexpected::StructVariant => "map",
        Unexpected::Enum => "enum",
        Unexpected::UnitVariant => "unit variant",
        Unexpected::NewtypeVariant => "newtype variant",
        Unexpected::Other(_) => "another kind of value",
    }
}
