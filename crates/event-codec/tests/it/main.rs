//! The public behaviour of the decoders.

mod absence;
mod combinators;
mod json;
mod protobuf;
mod random;
mod secret;
mod syntax;
mod told;
mod types;
mod utf8;
