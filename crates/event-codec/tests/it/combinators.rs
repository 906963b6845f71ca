//! What is left to say of the adapters.

use std::cell::Cell;
use std::error::Error as StdError;

use event_codec::{DecoderExt, Json, Map, Optional, Or, OrDefault, Protobuf, Raw, Utf8, Validate};
use event_core::{Bytes, Decoder, Error, ErrorKind};

use crate::told::{keeps_the_secret, refused};

/// Neither `Send`, `Sync`, `Debug`, `Clone` nor `Default`.
struct Awkward(#[expect(dead_code, reason = "it stands for what is not Sync")] Cell<*const u8>);

fn is_handy<T: Send + Sync + std::fmt::Debug + Copy + Default + Unpin + 'static>() {}

#[test]
fn a_decoder_is_handy_whatever_it_decodes_to() {
    is_handy::<Raw>();
    is_handy::<Utf8>();
    is_handy::<Json<Awkward>>();
    is_handy::<Protobuf<Awkward>>();
    is_handy::<Optional<Json<Awkward>>>();
    is_handy::<OrDefault<Protobuf<Awkward>>>();
    assert_eq!((size_of::<Json<Awkward>>(), size_of::<Protobuf<Awkward>>()), (0, 0));
}

#[test]
fn validation_is_told_as_invalid_with_the_words_of_the_program() {
    let positive = Json::<i32>::new().validate(|n| match n {
        1.. => Ok(()),
        _ => Err("it is not positive"),
    });
    assert_eq!(positive.decode(&Bytes::from("5")).unwrap(), 5);
    let error = refused(positive, "-48151623");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.to_string(), "key `k` at revision 7: validation refused the value");
    assert_eq!(error.source().unwrap().to_string(), "it is not positive");
    keeps_the_secret(&error);
}

#[test]
fn validation_does_not_run_on_what_does_not_decode() {
    let error = refused(Json::<u8>::new().validate(|_| Err::<(), _>("never said")), "\"hunter2\"");
    assert_eq!(error.kind(), ErrorKind::Decode);
    keeps_the_secret(&error);
}

#[test]
fn validations_run_in_the_order_of_the_chain() {
    let error = refused(
        Utf8.validate(|_| Err::<(), _>("first")).validate(|_| Err::<(), _>("second")),
        "hunter2",
    );
    assert_eq!(error.source().unwrap().to_string(), "first");
}

#[test]
fn a_closure_has_the_methods_of_a_decoder() {
    let number = |bytes: &[u8]| -> Result<u8, Box<dyn StdError + Send + Sync>> {
        Ok(std::str::from_utf8(bytes)?.parse()?)
    };
    let decoder = number.validate(|n| if *n < 9 { Ok(()) } else { Err("too big") }).or(3);
    assert_eq!(decoder.absent(), Some(3));
    assert_eq!(decoder.decode(&Bytes::from("5")).unwrap(), 5);
    assert_eq!(refused(decoder, "9").kind(), ErrorKind::Invalid);
    let error = refused(number.optional(), "hunter2");
    assert_eq!(error.kind(), ErrorKind::Decode);
    keeps_the_secret(&error);
}

#[test]
fn debug_shows_the_chain_and_neither_closures_nor_stand_ins() {
    let ok = |_: &String| Ok::<_, Error>(());
    let chain: Map<Or<Validate<Utf8, _>>, _> =
        Utf8.validate(ok).or("hunter2".to_owned()).map(|text| text.len());
    assert_eq!(format!("{chain:?}"), "Map(Or(Validate(Utf8)))");
    let cloned = Utf8.or("a".to_owned()).clone();
    assert_eq!(cloned.absent().as_deref(), Some("a"));
    assert_eq!(format!("{:?}", Json::<u8>::new().optional()), "Optional(Json)");
    assert_eq!(format!("{:?}", Protobuf::<u32>::new().or_default()), "OrDefault(Protobuf)");
}
