//! Reading the options of a URL.

use std::fmt::Display;

use event_core::Error;

use crate::{Url, refused};

/// The value of an option that needs one.
pub(crate) fn value<'a>(url: &'a Url, name: &str) -> Result<Option<&'a str>, Error> {
    match url.option(name) {
        Some("") => Err(refused(format!("the option `{name}` has no value"))),
        value => Ok(value),
    }
}

pub(crate) fn parsed<T, E: Display>(
    url: &Url,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, Error> {
    let Some(value) = value(url, name)? else { return Ok(None) };
    parse(value)
        .map(Some)
        .map_err(|error| refused(format!("the option `{name}` can't be read: {error}")))
}

pub(crate) fn boolean(value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| format!("`{value}` is neither true nor false"))
}
