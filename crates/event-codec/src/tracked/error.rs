//! What is wrong with a document, and where, without the data.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use super::expected::Expectation;
use crate::type_name::type_name;

/// The error that a type raises while it is deserialized.
///
/// It keeps only parts that can't contain the data. Words of the type's own ([`custom`](de::Error::custom))
/// are dropped at once. Only a decoder that reveals adds names from the data to the path, and puts in the words
/// of the format's own library.
#[derive(Debug)]
pub(crate) struct TrackedError {
    reason: Reason,
    path: Vec<Segment>, // innermost first
    position: Option<Position>,
}

/// A line and a column, both from 1.
pub(crate) type Position = (usize, usize);

/// One segment of a path.
#[derive(Debug, Clone)]
pub(super) enum Segment {
    Index(usize),
    /// A name that the type declares: a field or a variant.
    Name(&'static str),
    /// A name that comes from the data. It is here only if the decoder reveals.
    Data(Option<String>),
}

#[derive(Debug)]
enum Reason {
    Syntax(&'static str),
    Type(&'static str, Expectation),
    Value(&'static str, Expectation),
    OutOfRange(Expectation),
    Length(Expectation),
    UnknownField(&'static [&'static str]),
    UnknownVariant(&'static [&'static str]),
    MissingField(&'static str),
    DuplicateField(&'static str),
    /// The type refused the value in words of its own. Which type: `None` until it is known.
    Refused(Option<String>),
    Revealed(String),
}

impl TrackedError {
    pub(crate) fn syntax(words: &'static str) -> Self {
        Reason::Syntax(words).into()
    }

    pub(crate) fn wrong_type(found: &'static str, expected: Expectation) -> Self {
        Reason::Type(found, expected).into()
    }

    #[cfg(any(feature = "toml", feature = "yaml"))]
    pub(crate) fn wrong_value(found: &'static str, expected: Expectation) -> Self {
        Reason::Value(found, expected).into()
    }

    pub(crate) fn refused() -> Self {
        Reason::Refused(None).into()
    }

    /// Names the type that refused the value, unless an inner one did. The types that serde's derive
    /// generates have no name that a program knows.
    pub(crate) fn refused_by<T>(mut self) -> Self {
        if let Reason::Refused(by @ None) = &mut self.reason {
            let name = type_name::<T>();
            let is_generated = name.contains("__");
            *by = Some(if is_generated { "the type".to_owned() } else { format!("`{name}`") });
        }
        self
    }

    /// A sequence was found where a map with the fields of a struct was expected.
    pub(super) fn not_a_map(self, expected: Expectation) -> Self {
        match self.reason {
            Reason::Length(_) if self.path.is_empty() => Self::wrong_type("sequence", expected),
            _ => self,
        }
    }

    /// Puts `segment` in front of the path.
    pub(super) fn within(mut self, segment: Segment) -> Self {
        self.path.push(segment);
        self
    }

    /// Puts the segment of a map's key in front of the path. If the document has no key there, the error
    /// is about the map itself, and its path stays as it is.
    pub(super) fn within_key(self, key: Segment) -> Self {
        match self.reason {
            Reason::Syntax(_) => self,
            _ => self.within(key),
        }
    }

    /// Adds the line and the column, unless the error has them: the first ones are the innermost.
    pub(crate) fn at(mut self, position: Option<Position>) -> Self {
        self.position = self.position.or(position);
        self
    }

    /// The names on the path to the place, outermost first, as far as they are known: up to the first element of
    /// an array. Names from the data are known only if the slot reveals.
    #[cfg(feature = "layers")]
    pub(crate) fn place(&self) -> Vec<&str> {
        let names = self.path.iter().rev().map_while(|segment| match segment {
            Segment::Name(name) => Some(*name),
            Segment::Data(name) => name.as_deref(),
            Segment::Index(_) => None,
        });
        names.collect()
    }

    /// The field that is missing at the place, if that is the reason.
    #[cfg(feature = "layers")]
    pub(crate) fn missing(&self) -> Option<&'static str> {
        match self.reason {
            Reason::MissingField(name) => Some(name),
            _ => None,
        }
    }

    /// Removes the names that come from the data.
    #[cfg(feature = "layers")]
    pub(crate) fn conceal(mut self) -> Self {
        for segment in &mut self.path {
            if let Segment::Data(name) = segment {
                *name = None;
            }
        }
        self
    }

    /// Keeps the path, and takes the words of the format's own library, which may contain the data and the
    /// position.
    pub(crate) fn reveal(mut self, words: impl Into<String>) -> Self {
        self.reason = Reason::Revealed(words.into());
        self.position = None;
        self
    }
}

impl From<Reason> for TrackedError {
    fn from(reason: Reason) -> Self {
        Self { reason, path: Vec::new(), position: None }
    }
}

impl de::Error for TrackedError {
    fn custom<T: Display>(_: T) -> Self {
        Self::refused()
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = Expectation::of(expected);
        if expected.is_integer() && is_large_integer(found) {
            return Reason::OutOfRange(expected).into();
        }
        Reason::Type(kind(found), expected).into()
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = Expectation::of(expected);
        let is_integer = matches!(found, Unexpected::Unsigned(_) | Unexpected::Signed(_));
        if expected.is_integer() && is_integer {
            return Reason::OutOfRange(expected).into();
        }
        Reason::Value(kind(found), expected).into()
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

impl std::error::Error for TrackedError {}

impl Display for TrackedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Path(&self.path), self.reason)?;
        match self.position {
            Some((line, column)) => write!(f, " at line {line} column {column}"),
            None => Ok(()),
        }
    }
}

/// The path as the beginning of a sentence.
struct Path<'a>(&'a [Segment]);

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, segment) in self.0.iter().rev().enumerate() {
            let dot = if depth == 0 { "" } else { "." };
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Name(name) => write!(f, "{dot}{name}")?,
                Segment::Data(name) => write!(f, "{dot}{}", name.as_deref().unwrap_or("*"))?,
            }
        }
        f.write_str(if self.0.is_empty() { "" } else { ": " })
    }
}

impl Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(words) => f.write_str(words),
            Self::Type(found, expected) => write!(f, "invalid type: {found}{expected}"),
            Self::Value(found, expected) => write!(f, "invalid value: {found}{expected}"),
            Self::OutOfRange(expected) => write!(f, "number out of range{expected}"),
            Self::Length(expected) => write!(f, "invalid length{expected}"),
            Self::UnknownField(names) => write!(f, "unknown field, {}", one_of(names)),
            Self::UnknownVariant(names) => write!(f, "unknown variant, {}", one_of(names)),
            Self::MissingField(name) => write!(f, "missing field `{name}`"),
            Self::DuplicateField(name) => write!(f, "duplicate field `{name}`"),
            Self::Revealed(words) => f.write_str(words),
            Self::Refused(by) => {
                write!(f, "{} refused the value", by.as_deref().unwrap_or("the type"))
            }
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

/// Whether an integer was found that the format or serde could hand over only as something else: as a
/// float, or in words.
fn is_large_integer(found: Unexpected<'_>) -> bool {
    match found {
        Unexpected::Float(number) => number.fract() == 0.0 && number.abs() >= 2_f64.powi(63),
        Unexpected::Other(words) => words.starts_with("integer `"),
        _ => false,
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
