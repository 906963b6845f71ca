//! What is wrong with a document, and where, without the data.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::said::Said;

/// What is told of a type's own words.
pub(super) const REFUSED: &str = "the value was refused by its type";

/// The error that types are given to raise. It is built of its parts, so that there is no text to
/// pick apart, and what a type makes up (`custom`) is dropped as soon as it is said.
#[derive(Debug)]
pub(super) struct Fault {
    what: What,
    path: Vec<Step>, // innermost first
    position: Option<(usize, usize)>,
}

/// One segment of a path.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Index(usize),
    /// A name of the type's own: a field or a variant.
    Name(&'static str),
    /// A name that comes from the data.
    Data,
}

#[derive(Debug)]
enum What {
    Syntax(&'static str),
    Type(&'static str, Said),
    Value(&'static str, Said),
    Length(Said),
    UnknownField(&'static [&'static str]),
    UnknownVariant(&'static [&'static str]),
    MissingField(&'static str),
    DuplicateField(&'static str),
    Refused,
}

impl Fault {
    pub(super) fn syntax(words: &'static str) -> Self {
        What::Syntax(words).into()
    }

    pub(super) fn wrong_type(found: &'static str, expected: Said) -> Self {
        What::Type(found, expected).into()
    }

    /// The same fault, seen from one level further out.
    pub(super) fn within(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }

    /// The same fault, seen from the map of which a key was read. Where there is no key to read, the
    /// fault is the map's.
    pub(super) fn within_key(self) -> Self {
        match self.what {
            What::Syntax(_) => self,
            _ => self.within(Step::Data),
        }
    }

    /// Adds the line and the column. The first to be told stay, since they are the innermost.
    pub(super) fn at(mut self, position: Option<(usize, usize)>) -> Self {
        self.position = self.position.or(position);
        self
    }
}

impl From<What> for Fault {
    fn from(what: What) -> Self {
        Self { what, path: Vec::new(), position: None }
    }
}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(_: T) -> Self {
        What::Refused.into()
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        What::Type(kind(found), Said::by(expected)).into()
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        What::Value(kind(found), Said::by(expected)).into()
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        What::Length(Said::by(expected)).into()
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        What::UnknownVariant(expected).into()
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        What::UnknownField(expected).into()
    }

    fn missing_field(field: &'static str) -> Self {
        What::MissingField(field).into()
    }

    fn duplicate_field(field: &'static str) -> Self {
        What::DuplicateField(field).into()
    }
}

impl std::error::Error for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.path.iter().rev().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Name(_) | Step::Data if depth > 0 => write!(f, ".{}", step.name())?,
                Step::Name(_) | Step::Data => f.write_str(step.name())?,
            }
        }
        if !self.path.is_empty() {
            f.write_str(": ")?;
        }
        write!(f, "{}", self.what)?;
        match self.position {
            Some((line, column)) => write!(f, " at line {line} column {column}"),
            None => Ok(()),
        }
    }
}

impl Step {
    fn name(&self) -> &'static str {
        match self {
            Self::Name(name) => name,
            Self::Index(_) | Self::Data => "*",
        }
    }
}

impl fmt::Display for What {
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

/// The sort of thing that was found, in JSON's words.
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
