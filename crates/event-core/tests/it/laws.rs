//! The laws, on the value in memory and on each adapter, typed and boxed.

mod source;

use std::task::{Context, Poll};

use event_core::conformance::Gate;
use event_core::{
    Bytes, Entry, Error, MemoryReader, MemoryValue, MemoryWatcher, ReaderExt, ValueReader,
    ValueWriter, Watcher,
};

use source::{Below, Source};

/// Tests the laws on what `adapt` makes of a value in memory, typed and boxed.
macro_rules! laws_hold {
    ($($name:ident: $version:expr, $adapt:expr;)*) => {$(
        mod $name {
            use super::*;
            event_core::conformance_tests!(typed, || Source::new($version, $adapt));
            event_core::conformance_tests!(boxed, || {
                Source::new($version, |below| $adapt(below).boxed())
            });
        }
    )*};
}

fn same(version: u64) -> u64 {
    version
}

fn entry(version: u64) -> Entry {
    Entry::present("key", i64::try_from(version).unwrap(), version.to_be_bytes().to_vec())
}

fn decode(bytes: &[u8]) -> Result<u64, std::array::TryFromSliceError> {
    bytes.try_into().map(u64::from_be_bytes)
}

// A filter, a dedup and a zip have an upstream watcher for each of theirs: they stand over a shared one.
laws_hold! {
    shared: same, |below: Below<u64>| below.shared();
    shared_without_an_epoch: same, |below: Below<u64>| below.without_epoch().shared();
    map: |version| version.to_string(), |below: Below<String>| {
        below.map(|version| version.parse::<u64>().unwrap())
    };
    decoded: entry, |below: Below<Entry>| below.decode(decode);
    decode_versioned: entry, |below: Below<Entry>| {
        below.decode_versioned(decode).map(|version| version.value)
    };
    filter: same, |below: Below<u64>| below.shared().filter(|version| *version > 0);
    dedup: same, |below: Below<u64>| below.shared().dedup();
    zip: same, |below: Below<u64>| {
        below.shared().zip(MemoryValue::new(()).reader()).map(|(version, ())| version)
    };
    zip_the_other_way: same, |below: Below<u64>| {
        MemoryValue::new(()).reader().zip(below).map(|((), version)| version)
    };
    on_error: same, |below: Below<u64>| below.on_error(|_| {});
    or_else: same, |below: Below<u64>| below.or_else(MemoryValue::<u64>::empty().reader());
    stacked: entry, |below: Below<Entry>| {
        let numbers = below.decode(decode).map(|version| version + 1).filter(|version| *version > 0);
        numbers.dedup().boxed().map(|version| version - 1).shared()
    };
}

/// Straight over a value in memory, which has no upstream and runs no code of the program.
mod memory {
    use super::*;

    event_core::conformance_tests!(typed, || Source::in_memory(same, |reader| reader));
    event_core::conformance_tests!(boxed, || Source::in_memory(same, ReaderExt::boxed));
    event_core::conformance_tests!(filter, || {
        Source::in_memory(same, |reader| reader.filter(|_| true))
    });
    event_core::conformance_tests!(dedup, || Source::in_memory(same, ReaderExt::dedup));
}

/// What does not decode: the decoder makes the error, where above it comes from below.
mod undecodable {
    use super::*;

    fn undecodable<R>(adapt: impl FnOnce(Below<Entry>) -> R) -> (R, Source<Entry>) {
        let (reader, mut source) = Source::new(entry, adapt);
        source.spoil = |value| {
            value.set(Entry::present("key", 7, Bytes::from_static(b"not eight bytes")));
        };
        (reader, source)
    }

    event_core::conformance_tests!(typed, || undecodable(|below| below.decode(decode)));
    event_core::conformance_tests!(boxed, || {
        undecodable(|below| below.boxed().decode(decode).boxed())
    });
}

/// The gate is in the mapper: code of the program, where above it is in the reader below.
mod gate_in_the_mapper {
    use super::*;

    fn gated() -> (impl ValueReader<u64, Watcher: Send>, Source<u64>) {
        let (reader, mut source) = Source::new(same, |below| below);
        let gate = Gate::default();
        source.gate = Some(gate.clone());
        let mapped = reader.map(move |version| {
            gate.pass();
            version
        });
        (mapped, source)
    }

    event_core::conformance_tests!(typed, gated);
}

/// The laws that need no threads, on watchers that can't be sent.
mod not_send {
    use std::rc::Rc;

    use super::*;

    struct Local(Rc<MemoryReader<u64>>);

    impl ValueReader<u64> for Local {
        type Watcher = LocalWatcher;

        fn watch(&self) -> LocalWatcher {
            LocalWatcher(self.0.watch(), Rc::clone(&self.0))
        }
    }

    struct LocalWatcher(MemoryWatcher<u64>, #[allow(dead_code)] Rc<MemoryReader<u64>>);

    impl Watcher<u64> for LocalWatcher {
        fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<u64, Error>> {
            self.0.poll_get(cx)
        }
    }

    event_core::conformance_tests!(local typed, || Source::in_memory(same, |reader| {
        Local(Rc::new(reader))
    }));
}
