//! event-file on real directories, of Linux: most tests break what only Linux has, or count what it keeps.
#![cfg(target_os = "linux")]

mod cached;
mod changes;
mod costs;
mod health;
mod keys;
mod laws;
mod maps;
mod notifications;
mod storms;
mod support;
