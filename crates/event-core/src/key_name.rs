//! A key in a message.

use std::fmt::{self, Write};

/// Formats a key so that you can paste it into a shell, such as after `etcdctl get`.
///
/// Most keys are printed as they are. A key that contains spaces or shell metacharacters is quoted. A key
/// with control characters or bytes that are not UTF-8 is written as `$'…'`, which bash and zsh understand.
///
/// ```
/// use event_core::KeyName;
///
/// assert_eq!(KeyName(b"app/port").to_string(), "app/port");
/// assert_eq!(KeyName(b"two words").to_string(), "'two words'");
/// assert_eq!(KeyName(b"a\xff\n").to_string(), r"$'a\xff\n'");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyName<'a>(pub &'a [u8]);

impl fmt::Display for KeyName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_alphanumeric() || "/_-.:@%+,=".contains(c);
        match std::str::from_utf8(self.0) {
            Ok(key) if !key.is_empty() && key.chars().all(plain) => f.write_str(key),
            Ok(key) if !key.chars().any(char::is_control) => {
                write!(f, "'{}'", key.replace('\'', r"'\''"))
            }
            _ => {
                f.write_str("$'")?;
                for chunk in self.0.utf8_chunks() {
                    for c in chunk.valid().chars() {
                        match c {
                            '\n' => f.write_str(r"\n")?,
                            '\'' | '\\' => write!(f, r"\{c}")?,
                            c if c.is_control() => {
                                c.encode_utf8(&mut [0; 4])
                                    .bytes()
                                    .try_for_each(|byte| write!(f, r"\x{byte:02x}"))?;
                            }
                            c => f.write_char(c)?,
                        }
                    }
                    chunk.invalid().iter().try_for_each(|byte| write!(f, r"\x{byte:02x}"))?;
                }
                f.write_str("'")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_one_word_of_a_shell() {
        for (key, word) in [
            (&b""[..], "''"),
            (b"/registry/pods/a-b_c.d", "/registry/pods/a-b_c.d"),
            ("größe".as_bytes(), "größe"),
            (b"it's", r"'it'\''s'"),
            (b"$HOME `id`", "'$HOME `id`'"),
            (b"~", "'~'"),
            (b"a\\b", r"'a\b'"),
            (b"a\\b'\x00", r"$'a\\b\'\x00'"),
        ] {
            assert_eq!(KeyName(key).to_string(), word);
        }
    }
}
