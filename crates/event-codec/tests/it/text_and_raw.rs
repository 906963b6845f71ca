//! Text and raw bytes.

use event_codec::{DecoderExt, Raw, Utf8};
use event_core::{Bytes, Decoder, Error, ErrorKind};

use crate::errors::{assert_no_secret, error_of};

#[test]
fn an_error_gives_the_offset_of_the_first_byte_that_is_not_utf8() {
    let cases: [(&[u8], usize); 4] =
        [(b"hunter2\xff", 7), (b"\xffhunter2", 0), (b"hunter2\xe2\x82", 7), (b"\xc0\x80", 0)];
    for (bytes, at) in cases {
        let error = error_of(Utf8, bytes);
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(error.to_string(), format!("key `k` at revision 7: invalid UTF-8 at byte {at}"));
        assert_no_secret(&error);
        assert_no_secret(&error_of(Utf8.optional(), bytes));
        assert_no_secret(&error_of(Utf8.or_default(), bytes));
        assert_no_secret(&error_of(Utf8.or("hunter2".to_owned()), bytes));
        assert_no_secret(&error_of(Utf8.validate(|_| Ok::<_, Error>(())), bytes));
        assert_no_secret(&error_of(Utf8.map(|_| ()), bytes));
    }
}

#[test]
fn text_stays_as_it_is() {
    for text in ["", " a\n", "\0", "\u{feff}a", "héllo"] {
        assert_eq!(Utf8.decode(&Bytes::from(text)).unwrap(), text);
    }
}

#[test]
fn raw_does_not_copy_the_bytes() {
    let bytes = Bytes::from(vec![1, 2, 3]);
    let raw = Raw.decode(&bytes).unwrap();
    assert_eq!(raw.as_ptr(), bytes.as_ptr());
}
