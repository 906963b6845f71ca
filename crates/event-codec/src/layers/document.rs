//! A document of any format.

use std::fmt;
use std::sync::Arc;

use event_core::Bytes;
use serde::de::{
    Deserialize, Deserializer, Error, Expected, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde_json::{Map, Number, Value};

/// The document of a [`Layer`](crate::Layer), whatever its format.
///
/// [`Json`](crate::Json), [`Toml`](crate::Toml) and [`Yaml`](crate::Yaml) decode it. A date or a time of TOML is
/// a string. A number that JSON does not have, such as the `nan` of TOML, is an error. In JSON, an integer that
/// does not fit into 64 bits becomes a float.
///
/// `Document::default()` is an empty document. `Debug` does not print the document, which may hold secrets.
///
/// For a format of your own, make a document from a [`serde_json::Value`]:
///
/// ```
/// use event_codec::{Document, Layer, layers};
/// use event_core::{Entry, Error, MemoryValue, ReaderExt};
///
/// # futures_executor::block_on(async {
/// let port = MemoryValue::new(Entry::present("port", 1, "8080"));
/// let layer = Layer::new("etcd", port.reader(), |bytes: &[u8]| {
///     let port: u16 = std::str::from_utf8(bytes)?.parse()?;
///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Document::from(serde_json::json!({ "port": port })))
/// });
/// let config = layers::<std::collections::HashMap<String, u16>>([layer]);
/// assert_eq!(config.get().await.unwrap()["port"], 8080);
/// # });
/// ```
#[derive(Clone, Default)]
pub struct Document {
    /// The lowest first.
    pub(super) patches: Arc<[Patch]>,
}

/// A part of a document that is merged on its own.
pub(super) struct Patch {
    /// Where it comes from, if that is not the key of the layer.
    pub(super) key: Option<Bytes>,
    pub(super) value: Value,
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        Self { patches: Arc::new([Patch { key: None, value }]) }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Node::deserialize(deserializer).map(|node| Self::from(node.0))
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").finish_non_exhaustive()
    }
}

/// How toml gives a date or a time to a type: as an object with this one member.
const DATETIME: &str = "$__toml_private_datetime";

/// How `serde_json` gives a number to a type, if a crate of the program enables `arbitrary_precision`.
const NUMBER: &str = "$serde_json::private::Number";

/// A value of the document. Why not a [`Value`]? It takes a `nan` for a null, which removes a member.
struct Node(Value);

struct NodeVisitor;

struct FiniteNumber;

impl Expected for FiniteNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a finite number")
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor).map(Self)
    }
}

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).map(Value::Number);
        number.ok_or_else(|| E::invalid_value(Unexpected::Float(value), &FiniteNumber))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(Node(element)) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                DATETIME => return map.next_value().map(Value::String),
                NUMBER => {
                    let number = map.next_value::<String>()?.parse().map(Value::Number);
                    return number.map_err(A::Error::custom);
                }
                _ => {
                    let Node(value) = map.next_value()?;
                    members.insert(name, value);
                }
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use serde::de::value::{Error, MapDeserializer};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_of_any_precision_is_a_number() {
        let members = [(NUMBER, "8080")].into_iter();
        let deserializer = MapDeserializer::<_, Error>::new(members);
        assert_eq!(Node::deserialize(deserializer).unwrap().0, json!(8080));
    }
}
