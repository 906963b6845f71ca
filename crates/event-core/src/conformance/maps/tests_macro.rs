//! The macros that make a test of each law of maps.

/// Makes a `#[test]` of each law of maps, in a module of its own.
///
/// The arguments are those of [`conformance_tests!`](crate::conformance_tests), with a reader of a map whose values are
/// `u64`, and its [`MapSubject`](crate::conformance::maps::MapSubject).
///
/// ```
/// use event_core::conformance::maps::MapSubject;
/// use event_core::{Error, ErrorKind, MemoryMap, MemoryMapReader};
///
/// struct InMemory(Option<MemoryMap<u64, u64>>);
///
/// impl MapSubject for InMemory {
///     type Key = u64;
///
///     fn key(&self, number: u64) -> u64 {
///         number
///     }
///     async fn apply(&mut self, changes: &[(u64, Option<u64>)]) {
///         self.0.as_ref().unwrap().apply(|step| {
///             for (key, value) in changes {
///                 match value {
///                     Some(value) => step.insert(*key, *value),
///                     None => step.remove(*key),
///                 }
///             }
///         });
///     }
///     async fn sync(&mut self) -> bool {
///         self.0.as_ref().unwrap().set_synced();
///         true
///     }
///     async fn spoil(&mut self, key: u64) -> bool {
///         self.0.as_ref().unwrap().fail(key, Error::new(ErrorKind::Decode, "spoilt"));
///         true
///     }
///     async fn end(&mut self) -> bool {
///         self.0 = None;
///         true
///     }
///     async fn held(&mut self) -> usize {
///         0
///     }
/// }
///
/// fn in_memory() -> (MemoryMapReader<u64, u64>, InMemory) {
///     let map = MemoryMap::unsynced();
///     (map.reader(), InMemory(Some(map)))
/// }
///
/// // mod memory { #[test] fn law_1_current_first() { … } … }
/// event_core::map_conformance_tests!(memory, in_memory);
/// # fn main() {
/// # let failures = event_core::conformance::Suite::new(async || in_memory()).map_failures();
/// # assert!(failures.is_empty(), "{failures:#?}");
/// # }
/// ```
#[macro_export]
macro_rules! map_conformance_tests {
    ($module:ident, $($suite:tt)*) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $crate::__map_conformance_laws!({ $($suite)* } $crate::__map_conformance_test);
        }
    };
}

/// Calls a macro with its arguments and the names of all laws of maps.
#[doc(hidden)]
#[macro_export]
macro_rules! __map_conformance_laws {
    ($arguments:tt $($callback:tt)+) => {
        $($callback)+! { $arguments
            law_1_current_first
            law_1_synced_when_empty
            law_2_newest_only
            law_2_last_one_arrives
            law_3_a_delete_is_never_missed
            law_4_steps
            law_4_steps_on_threads
            law_5_order_of_the_last_change
            law_6_errors_are_versions_of_a_key
            law_7_cancel_safe
            law_8_independent
            law_9_end
            law_9_drop_is_close
        }
    };
}

/// The tests of some laws of maps.
#[doc(hidden)]
#[macro_export]
macro_rules! __map_conformance_test {
    ($suite:tt $($law:ident)*) => {$(
        #[test]
        fn $law() {
            let suite = $crate::__conformance_suite!($suite);
            suite.check(stringify!($law), $crate::conformance::maps::laws::$law);
        }
    )*};
}
