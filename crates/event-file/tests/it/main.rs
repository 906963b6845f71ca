//! event-file on real directories.

mod cached;
mod changes;
mod costs;
mod health;
mod keys;
mod laws;
mod notifications;
mod storms;
mod support;
