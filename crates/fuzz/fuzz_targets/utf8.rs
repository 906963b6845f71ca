//! Decodes any bytes as text. It must not panic, and must refuse exactly the bytes that are not UTF-8.
#![no_main]

use event_codec::Utf8;
use event_core::{Bytes, Decoder};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let decoded = Utf8.decode(&Bytes::copy_from_slice(bytes));
    assert_eq!(decoded.is_ok(), std::str::from_utf8(bytes).is_ok());
});
