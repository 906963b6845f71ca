//! The laws of maps, on the map in memory and on each adapter, typed and boxed.

mod source;

use event_core::{MapReaderExt, MemoryMapReader};

use source::Source;

/// Tests the laws on what `adapt` makes of a map in memory, typed and boxed.
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

laws_hold! {
    memory: same, |below: MemoryMapReader<u64, u64>| below;
}
