//! Deserialization whose errors can't contain the data.
//!
//! Why not the message of the format's own library? It prints the data: `invalid type: string "hunter2"`.
//! The path of `serde_path_to_error` prints data too, because the keys of a map are data. So a document that
//! does not decode is decoded a second time, through wrappers around the format's deserializer. They give the
//! type an error type of ours, [`TrackedError`], which keeps only parts that can't contain the data. Nothing
//! is removed from a finished text. A good document does not pay for this.

mod access;
mod deserializer;
mod enum_access;
mod error;
mod error_slot;
mod expected;
mod name;
mod visitor;

pub(crate) use self::deserializer::TrackedDeserializer;
pub(crate) use self::error::{Position, TrackedError};
pub(crate) use self::error_slot::{ErrorSlot, Format};
pub(crate) use self::expected::Expectation;
