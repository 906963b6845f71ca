//! What a type says that it expects.

use std::fmt;

use serde::de::Expected;

/// The words of an [`Expected`] that can't hold the data.
///
/// They are a type's own code, so any text may be there; that of the `url` crate, for one, says why
/// the string at hand does not parse. But what has no size has no place to keep a string from the
/// data: the visitors that serde derives, and those of the standard types, have none. The words of all
/// others are dropped.
#[derive(Debug)]
pub(super) struct Said(Option<String>);

impl Said {
    pub(super) const NOTHING: Self = Self(None);

    pub(super) fn by(expected: &dyn Expected) -> Self {
        Self((size_of_val(expected) == 0).then(|| expected.to_string()))
    }
}

/// The end of a sentence about what was found.
impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(words) => write!(f, ", expected {words}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sizeless;

    impl Expected for Sizeless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a port")
        }
    }

    #[test]
    fn only_what_has_no_size_is_quoted() {
        assert_eq!(Said::by(&Sizeless).to_string(), ", expected a port");
        assert_eq!(Said::by(&"a port, not hunter2").to_string(), "");
    }
}
