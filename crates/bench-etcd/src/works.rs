//! What is measured, a file for each work.

pub(crate) mod after_restart;
pub(crate) mod asleep;
mod audience;
pub(crate) mod client_memory;
pub(crate) mod first_values;
pub(crate) mod idle;
pub(crate) mod many_puts;
pub(crate) mod maps;
pub(crate) mod one_key;
pub(crate) mod put_to_get;
pub(crate) mod server_memory;
