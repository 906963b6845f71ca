//! The laws of maps as tests: what [`conformance_tests!`](crate::conformance_tests) is for values.

mod consumer;
mod subject;
mod tests_macro;
mod truth;

pub mod laws;

pub use subject::MapSubject;
