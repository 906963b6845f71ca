//! The variables of the environment as a document.

use std::ffi::OsString;

use event_core::{Bytes, Entry, Error, ErrorKind};
use serde_json::{Map, Value};

use super::document::{Document, Patch};

/// How deep the name of a variable goes: it may have any length, and a document is walked by recursion.
const DEPTH: usize = 64;

/// The document of the variables whose names begin with `prefix`.
pub(super) fn document(
    prefix: &str,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Document, Error> {
    let named = variables.into_iter().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        let is_ours = name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty());
        is_ours.then_some((name, value))
    });
    let mut named: Vec<_> = named.collect();
    // `APP_DB` before `APP_DB__HOST`, in any environment.
    named.sort();
    // Each variable is a patch, also the first one if no layer is below: its null removes a member.
    let nothing =
        (!named.is_empty()).then(|| Patch { key: None, value: Value::Object(Map::new()) });
    let patches = named.into_iter().map(|(name, value)| patch(prefix, name, value));
    Ok(Document { patches: nothing.map(Ok).into_iter().chain(patches).collect::<Result<_, _>>()? })
}

fn patch(prefix: &str, name: String, value: OsString) -> Result<Patch, Error> {
    let Ok(text) = value.into_string() else {
        let error = Error::new(ErrorKind::Decode, "the variable is not Unicode");
        return Err(error.at(&Entry::never_seen(name)));
    };
    let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    let path = name.strip_prefix(prefix).unwrap_or(&name).to_lowercase();
    let path: Vec<_> = path.splitn(DEPTH, "__").collect();
    let value = path
        .into_iter()
        .rfold(value, |value, member| Value::Object(Map::from_iter([(member.to_owned(), value)])));
    Ok(Patch { key: Some(Bytes::from(name)), value })
}
