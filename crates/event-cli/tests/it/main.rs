//! `event` as a user runs it.

#![cfg(unix)]

mod arguments;
mod check;
mod get;
mod support;
mod table;
mod watch;
