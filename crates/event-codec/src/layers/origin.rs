//! From the merged document to a typed value, and from an error back to the layer.

use event_core::{Bytes, Entry, Error, ErrorKind};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::merge::merged;
use crate::json::explain;
use crate::tracked::{ErrorSlot, Format, TrackedDeserializer, TrackedError};

/// A document that one key of a layer adds.
pub(super) struct Part<'a> {
    pub(super) layer: &'a str,
    pub(super) key: &'a Bytes,
    pub(super) revision: Option<i64>,
    pub(super) value: &'a Value,
}

/// The typed value of the merged parts, of which the lowest is first.
pub(super) fn decode<T: DeserializeOwned>(parts: &[Part<'_>]) -> Result<T, Error> {
    let document = merged(parts.iter().map(|part| part.value));
    // The error of serde_json is dropped: it may contain the data.
    T::deserialize(&document).map_err(|_| {
        let error = why_not::<T>(&document);
        let origins = origins_of(&error, parts);
        named(&error.conceal(), &origins)
    })
}

/// Says why a document is not a `T`. The path has the names from the data, to find the layer.
fn why_not<T: DeserializeOwned>(document: &Value) -> TrackedError {
    let slot = ErrorSlot::new(Format { explain, position: |_| None }, true);
    let decoded = T::deserialize(TrackedDeserializer { inner: document, slot: &slot });
    // If the type accepts the second time what it refused the first time, nothing else is known.
    decoded.err().unwrap_or_else(TrackedError::refused).refused_by::<T>()
}

/// The parts that the error is about, the highest first.
fn origins_of<'p, 'a>(error: &TrackedError, parts: &'p [Part<'a>]) -> Vec<&'p Part<'a>> {
    let place = error.place();
    let missing = error.missing().map(|name| [&place[..], &[name]].concat());
    match missing.and_then(|missing| removed(parts, &missing)) {
        Some(part) => vec![part],
        None => origins(parts, &place),
    }
}

/// The part that removed what is missing at `place` with a null, if one did.
fn removed<'p, 'a>(parts: &'p [Part<'a>], place: &[&str]) -> Option<&'p Part<'a>> {
    let mut touching = parts.iter().rev().filter(|part| !matches!(part.at(place), At::Elsewhere));
    touching.next().filter(|part| matches!(part.at(place), At::Here(Value::Null)))
}

/// The parts that what is at `place` comes from, the highest first. Several if it is an object.
fn origins<'p, 'a>(parts: &'p [Part<'a>], place: &[&str]) -> Vec<&'p Part<'a>> {
    let mut found = Vec::new();
    for part in parts.iter().rev() {
        match part.at(place) {
            At::Elsewhere => {}
            At::Here(Value::Object(_)) => found.push(part),
            // It replaces what is below it. If nothing above it is merged into the place, it is its origin.
            At::Here(_) | At::Above => {
                if found.is_empty() {
                    found.push(part);
                }
                break;
            }
        }
    }
    found
}

/// What a part has at a place.
enum At<'a> {
    /// It does not reach there.
    Elsewhere,
    Here(&'a Value),
    /// Something that is no object, on the way there.
    Above,
}

impl Part<'_> {
    fn at(&self, place: &[&str]) -> At<'_> {
        let mut value = self.value;
        for name in place {
            let Value::Object(members) = value else { return At::Above };
            match members.get(*name) {
                Some(member) => value = member,
                None => return At::Elsewhere,
            }
        }
        At::Here(value)
    }
}

/// The error with the names of the layers, and with the key if there is one.
fn named(error: &TrackedError, origins: &[&Part<'_>]) -> Error {
    let error = Error::new(ErrorKind::Decode, error.to_string());
    if let [part] = origins {
        let entry = match part.revision {
            Some(revision) => Entry::present(part.key.clone(), revision, Bytes::new()),
            None => Entry::never_seen(part.key.clone()),
        };
        return error.with_context(layer(part.layer)).at(&entry);
    }
    let mut names: Vec<_> = origins.iter().rev().map(|part| part.layer).collect();
    names.dedup();
    match names[..] {
        [] => error,
        [name] => error.with_context(layer(name)),
        _ => error.with_context(format_args!("layers `{}`", names.join("`, `"))),
    }
}

/// How an error calls a layer.
pub(super) fn layer(name: &str) -> String {
    format!("layer `{name}`")
}
