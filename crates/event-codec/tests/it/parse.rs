//! Text that a type parses.

use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::path::PathBuf;
use std::str::FromStr;

use event_codec::Parse;
use event_core::{Bytes, Decoder};

use crate::errors::words_of;

fn parse<T: FromStr>(text: &str) -> T
where
    Parse<T>: Decoder<Output = T>,
{
    Parse::new().decode(&Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

#[test]
fn whitespace_around_the_text_is_ignored() {
    for text in ["8080", "8080\n", "\t 8080\r\n", "\u{a0}8080"] {
        assert_eq!(parse::<u16>(text), 8080);
    }
    assert_eq!(parse::<String>(" a b \n"), "a b");
    assert_eq!(parse::<PathBuf>("/etc/hosts\n"), PathBuf::from("/etc/hosts"));
    assert!(parse::<SocketAddr>("[::1]:80\n").ip().is_loopback());
}

/// Compares the error of each text, as a type, with the expected words.
macro_rules! errors {
    ($($type:ty: $text:expr => $words:expr;)*) => {$(
        let words = words_of(Parse::<$type>::new(), $text.as_bytes());
        assert_eq!(words, $words, "{:?} as {}", $text, stringify!($type));
    )*};
}

#[test]
fn an_error_names_the_type_and_says_what_is_wrong() {
    errors! {
        u16: "48151623" => "number out of range, expected u16";
        i8: "-48151623" => "number out of range, expected i8";
        NonZeroU8: "0" => "number out of range, expected NonZero<u8>";
        u16: "" => "empty text, expected u16";
        u16: " \n" => "empty text, expected u16";
        u16: "hunter2" => "invalid text, expected u16";
        u16: "80 80" => "invalid text, expected u16";
        f64: "hunter2" => "invalid text, expected f64";
        bool: "hunter2" => "invalid text, expected bool";
        SocketAddr: "hunter2:80" => "invalid text, expected SocketAddr";
    }
    assert_eq!(words_of(Parse::<String>::new(), b"hunter2\xff"), "invalid UTF-8 at byte 7");
}
