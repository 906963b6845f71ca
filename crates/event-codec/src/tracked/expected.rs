//! What a type expects, in words that can't contain the data.

use std::fmt;

use serde::de::Expected;

/// The words of a type's [`Expected`], if they can't contain the data.
///
/// These words come from the type's own code, which may write the data into them: the `url` crate, for
/// one, writes why the string in the document is not a URL. But a value of size zero has no place to
/// keep a string of the document. The visitors of serde's derive, and those of the standard types, have
/// size zero, so their words are kept. All other words are dropped.
#[derive(Debug)]
pub(crate) struct Expectation(Option<String>);

impl Expectation {
    pub(crate) const UNKNOWN: Self = Self(None);

    /// Whether the type is an integer of the standard library.
    pub(super) fn is_integer(&self) -> bool {
        let words = self.0.as_deref().unwrap_or_default();
        INTEGERS.contains(&words.strip_prefix("a nonzero ").unwrap_or(words))
    }

    pub(super) fn of(expected: &dyn Expected) -> Self {
        Self((size_of_val(expected) == 0).then(|| expected.to_string()))
    }
}

/// How serde names the integers in what they expect.
const INTEGERS: [&str; 12] =
    ["i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize"];

/// The end of a sentence that begins with what was found.
impl fmt::Display for Expectation {
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

    struct ZeroSized;

    impl Expected for ZeroSized {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a port")
        }
    }

    #[test]
    fn only_the_words_of_a_type_of_size_zero_are_kept() {
        assert_eq!(Expectation::of(&ZeroSized).to_string(), ", expected a port");
        assert_eq!(Expectation::of(&"a port, not hunter2").to_string(), "");
    }
}
