//! The traits that every decoder has, whatever it decodes to.

use std::cell::Cell;
use std::fmt::Debug;

use event_codec::{
    Json, Map, Optional, Or, OrDefault, Parse, Protobuf, Raw, Toml, TryMap, Utf8, Validate, Yaml,
};

/// Neither `Send`, `Sync`, `Unpin`, `Debug`, `Clone` nor `Default`.
struct Awkward(
    #[expect(dead_code, reason = "the field takes the traits away")]
    (Cell<*const u8>, std::marker::PhantomPinned),
);

/// A function that checks or maps a value.
type Function = fn(String) -> Awkward;

fn is_thread_safe<T: Send + Sync + Unpin + Debug + 'static>() {}
fn is_copy<T: Clone + Copy>() {}
fn is_clone<T: Clone>() {}
fn has_default<T: Default>() {}

#[test]
fn every_decoder_can_be_sent_shared_and_moved() {
    is_thread_safe::<Raw>();
    is_thread_safe::<Utf8>();
    is_thread_safe::<Json<Awkward>>();
    is_thread_safe::<Protobuf<Awkward>>();
    is_thread_safe::<Parse<Awkward>>();
    is_thread_safe::<Toml<Awkward>>();
    is_thread_safe::<Yaml<Awkward>>();
    is_thread_safe::<Optional<Json<Awkward>>>();
    is_thread_safe::<OrDefault<Json<Awkward>>>();
    is_thread_safe::<Or<Utf8>>();
    is_thread_safe::<Validate<Json<Awkward>, Function>>();
    is_thread_safe::<Map<Json<Awkward>, Function>>();
    is_thread_safe::<TryMap<Json<Awkward>, Function>>();
}

#[test]
fn every_decoder_is_copy_if_its_parts_are() {
    is_copy::<Raw>();
    is_copy::<Utf8>();
    is_copy::<Json<Awkward>>();
    is_copy::<Protobuf<Awkward>>();
    is_copy::<Parse<Awkward>>();
    is_copy::<Toml<Awkward>>();
    is_copy::<Yaml<Awkward>>();
    is_copy::<Optional<Json<Awkward>>>();
    is_copy::<OrDefault<Json<Awkward>>>();
    is_copy::<Or<Json<u8>>>();
    is_clone::<Or<Utf8>>();
    is_copy::<Validate<Json<Awkward>, Function>>();
    is_copy::<Map<Json<Awkward>, Function>>();
    is_copy::<TryMap<Json<Awkward>, Function>>();
}

#[test]
fn every_decoder_without_a_function_or_a_value_has_a_default() {
    has_default::<Raw>();
    has_default::<Utf8>();
    has_default::<Json<Awkward>>();
    has_default::<Protobuf<Awkward>>();
    has_default::<Parse<Awkward>>();
    has_default::<Toml<Awkward>>();
    has_default::<Yaml<Awkward>>();
    has_default::<Optional<Json<Awkward>>>();
    has_default::<OrDefault<Json<Awkward>>>();
}

#[test]
fn a_decoder_of_a_type_takes_no_memory_for_the_type() {
    assert_eq!(size_of::<Protobuf<Awkward>>(), 0);
    assert_eq!(size_of::<Json<Awkward>>(), size_of::<bool>()); // whether it reveals
}
