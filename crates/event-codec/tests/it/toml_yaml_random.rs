//! Random documents of TOML and YAML, good and broken, with secrets in them.

use std::collections::{BTreeMap, HashMap};

use event_codec::{Toml, Yaml};
use event_core::{Bytes, Decoder};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::errors::assert_no_secret;
use crate::json_random::broken;
use crate::json_types::{
    Adjacent, CUSTOM, Config, Flat, Internal, Lenient, Small, Transport, Untagged, Words,
};

/// The members of an object as TOML. A value without `null` is TOML too, except for the colons.
fn toml_text(value: &Value) -> String {
    let members = value.as_object().into_iter().flatten();
    let lines = members.map(|(key, value)| {
        let value = value.to_string().replace(':', "=").replace("null", "true");
        format!("{key:?} = {value}\n")
    });
    lines.collect()
}

fn check<T: DeserializeOwned>(decoder: &impl Decoder<Output = T>, bytes: &[u8]) {
    if let Err(error) = decoder.decode(&Bytes::copy_from_slice(bytes)) {
        assert_no_secret(&error);
    }
}

macro_rules! check_all {
    ($decoder:ident, $bytes:expr) => {
        check(&$decoder::<Config>::new(), $bytes);
        check(&$decoder::<Vec<Config>>::new(), $bytes);
        check(&$decoder::<HashMap<String, Transport>>::new(), $bytes);
        check(&$decoder::<Internal>::new(), $bytes);
        check(&$decoder::<Adjacent>::new(), $bytes);
        check(&$decoder::<Untagged>::new(), $bytes);
        check(&$decoder::<Flat>::new(), $bytes);
        check(&$decoder::<Lenient>::new(), $bytes);
        check(&$decoder::<BTreeMap<u32, Small>>::new(), $bytes);
        check(&$decoder::<HashMap<String, Vec<Words<CUSTOM>>>>::new(), $bytes);
        check(&$decoder::<HashMap<String, Option<Vec<(u8, char)>>>>::new(), $bytes);
        check(&$decoder::<Value>::new(), $bytes);
    };
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_toml_never_panics_and_its_error_never_prints_the_secret(bytes in broken(toml_text)) {
        check_all!(Toml, &bytes);
    }

    // A JSON document is a YAML document.
    #[test]
    fn random_yaml_never_panics_and_its_error_never_prints_the_secret(bytes in broken(Value::to_string)) {
        check_all!(Yaml, &bytes);
    }
}
