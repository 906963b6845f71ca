//! The endpoints that a program gave a store.

use std::sync::{Mutex, PoisonError};

use event_core::Error;

use super::{Endpoint, has_user, user_in_endpoint};

/// The endpoints in each of some texts, which may have several, separated by commas.
pub(crate) fn split<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, Error> {
    let mut endpoints = Vec::new();
    let mut has_password = false;
    for text in texts {
        let mut parts: Vec<_> = text.split(',').map(str::trim).collect();
        has_password |= parts.iter().any(|part| has_user(part));
        parts.retain(|part| !part.is_empty());
        // An empty text is an endpoint that can't be read. A trailing comma is none.
        if parts.is_empty() {
            parts.push("");
        }
        endpoints.extend(parts.into_iter().map(str::to_owned));
    }
    // Before any endpoint is printed: a password with a comma in it is in two parts.
    if has_password { Err(user_in_endpoint()) } else { Ok(endpoints) }
}

/// The endpoints of a store by the names that its session knows them by: as they were spelled first.
#[derive(Debug)]
pub(crate) struct EndpointNames {
    tls: bool,
    /// Held while an endpoint is passed on: so two changes are passed on in the order they are made here.
    known: Mutex<Vec<(Endpoint, String)>>,
}

impl EndpointNames {
    pub(crate) fn new(tls: bool) -> Self {
        Self { tls, known: Mutex::default() }
    }

    /// Adds the endpoints of a text, and calls `added` with each that is new.
    pub(crate) fn add(&self, text: &str, mut added: impl FnMut(String)) -> Result<(), Error> {
        let endpoints = self.parse(text)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (endpoint, name) in endpoints {
            if !known.iter().any(|(known, _)| *known == endpoint) {
                known.push((endpoint, name.clone()));
                added(name);
            }
        }
        Ok(())
    }

    /// Removes the endpoints of a text, and calls `removed` with the name of each.
    pub(crate) fn remove(&self, text: &str, mut removed: impl FnMut(String)) -> Result<(), Error> {
        let endpoints = self.parse(text)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (endpoint, name) in endpoints {
            match known.iter().position(|(known, _)| *known == endpoint) {
                Some(index) => removed(known.remove(index).1),
                // One that the session may have found by itself.
                None => removed(name),
            }
        }
        Ok(())
    }

    fn parse(&self, text: &str) -> Result<Vec<(Endpoint, String)>, Error> {
        let parse = |name: String| Ok((Endpoint::parse(&name, self.tls)?, name));
        split([text])?.into_iter().map(parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(names: &EndpointNames, text: &str) -> Vec<String> {
        let mut added = Vec::new();
        names.add(text, |name| added.push(name)).unwrap();
        added
    }

    #[test]
    fn a_text_has_one_endpoint_or_several_with_commas_and_blanks() {
        assert_eq!(split([" a:1 ", "b:1, c:1,"]).unwrap(), ["a:1", "b:1", "c:1"]);
        assert_eq!(split([""]).unwrap(), [""]);
        assert_eq!(split([" , "]).unwrap(), [""]);
    }

    #[test]
    fn a_password_with_a_comma_is_not_printed() {
        for texts in [&["http://root:hun,ter2@a:1"][..], &["http://root:hun", "ter2@a:1"]] {
            let message = split(texts.iter().copied()).unwrap_err().to_string();
            assert!(message.contains("Options::user") && !message.contains("hun"), "{message}");
        }
    }

    #[test]
    fn an_endpoint_is_known_by_its_first_spelling() {
        let names = EndpointNames::new(false);
        assert_eq!(added(&names, "http://A:1/, a:1, b:1"), ["http://A:1/", "b:1"]);
        assert!(added(&names, "HTTP://a:1").is_empty());
        let mut removed = Vec::new();
        names.remove("a:1, c:1", |name| removed.push(name)).unwrap();
        assert_eq!(removed, ["http://A:1/", "c:1"]);
        assert_eq!(added(&names, "a:1"), ["a:1"]);
    }
}
