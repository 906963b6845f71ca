//! The laws of maps, on the map in memory and on each adapter, typed and boxed.

mod source;

use event_core::{Bytes, Entry, MapReaderExt};

use source::{Below, Source};

/// Tests the laws on what `adapt` makes of a map, typed and boxed.
macro_rules! laws_hold {
    ($($name:ident: $version:expr, $adapt:expr;)*) => {$(
        mod $name {
            use super::*;
            event_core::map_conformance_tests!(typed, || Source::new($version, $adapt));
            event_core::map_conformance_tests!(boxed, || {
                Source::new($version, |below| $adapt(below).boxed())
            });
        }
    )*};
}

fn same(_: u64, version: u64) -> u64 {
    version
}

fn entry(key: u64, version: u64) -> Entry {
    let revision = i64::try_from(version).unwrap();
    Entry::present(key.to_string(), revision, version.to_be_bytes().to_vec())
}

fn decode(bytes: &[u8]) -> Result<u64, std::array::TryFromSliceError> {
    bytes.try_into().map(u64::from_be_bytes)
}

laws_hold! {
    below: same, |below: Below<u64>| below;
    shared: same, |below: Below<u64>| below.shared();
    shared_without_an_epoch: same, |below: Below<u64>| below.without_epoch().shared();
    map: |_, version| version.to_string(), |below: Below<String>| {
        below.map(|_, version| version.parse::<u64>().unwrap())
    };
    decoded: entry, |below: Below<Entry>| below.decode(decode);
    decode_versioned: entry, |below: Below<Entry>| {
        below.decode_versioned(decode).map(|_, version| version.value)
    };
    filter: same, |below: Below<u64>| below.filter(|_, _| true);
    filter_keys: same, |below: Below<u64>| below.filter_keys(|_| true);
    group_by: same, |below: Below<u64>| {
        let groups = below.group_by(|key| Some(*key));
        // An error is in the snapshot of its group: a version that does not decode stands for it.
        let entries = groups.map(|key, group| match group.get(key) {
            Some(version) if group.error(key).is_none() => entry(*key, *version),
            _ => Entry::present(key.to_string(), 7, Bytes::from_static(b"not eight bytes")),
        });
        entries.decode(decode)
    };
    stacked: entry, |below: Below<Entry>| {
        let numbers = below.decode(decode).map(|_, version| version + 1).filter(|_, version| *version > 0);
        numbers.filter_keys(|_| true).boxed().map(|_, version| version - 1).shared()
    };
}

/// Straight over a map in memory, which has no upstream and runs no code of the program.
mod memory {
    use super::*;

    event_core::map_conformance_tests!(typed, || Source::in_memory(same, |reader| reader));
    event_core::map_conformance_tests!(boxed, || Source::in_memory(same, MapReaderExt::boxed));
    event_core::map_conformance_tests!(shared, || Source::in_memory(same, MapReaderExt::shared));
    event_core::map_conformance_tests!(filter_keys, || {
        Source::in_memory(same, |reader| reader.filter_keys(|_| true))
    });
}

/// What does not decode: the decoder makes the error, where above it comes from below.
mod undecodable {
    use super::*;

    event_core::map_conformance_tests!(typed, || {
        let (reader, mut source) = Source::new(entry, |below: Below<Entry>| below.decode(decode));
        source.spoil = |map, key| {
            let entry = Entry::present(key.to_string(), 7, Bytes::from_static(b"not eight bytes"));
            map.insert(key, entry);
        };
        (reader, source)
    });
}
