//! Protobuf messages, and what an error of one says.

use std::collections::HashMap;

use event_codec::{DecoderExt, Protobuf};
use event_core::{Bytes, Decoder, Error, ErrorKind};
use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType};
use prost::{DecodeError, Message};

use crate::told::{keeps_the_secret, refused};

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

/// A message by hand, which says what it read.
#[derive(Debug, Default, Clone, PartialEq)]
struct Talkative;

impl Message for Talkative {
    fn encode_raw(&self, _: &mut impl BufMut) {}

    #[expect(deprecated, reason = "it is how a message by hand makes an error")]
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

/// What is wrong with a message, through the decoder and each adapter over it.
fn told<M: Message + Default + Clone + 'static>(bytes: &[u8]) -> String {
    let message = Protobuf::<M>::new();
    let errors = [
        refused(message, bytes.to_vec()),
        refused(message.optional(), bytes.to_vec()),
        refused(message.or_default(), bytes.to_vec()),
        refused(message.or(M::default()), bytes.to_vec()),
        refused(message.validate(|_| Ok::<_, Error>(())), bytes.to_vec()),
        refused(message.map(|_| ()), bytes.to_vec()),
    ];
    errors.iter().for_each(keeps_the_secret);
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
        (b"\x00", "invalid tag value"),
        (b"\x0f", "invalid wire type value"),
        (b"\x0c", "User.password: invalid wire type: EndGroup (expected LengthDelimited)"),
        (b"\xff", "invalid varint"),
        (b"hunter2", "invalid wire type value"),
    ];
    for (fault, what) in cases {
        let bytes = [&password[..], fault].concat();
        assert_eq!(told::<User>(&bytes), what, "{}", fault.escape_ascii());
    }
}

#[test]
fn a_number_read_as_a_field_key_is_not_told() {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(48_151_623_000_000, &mut bytes);
    assert_eq!(told::<User>(&bytes), "invalid key value");
}

#[test]
fn the_words_of_a_message_by_hand_are_not_told() {
    assert_eq!(told::<Talkative>(b"\x08\x01"), "the type refused the message");
}

#[test]
fn messages_that_hold_themselves_too_often_are_refused() {
    let mut bytes = Vec::new();
    for _ in 0..200 {
        let mut outer = vec![0x12];
        prost::encoding::encode_varint(bytes.len() as u64, &mut outer);
        outer.append(&mut bytes);
        bytes = outer;
    }
    assert!(told::<User>(&bytes).ends_with(": recursion limit reached"));
}

#[test]
fn no_byte_changed_panics_or_tells_the_secret() {
    let user = User { password: "hunter2".into(), pins: vec![48_151_623], ..User::default() };
    let outer = User { next: Some(Box::new(user.clone())), ..user };
    let good = outer.encode_to_vec();
    for at in 0..good.len() {
        for byte in 0..=255 {
            let mut bytes = good.clone();
            bytes[at] = byte;
            if let Err(error) = Protobuf::<User>::new().decode(&bytes.into()) {
                keeps_the_secret(&error);
                assert!(!error.to_string().contains("refused"), "{error}");
            }
        }
        if let Err(error) = Protobuf::<User>::new().decode(&good[..at].to_vec().into()) {
            keeps_the_secret(&error);
        }
    }
}

#[test]
fn bytes_in_a_message_are_not_copied() {
    let user = User { blob: Bytes::from(vec![7; 100]), ..User::default() };
    let bytes = Bytes::from(user.encode_to_vec());
    let blob = Protobuf::<User>::new().decode(&bytes).unwrap().blob;
    assert!(bytes.as_ptr_range().contains(&blob.as_ptr()));
}

#[test]
fn an_empty_value_is_the_default_message() {
    assert_eq!(Protobuf::<User>::new().decode(&Bytes::new()).unwrap(), User::default());
}
