//! Decodes any bytes as a protobuf message. It must not panic.
#![no_main]

use event_codec::Protobuf;
use event_core::{Bytes, Decoder};

#[derive(Clone, PartialEq, prost::Message)]
struct Config {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    children: Vec<Config>,
    #[prost(map = "string, sint64", tag = "3")]
    limits: std::collections::HashMap<String, i64>,
    #[prost(double, optional, tag = "4")]
    ratio: Option<f64>,
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = Protobuf::<Config>::new().decode(&Bytes::copy_from_slice(bytes)) {
        let _ = format!("{error:#} {error:?}");
    }
});
