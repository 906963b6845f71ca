//! Random documents, good and broken, with secrets in them.

use std::collections::{BTreeMap, HashMap};

use event_codec::Json;
use event_core::{Bytes, Decoder};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::errors::assert_no_secret;
use crate::json_types::{
    AS_EXPECTED, Adjacent, CUSTOM, Config, Flat, Internal, Key, Lenient, Pair, Small, Transport,
    Twice, Untagged, Words,
};

/// The secrets, and names that the types declare, so that the documents nearly decode.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "hunter2",
        "48151623",
        "hunter2 at line 48151623 column 48151623",
        "missing field `hunter2`",
        "limits",
        "max_connections",
        "ports",
        "peer-ports",
        "transport",
        "Tls",
        "Tcp",
        "Plain",
        "cert",
        "port",
        "kind",
        "with",
        "first",
        "second",
        "A",
    ])
    .prop_map(str::to_owned)
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        name().prop_map(Value::String),
        prop::sample::select(vec![
            json!(null),
            json!(true),
            json!(1),
            json!(48_151_623),
            json!(-48_151_623),
            json!(48_151_623.25),
        ]),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((name(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A good document of a [`Config`], with something else in one place.
fn nearly_good() -> impl Strategy<Value = Value> {
    (document(), 0..7).prop_map(|(odd, at)| {
        let mut good = json!({
            "limits": {"max_connections": 1},
            "ports": {"hunter2": [1, 2]},
            "transport": {"Tls": {"cert": "hunter2", "port": 1}},
        });
        let place = match at {
            0 => &mut good["limits"],
            1 => &mut good["limits"]["max_connections"],
            2 => &mut good["ports"]["hunter2"],
            3 => &mut good["ports"]["hunter2"][1],
            4 => &mut good["transport"],
            5 => &mut good["transport"]["Tls"],
            _ => &mut good["transport"]["Tls"]["port"],
        };
        *place = odd;
        good
    })
}

/// A document's text: as it is, cut short, or with a byte changed or inserted.
pub(crate) fn broken(text: fn(&Value) -> String) -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![document(), nearly_good()].prop_map(move |value| text(&value));
    (text, any::<prop::sample::Index>(), any::<u8>(), 0..4).prop_map(|(text, at, byte, how)| {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len().max(1));
        match how {
            _ if bytes.is_empty() => {}
            0 => {}
            1 => bytes.truncate(at),
            2 => bytes[at] = byte,
            _ => bytes.insert(at, byte),
        }
        bytes
    })
}

fn check<T: DeserializeOwned>(bytes: &[u8]) {
    let decoded = Json::<T>::new().decode(&Bytes::copy_from_slice(bytes));
    if std::str::from_utf8(bytes).is_err() {
        let error = decoded.err().expect("JSON is UTF-8");
        assert!(error.to_string().starts_with("invalid UTF-8 at byte "), "{error}");
        return;
    }
    let theirs = serde_json::from_slice::<T>(bytes);
    let (Err(error), Err(theirs)) = (&decoded, &theirs) else {
        assert_eq!(decoded.is_ok(), theirs.is_ok());
        return;
    };
    assert_no_secret(error);
    let text = error.to_string();
    if !theirs.is_data() {
        assert!(!text.contains("refused"), "ours: {text}, theirs: {theirs}");
        let place = format!(" at line {} column {}", theirs.line(), theirs.column());
        assert!(text.ends_with(&place), "ours: {text}, theirs: {theirs}");
    }
    for kind in ["missing field", "duplicate field", "unknown field", "unknown variant"] {
        if theirs.to_string().starts_with(kind) {
            assert!(
                text.contains(kind) || text.contains("refused"),
                "ours: {text}, theirs: {theirs}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_random_document_never_panics_and_its_error_never_prints_the_secret(bytes in broken(Value::to_string)) {
        check::<Config>(&bytes);
        check::<Vec<Config>>(&bytes);
        check::<Transport>(&bytes);
        check::<HashMap<String, Transport>>(&bytes);
        check::<Internal>(&bytes);
        check::<Adjacent>(&bytes);
        check::<Untagged>(&bytes);
        check::<Flat>(&bytes);
        check::<Pair>(&bytes);
        check::<Lenient>(&bytes);
        check::<HashMap<Key, Small>>(&bytes);
        check::<BTreeMap<u32, Small>>(&bytes);
        check::<HashMap<String, Vec<Words<CUSTOM>>>>(&bytes);
        check::<Vec<Words<AS_EXPECTED>>>(&bytes);
        check::<Twice>(&bytes);
        check::<Option<Vec<(u8, char)>>>(&bytes);
        check::<Value>(&bytes);
    }
}
