//! Text and raw bytes.

use event_codec::{DecoderExt, Raw, Utf8};
use event_core::{Bytes, Decoder, Error, ErrorKind};

use crate::told::{keeps_the_secret, refused};

#[test]
fn what_is_not_utf8_is_told_by_its_position() {
    let cases: [(&[u8], usize); 4] =
        [(b"hunter2\xff", 7), (b"\xffhunter2", 0), (b"hunter2\xe2\x82", 7), (b"\xc0\x80", 0)];
    for (bytes, at) in cases {
        let error = refused(Utf8, bytes);
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(error.to_string(), format!("key `k` at revision 7: invalid UTF-8 at byte {at}"));
        keeps_the_secret(&error);
        keeps_the_secret(&refused(Utf8.optional(), bytes));
        keeps_the_secret(&refused(Utf8.or_default(), bytes));
        keeps_the_secret(&refused(Utf8.or("hunter2".to_owned()), bytes));
        keeps_the_secret(&refused(Utf8.validate(|_| Ok::<_, Error>(())), bytes));
        keeps_the_secret(&refused(Utf8.map(|_| ()), bytes));
    }
}

#[test]
fn text_is_kept_as_it_stands() {
    for text in ["", " a\n", "\0", "\u{feff}a", "héllo"] {
        assert_eq!(Utf8.decode(&Bytes::from(text)).unwrap(), text);
    }
}

#[test]
fn raw_bytes_are_not_copied() {
    let bytes = Bytes::from(vec![1, 2, 3]);
    let raw = Raw.decode(&bytes).unwrap();
    assert_eq!(raw.as_ptr(), bytes.as_ptr());
}
