//! The shapes that serde derives, and types that write the data into their errors.

#![expect(dead_code, reason = "the tests look only at the errors of most types")]

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, de};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) limits: Limits,
    #[serde(default, rename = "peer-ports", alias = "ports")]
    pub(crate) ports: HashMap<String, Vec<u16>>,
    #[serde(default)]
    pub(crate) transport: Option<Transport>,
}

#[derive(Deserialize)]
pub(crate) struct Limits {
    pub(crate) max_connections: u32,
}

#[derive(Deserialize)]
pub(crate) enum Transport {
    Plain,
    Unix(String),
    Tcp(u16, u16),
    Tls { cert: String, port: u16 },
}

#[derive(Deserialize)]
#[serde(tag = "kind")]
pub(crate) enum Internal {
    Tls { port: u16 },
}

#[derive(Deserialize)]
#[serde(tag = "kind", content = "with")]
pub(crate) enum Adjacent {
    Tls { port: u16 },
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Untagged {
    Port(u16),
    Tls { port: u16 },
}

#[derive(Deserialize)]
pub(crate) struct Flat {
    #[serde(flatten)]
    pub(crate) limits: Limits,
    #[serde(flatten)]
    pub(crate) rest: BTreeMap<String, u16>,
}

#[derive(Deserialize)]
pub(crate) struct Pair(pub(crate) u8, pub(crate) u8);

#[derive(Deserialize, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    A,
    B,
}

/// Reads text, and refuses it with an error that contains the text.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Words<const HOW: u8>;

pub(crate) const CUSTOM: u8 = 0;
pub(crate) const AS_MISSING: u8 = 1;
pub(crate) const AS_TYPE: u8 = 2;
pub(crate) const AS_POSITION: u8 = 3;
pub(crate) const AS_EXPECTED: u8 = 4;
pub(crate) const AS_OTHER: u8 = 5;
pub(crate) const NESTED: u8 = 6;
pub(crate) const AS_SYNTAX: u8 = 7;
pub(crate) const AS_VARIANT: u8 = 8;

impl<'de, const HOW: u8> Deserialize<'de> for Words<HOW> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Err(match HOW {
            CUSTOM => D::Error::custom(&text),
            AS_MISSING => D::Error::custom(format!("missing field `{text}`")),
            AS_TYPE => D::Error::custom(format!("invalid type: string, expected {text}")),
            AS_POSITION => D::Error::custom(format!("{text} at line 48151623 column 48151623")),
            AS_EXPECTED => {
                D::Error::invalid_value(Unexpected::Str(&text), &format!("not {text}").as_str())
            }
            AS_OTHER => D::Error::invalid_type(Unexpected::Other(&text), &text.as_str()),
            NESTED => serde_json::from_str::<u8>(&format!("\"{text}\""))
                .map_err(D::Error::custom)
                .expect_err("text is no number"),
            AS_SYNTAX => D::Error::custom("trailing characters at line 48151623 column 1"),
            _ => D::Error::unknown_variant(&text, &["a"]),
        })
    }
}

/// Reads a number, and refuses it with an error that contains the number.
#[derive(Deserialize)]
#[serde(try_from = "u32")]
pub(crate) struct Small(u32);

impl TryFrom<u32> for Small {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        Err(format!("{number} is too big"))
    }
}

/// An array whose second element expects the text of the first, and prints it as its expectation.
pub(crate) struct Twice;

impl<'de> Deserialize<'de> for Twice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Self)
    }
}

impl<'de> Visitor<'de> for Twice {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the same text twice")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        let first =
            seq.next_element::<String>()?.ok_or_else(|| A::Error::missing_field("first"))?;
        seq.next_element_seed(Again(first))?;
        Ok(self)
    }
}

struct Again(String);

impl<'de> DeserializeSeed<'de> for Again {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl de::Visitor<'_> for Again {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line 48151623 column 48151623", self.0)
    }
}

/// The first field is 0 if it does not decode: the type swallows the error.
#[derive(Deserialize)]
pub(crate) struct Lenient {
    #[serde(deserialize_with = "or_default")]
    pub(crate) first: u8,
    pub(crate) second: u8,
}

#[expect(clippy::unnecessary_wraps, reason = "serde asks for a result")]
fn or_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    Ok(u8::deserialize(deserializer).unwrap_or_default())
}
