//! Any sequence of what a program and a server may say.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| event_etcd::fuzzing::session(bytes));
