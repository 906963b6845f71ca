//! `%20` and the like.

/// The bytes of a text in which `%` and two hexadecimal digits stand for a byte. `None`: after a `%` comes something
/// else.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => digit(rest.next()?)? * 16 + digit(rest.next()?)?,
            byte => byte,
        });
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_sign_and_two_digits_are_a_byte() {
        for (text, bytes) in [
            ("", Some(&b""[..])),
            ("a+b", Some(b"a+b")),
            ("%2f%FF", Some(b"/\xff")),
            ("é", Some("é".as_bytes())),
        ] {
            assert_eq!(decode(text).as_deref(), bytes, "{text}");
        }
        for text in ["%", "%2", "%2x", "%é", "100%"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
