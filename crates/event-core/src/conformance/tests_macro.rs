//! The macros that make a test of each law.

/// Makes a `#[test]` of each law, in a module of its own.
///
/// The first argument is the name of the module. The second is a function or a closure expression, `async`
/// or not, that returns a reader and its [`Subject`](crate::conformance::Subject). Each further argument is
/// an option: a setter of [`Suite`](crate::conformance::Suite).
///
/// ```
/// # use event_core::conformance::Subject;
/// # use event_core::{MemoryReader, ValueReader};
/// # use std::time::Duration;
/// # struct Server;
/// # impl Subject for Server {
/// #     async fn set(&mut self, _: u64) {}
/// #     async fn spoil(&mut self) -> bool { false }
/// #     async fn end(&mut self) -> bool { false }
/// #     async fn held(&mut self) -> usize { 0 }
/// # }
/// # fn in_memory() -> (MemoryReader<u64>, Server) { todo!() }
/// # async fn on_a_server() -> (MemoryReader<u64>, Server) { todo!() }
/// # fn single_threaded() -> (MemoryReader<u64>, Server) { todo!() }
/// // mod memory { #[test] fn law_1_current_first() { … } … }
/// event_core::conformance_tests!(memory, in_memory);
///
/// // A backend that needs a server, a runtime and more time.
/// event_core::conformance_tests!(
///     server,
///     async || on_a_server().await,
///     block_on = |law| tokio::runtime::Runtime::new().unwrap().block_on(law),
///     timeout = Duration::from_secs(60),
/// );
///
/// // A reader whose watchers aren't `Send`. The laws that need threads are left out.
/// event_core::conformance_tests!(local single, single_threaded);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! conformance_tests {
    (local $module:ident, $($suite:tt)*) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $crate::__conformance_local_laws!({ $($suite)* } $crate::__conformance_test);
        }
    };
    ($module:ident, $($suite:tt)*) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $crate::__conformance_laws!({ $($suite)* } $crate::__conformance_test);
        }
    };
}

/// Calls a macro with its arguments and the names of all laws.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_laws {
    ($arguments:tt $($callback:tt)+) => {
        $crate::__conformance_local_laws!($arguments $($callback)+);
        $($callback)+! { $arguments
            law_6_independent_on_threads
            law_6_a_poll_does_not_block
            law_6_a_poll_ends_while_a_writer_writes
        }
    };
}

/// Calls a macro with its arguments and the names of the laws that need no threads.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_local_laws {
    ($arguments:tt $($callback:tt)+) => {
        $($callback)+! { $arguments
            law_1_current_first
            law_1_current_after_a_refresh
            law_2_newer_only
            law_3_latest_wins
            law_4_last_one_arrives
            law_4_the_newest_waker_is_woken
            law_4_goes_on_without_its_reader
            law_5_cancel_safe
            law_6_independent
            law_6_sleeps_until_a_version
            law_6_one_upstream_for_many_watchers
            law_7_errors_are_versions
            law_8_end
            law_9_drop_is_close
        }
    };
}

/// The tests of some laws.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_test {
    ($suite:tt $($law:ident)*) => {$(
        #[test]
        fn $law() {
            let suite = $crate::__conformance_suite!($suite);
            suite.check(stringify!($law), $crate::conformance::laws::$law);
        }
    )*};
}

/// A suite from the arguments of `conformance_tests!`.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_suite {
    ({ async || $new:expr $(, $option:ident = $value:expr)* $(,)? }) => {
        $crate::conformance::Suite::new(async || $new)$(.$option($value))*
    };
    ({ $new:expr $(, $option:ident = $value:expr)* $(,)? }) => {
        $crate::conformance::Suite::new(async || ($new)())$(.$option($value))*
    };
}
