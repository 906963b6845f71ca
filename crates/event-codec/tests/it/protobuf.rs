//! Protobuf messages, and their errors.

use std::collections::HashMap;

use event_codec::{DecoderExt, Protobuf};
use event_core::{Bytes, Decoder, Error, ErrorKind};
use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType};
use prost::{DecodeError, Message};

use crate::errors::{assert_no_secret, error_of};

#[derive(Clone, PartialEq, Message)]
struct User {
    #[prost(string, tag = "1")]
    password: String,
    #[prost(message, optional, boxed, tag = "2")]
    next: Option<Box<User>>,
    #[prost(uint64, repeated, tag = "3")]
    pins: Vec<u64>,
    #[prost(map = "string, uint32", tag = "4")]
    ports: HashMap<String, u32>,
    #[prost(bytes = "bytes", tag = "5")]
    blob: Bytes,
}

/// A hand-written message whose error contains the data.
#[derive(Debug, Default, Clone, PartialEq)]
struct HandWritten;

impl Message for HandWritten {
    fn encode_raw(&self, _: &mut impl BufMut) {}

    #[expect(deprecated, reason = "a hand-written message has no other way to make an error")]
    fn merge_field(
        &mut self,
        _: u32,
        _: WireType,
        _: &mut impl Buf,
        _: DecodeContext,
    ) -> Result<(), DecodeError> {
        Err(DecodeError::new("hunter2.hunter2: invalid varint"))
    }

    fn encoded_len(&self) -> usize {
        0
    }

    fn clear(&mut self) {}
}

/// The words of the error for a message, after the key and the revision, through each combinator.
fn protobuf_error<M: Message + Default + Clone + 'static>(bytes: &[u8]) -> String {
    let message = Protobuf::<M>::new();
    let errors = [
        error_of(message, bytes.to_vec()),
        error_of(message.optional(), bytes.to_vec()),
        error_of(message.or_default(), bytes.to_vec()),
        error_of(message.or(M::default()), bytes.to_vec()),
        error_of(message.validate(|_| Ok::<_, Error>(())), bytes.to_vec()),
        error_of(message.map(|_| ()), bytes.to_vec()),
    ];
    errors.iter().for_each(assert_no_secret);
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::Decode));
    errors[0].to_string().replace("key `k` at revision 7: ", "")
}

#[test]
fn an_error_names_the_field_and_not_the_data() {
    let password = b"\x0a\x07hunter2";
    let cases: [(&[u8], &str); 13] = [
        (b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "User.pins: invalid varint"),
        (b"\x0a\x08hunter2\xff", "User.password: invalid string value: data is not UTF-8 encoded"),
        (b"\x0a\x20hunter2", "User.password: buffer underflow"),
        (b"\x08\x07", "User.password: invalid wire type: Varint (expected LengthDelimited)"),
        (
            b"\x12\x09\x12\x07\x0a\x05hunt\xff",
            "User.next: User.next: User.password: \
             invalid string value: data is not UTF-8 encoded",
        ),
        (b"\x12\x09\x12\x0ahunter2", "User.next: User.next: buffer underflow"),
        (
            b"\x22\x0b\x0a\x07hunter2\x12\x00",
            "User.ports: invalid wire type: LengthDelimited (expected Varint)",
        ),
        (b"\x1a\x02\x80\x80", "User.pins: invalid varint"),
        (b"\x00", "User: invalid tag value"),
        (b"\x0f", "User: invalid wire type value"),
        (b"\x0c", "User.password: invalid wire type: EndGroup (expected LengthDelimited)"),
        (b"\xff", "User: invalid varint"),
        (b"hunter2", "User: invalid wire type value"),
    ];
    for (bad, what) in cases {
        let bytes = [&password[..], bad].concat();
        assert_eq!(protobuf_error::<User>(&bytes), what, "{}", bad.escape_ascii());
    }
}

#[test]
fn an_error_does_not_print_a_number_that_was_read_as_a_field_key() {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(48_151_623_000_000, &mut bytes);
    assert_eq!(protobuf_error::<User>(&bytes), "User: invalid key value");
}

#[test]
fn an_error_does_not_print_the_words_of_a_hand_written_message() {
    assert_eq!(protobuf_error::<HandWritten>(b"\x08\x01"), "`HandWritten` refused the message");
}

#[test]
fn an_error_says_that_the_value_looks_like_json() {
    for json in [&b"{\"password\": \"hunter2\"}"[..], b"\n[48151623]\n", b"[{}]", b"{}"] {
        let text = protobuf_error::<User>(json);
        assert!(text.ends_with(" (the value looks like JSON text)"), "{text}");
    }
    for other in [&b"hunter2"[..], b"{\"hunter2", b"{\xff}", b"\xff"] {
        let text = protobuf_error::<User>(other);
        assert!(!text.contains("JSON"), "{text}");
    }
}

#[test]
fn messages_nested_too_deeply_are_an_error() {
    let mut bytes = Vec::new();
    for _ in 0..200 {
        let mut outer = vec![0x12];
        prost::encoding::encode_varint(bytes.len() as u64, &mut outer);
        outer.append(&mut bytes);
        bytes = outer;
    }
    assert!(protobuf_error::<User>(&bytes).ends_with(": recursion limit reached"));
}

#[test]
fn no_changed_byte_causes_a_panic_or_an_error_with_the_secret() {
    let user = User { password: "hunter2".into(), pins: vec![48_151_623], ..User::default() };
    let outer = User { next: Some(Box::new(user.clone())), ..user };
    let good = outer.encode_to_vec();
    for at in 0..good.len() {
        for byte in 0..=255 {
            let mut bytes = good.clone();
            bytes[at] = byte;
            if let Err(error) = Protobuf::<User>::new().decode(&bytes.into()) {
                assert_no_secret(&error);
                assert!(!error.to_string().contains("refused"), "{error}");
            }
        }
        if let Err(error) = Protobuf::<User>::new().decode(&good[..at].to_vec().into()) {
            assert_no_secret(&error);
        }
    }
}

#[test]
fn a_bytes_field_shares_the_memory_of_the_value() {
    let user = User { blob: Bytes::from(vec![7; 100]), ..User::default() };
    let bytes = Bytes::from(user.encode_to_vec());
    let blob = Protobuf::<User>::new().decode(&bytes).unwrap().blob;
    assert!(bytes.as_ptr_range().contains(&blob.as_ptr()));
}

#[test]
fn an_empty_value_is_the_default_message() {
    assert_eq!(Protobuf::<User>::new().decode(&Bytes::new()).unwrap(), User::default());
}
