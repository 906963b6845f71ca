//! What the combinators do with a key that exists.

use std::error::Error as StdError;

use event_codec::{DecoderExt, Json, Map, Or, Parse, Protobuf, Utf8, Validate};
use event_core::{Bytes, Decoder, Error, ErrorKind};

use crate::errors::{assert_no_secret, error_of};

#[test]
fn a_refused_value_is_an_error_with_the_words_of_the_program() {
    let positive = Json::<i32>::new().validate(|n| match n {
        1.. => Ok(()),
        _ => Err("the number is not positive"),
    });
    assert_eq!(positive.decode(&Bytes::from("5")).unwrap(), 5);
    let error = error_of(positive, "-48151623");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.to_string(), "key `k` at revision 7: validation refused the value");
    assert_eq!(error.source().unwrap().to_string(), "the number is not positive");
    assert_no_secret(&error);
}

#[test]
fn validation_does_not_run_on_bytes_that_do_not_decode() {
    let error = error_of(Json::<u8>::new().validate(|_| Err::<(), _>("not run")), "\"hunter2\"");
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_no_secret(&error);
}

#[test]
fn validations_run_in_the_order_of_the_chain() {
    let error = error_of(
        Utf8.validate(|_| Err::<(), _>("first")).validate(|_| Err::<(), _>("second")),
        "hunter2",
    );
    assert_eq!(error.source().unwrap().to_string(), "first");
}

#[test]
fn a_conversion_that_fails_is_an_error_with_the_words_of_the_program() {
    let small =
        Json::<i64>::new().try_map(|n| u8::try_from(n).map_err(|_| "the number is too big"));
    assert_eq!(small.decode(&Bytes::from("5")).unwrap(), 5_u8);
    let error = error_of(small, "48151623");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.to_string(), "key `k` at revision 7: the conversion refused the value");
    assert_eq!(error.source().unwrap().to_string(), "the number is too big");
    assert_no_secret(&error);
}

#[test]
fn a_conversion_also_converts_the_value_for_a_missing_key() {
    assert_eq!(Utf8.or("8080".to_owned()).try_map(|text| text.parse::<u16>()).absent(), Some(8080));
    assert_eq!(Utf8.or_default().try_map(|text| text.parse::<u16>()).absent(), None);
    assert_eq!(Utf8.try_map(|text| text.parse::<u16>()).or(80).absent(), Some(80));
    assert_eq!(Utf8.try_map(|text| text.parse::<u16>()).absent(), None);
}

#[test]
fn a_closure_has_the_methods_of_a_decoder() {
    let number = |bytes: &[u8]| -> Result<u8, Box<dyn StdError + Send + Sync>> {
        Ok(std::str::from_utf8(bytes)?.parse()?)
    };
    let decoder = number.validate(|n| if *n < 9 { Ok(()) } else { Err("too big") }).or(3);
    assert_eq!(decoder.absent(), Some(3));
    assert_eq!(decoder.decode(&Bytes::from("5")).unwrap(), 5);
    assert_eq!(error_of(decoder, "9").kind(), ErrorKind::Invalid);
    assert_eq!(error_of(number.optional(), "hunter2").kind(), ErrorKind::Decode);
}

#[test]
fn debug_prints_the_chain_without_functions_and_values() {
    let accept = |_: &String| Ok::<_, Error>(());
    let chain: Map<Or<Validate<Utf8, _>>, _> =
        Utf8.validate(accept).or("hunter2".to_owned()).map(|text| text.len());
    assert_eq!(format!("{chain:?}"), "Map(Or(Validate(Utf8)))");
    let convert = Utf8.try_map(|text| text.parse::<u8>());
    assert_eq!(format!("{convert:?}"), "TryMap(Utf8)");
    assert_eq!(format!("{:?}", Parse::<u8>::new().reveal()), "Parse");
    assert_eq!(format!("{:?}", Json::<u8>::new().optional()), "Optional(Json)");
    assert_eq!(format!("{:?}", Protobuf::<u32>::new().or_default()), "OrDefault(Protobuf)");
}

#[test]
fn a_clone_keeps_the_value_for_a_missing_key() {
    let decoder = Utf8.or("a".to_owned());
    assert_eq!(decoder.clone().absent(), decoder.absent());
}
