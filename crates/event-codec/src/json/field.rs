//! One place of a JSON document.

use std::fmt;
use std::sync::Arc;

use event_core::{Bytes, Decoder, Error, ErrorKind};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::Json;
use crate::utf8::text;

/// Decodes one place of a JSON document.
///
/// [`Json::field`] makes one.
#[derive(Debug)]
pub struct JsonField<T> {
    json: Json<T>,
    pointer: Arc<str>,
    segments: Arc<[String]>,
}

impl<T> JsonField<T> {
    pub(super) fn new(json: Json<T>, pointer: &str) -> Self {
        let unescape = |segment: &str| segment.replace("~1", "/").replace("~0", "~");
        let below = pointer.strip_prefix('/').unwrap_or(pointer);
        let segments = below.split('/').filter(|_| !pointer.is_empty()).map(unescape);
        Self { json, segments: segments.collect(), pointer: pointer.into() }
    }
}

impl<T> Clone for JsonField<T> {
    fn clone(&self) -> Self {
        let (pointer, segments) = (Arc::clone(&self.pointer), Arc::clone(&self.segments));
        Self { json: self.json, pointer, segments }
    }
}

impl<T: DeserializeOwned> Decoder for JsonField<T> {
    type Output = T;

    fn decode(&self, bytes: &Bytes) -> Result<T, Error> {
        // The whole document first: what follows the place has to be JSON as well.
        Json::<IgnoredAny>::new().decode(bytes)?;
        let mut document = serde_json::Deserializer::from_str(text(bytes)?);
        let place = Place(&self.segments).deserialize(&mut document).ok().flatten();
        let Some(place) = place else {
            let message = format!("the document has nothing at `{}`", self.pointer);
            return Err(Error::new(ErrorKind::Decode, message));
        };
        self.json
            .decode(&Bytes::copy_from_slice(place.get().as_bytes()))
            .map_err(|error| Error::new(error.kind(), format!("in `{}`: {error}", self.pointer)))
    }
}

/// Looks for a place below the value that comes next. `None`: there is no such place.
struct Place<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match self.0 {
            [] => serde::Deserialize::deserialize(deserializer).map(Some),
            [first, rest @ ..] => deserializer.deserialize_any(Below { first, rest }),
        }
    }
}

struct Below<'a> {
    first: &'a str,
    rest: &'a [String],
}

impl<'de> Visitor<'de> for Below<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut place = None;
        while let Some(name) = map.next_key::<String>()? {
            if name == self.first {
                place = map.next_value_seed(Place(self.rest))?; // of two with one name, the last
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(place)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut place = None;
        let mut index = 0_usize;
        let wanted = self.first.parse::<usize>().ok();
        loop {
            if wanted == Some(index) {
                match seq.next_element_seed(Place(self.rest))? {
                    Some(found) => place = found,
                    None => return Ok(None),
                }
            } else if seq.next_element::<IgnoredAny>()?.is_none() {
                return Ok(place);
            }
            index += 1;
        }
    }
}
