//! The public behaviour of the decoders.

mod auto_traits;
mod closed;
mod combinators;
mod errors;
mod glob_imports;
mod json_errors;
mod json_field;
mod json_random;
mod json_secrets;
mod json_syntax;
mod json_types;
mod layers;
mod layers_laws;
mod missing_keys;
mod parse;
mod protobuf;
mod reveal;
mod secrets;
mod text_and_raw;
mod toml;
mod toml_yaml_random;
mod yaml;
