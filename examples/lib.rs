//! Small stories about values that change. Run one with
//! `cargo run -p examples --example config_watch`.
