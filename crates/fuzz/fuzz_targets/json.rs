//! Decodes any bytes as JSON. It must not panic.
#![no_main]

use std::collections::HashMap;

use event_codec::{DecoderExt, Json};
use event_core::{Bytes, Decoder, Error};

#[derive(Debug, Clone, serde::Deserialize)]
#[allow(dead_code)]
struct Config {
    name: String,
    limit: Option<u8>,
    kind: Kind,
    #[serde(default)]
    labels: HashMap<String, Vec<i16>>,
    #[serde(flatten)]
    rest: HashMap<String, Kind>,
}

#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code)]
enum Kind {
    One,
    Two(bool, f32),
    Three { point: (u64, char) },
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let bytes = Bytes::copy_from_slice(bytes);
    print(Json::<Config>::new().optional().decode(&bytes));
    print(Json::<Kind>::new().decode(&bytes));
    print(Json::<HashMap<String, u8>>::new().decode(&bytes));
});

fn print<T>(decoded: Result<T, Error>) {
    if let Err(error) = decoded {
        let _ = format!("{error:#} {error:?}");
    }
}
