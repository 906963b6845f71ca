//! The laws, on the merged documents of layers of which one changes.

#[path = "../../../event-core/tests/it/laws/source.rs"]
mod source;

use event_codec::{DecoderExt, Document, Json, Layer, layers};
use event_core::{Entry, MemoryReader, MemoryValue, ReaderExt, ValueReader, ValueWriter};
use serde::Deserialize;

use source::{Below, Source};

/// Tests the laws on what `merge` makes of a key, typed and boxed. The error comes from below, or from the
/// decoder.
macro_rules! laws_hold {
    ($($name:ident: $version:expr, $merge:expr;)*) => {$(
        mod $name {
            use super::*;
            event_core::conformance_tests!(typed, || Source::new($version, $merge));
            event_core::conformance_tests!(boxed, || {
                Source::new($version, |below| $merge(below).boxed())
            });
            event_core::conformance_tests!(undecodable, || undecodable($version, $merge));
        }
    )*};
}

#[derive(Clone, Deserialize)]
struct Config {
    number: u64,
    #[allow(dead_code)]
    constant: bool,
}

fn number(version: u64) -> Entry {
    Entry::present("key", i64::try_from(version).unwrap(), version.to_string())
}

fn member(version: u64) -> Entry {
    let document = format!("{{\"number\": {version}}}");
    Entry::present("key", i64::try_from(version).unwrap(), document)
}

fn driven(below: Below<Entry>) -> Layer {
    Layer::new("driven", below, Json::new())
}

/// A layer that never changes. Its value has ended.
fn constant() -> Layer {
    let entry = Entry::present("constant", 1, r#"{"constant": true}"#);
    Layer::new("constant", MemoryValue::new(entry).reader(), Json::new())
}

fn merged(
    all: impl IntoIterator<Item = Layer>,
) -> impl ValueReader<u64, Watcher: Send> + Send + Sync {
    layers::<Config>(all).map(|config| config.number)
}

fn undecodable<R>(
    version: fn(u64) -> Entry,
    merge: impl FnOnce(Below<Entry>) -> R,
) -> (R, Source<Entry>) {
    let (reader, mut source) = Source::new(version, merge);
    source.spoil = |value| value.set(Entry::present("key", 7, "no document"));
    (reader, source)
}

laws_hold! {
    alone: number, |below: Below<Entry>| layers::<u64>([driven(below)]);
    without_an_epoch: number, |below: Below<Entry>| layers::<u64>([driven(below.without_epoch())]);
    over_a_constant: member, |below: Below<Entry>| merged([constant(), driven(below)]);
    under_a_constant: member, |below: Below<Entry>| merged([driven(below), constant()]);
    under_the_environment: member, |below: Below<Entry>| {
        merged([driven(below), Layer::env_of("APP_", [("APP_CONSTANT", "true")])])
    };
    over_a_missing_key: number, |below: Below<Entry>| {
        let missing = MemoryValue::new(Entry::never_seen("missing")).reader();
        layers::<u64>([Layer::new("missing", missing, Json::new().or_default()), driven(below)])
    };
}

/// Straight over a value in memory.
mod memory {
    use super::*;

    fn in_memory(reader: MemoryReader<Entry>) -> impl ValueReader<u64, Watcher: Send> {
        layers::<u64>([Layer::new("driven", reader, Json::new())])
    }

    // The decoder is code of the program, but has no gate.
    event_core::conformance_tests!(typed, || Source::in_memory(number, in_memory));
}

/// The merged document is not a `Config`: the type refuses it, and not the layer.
mod of_another_type {
    use super::*;

    fn of_another_type() -> (impl ValueReader<u64, Watcher: Send>, Source<Entry>) {
        let (reader, mut source) =
            Source::new(member, |below: Below<Entry>| merged([constant(), driven(below)]));
        source.spoil = |value| value.set(Entry::present("key", 7, r#"{"number": "hunter2"}"#));
        (reader, source)
    }

    event_core::conformance_tests!(typed, of_another_type);
}

/// The gate is in the decoder of a layer.
mod gate_in_the_decoder {
    use event_core::conformance::Gate;

    use super::*;

    fn gated() -> (impl ValueReader<u64, Watcher: Send>, Source<Entry>) {
        let (below, mut source) = Source::new(number, |below| below);
        let gate = Gate::default();
        source.gate = Some(gate.clone());
        let decoder = Json::<Document>::new().map(move |document| {
            gate.pass();
            document
        });
        (layers::<u64>([Layer::new("driven", below, decoder)]), source)
    }

    event_core::conformance_tests!(typed, gated);
}
