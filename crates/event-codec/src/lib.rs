//! Typed decoders for the bytes of a value.
//!
//! A backend knows only bytes. A decoder turns them into a typed value. It also says what a missing key
//! means, and it can refuse a value that your program must not use:
//!
#![cfg_attr(feature = "json", doc = "```")]
#![cfg_attr(not(feature = "json"), doc = "```ignore")]
//! use event_codec::{DecoderExt, Json};
//! use event_core::{Entry, Error, MemoryValue, ReaderExt, ValueReader, ValueWriter, WatcherExt};
//!
//! #[derive(serde::Deserialize, Clone, Debug, Default, PartialEq)]
//! struct Config {
//!     limits: Limits,
//! }
//!
//! #[derive(serde::Deserialize, Clone, Debug, Default, PartialEq)]
//! struct Limits {
//!     max_connections: u32,
//! }
//!
//! fn check(config: &Config) -> Result<(), String> {
//!     match config.limits.max_connections {
//!         0..=10_000 => Ok(()),
//!         _ => Err("limits.max_connections is above 10000".to_owned()),
//!     }
//! }
//!
//! # futures_executor::block_on(async {
//! let bytes = MemoryValue::new(Entry::never_seen("config")); // or a key in etcd
//! let config = bytes.reader().decode(Json::<Config>::new().validate(check).or_default());
//! let mut watcher = config.watch();
//! assert_eq!(watcher.get().await?, Config::default()); // the key does not exist
//!
//! bytes.set(Entry::present("config", 7, r#"{"limits": {"max_connections": 100}}"#));
//! assert_eq!(watcher.get().await?.limits.max_connections, 100);
//!
//! bytes.set(Entry::present("config", 8, r#"{"limits": {"max_connections": "hunter2"}}"#));
//! assert_eq!(
//!     watcher.get().await.unwrap_err().to_string(),
//!     "key `config` at revision 8: limits.max_connections: \
//!      invalid type: string, expected u32 at line 1 column 40",
//! );
//! # Ok::<_, Error>(())
//! # }).unwrap();
//! ```
//!
//! # Which decoder do I want?
//!
//! | the bytes are | decode with | to get |
//! |---|---|---|
//! | a JSON document | [`Json::<T>::new()`][`Json`] | your type, by [serde](https://serde.rs) |
//! | a protobuf message | [`Protobuf::<M>::new()`][`Protobuf`] | your message, by [prost](https://docs.rs/prost) |
//! | a TOML document | [`Toml::<T>::new()`][`Toml`], feature `toml` | your type, by serde |
//! | a YAML document | [`Yaml::<T>::new()`][`Yaml`], feature `yaml` | your type, by serde |
//! | a number, an address, or other text that a type parses | [`Parse::<T>::new()`][`Parse`] | your type, by its `FromStr` |
//! | text | [`Utf8`] | a `String` |
//! | anything | [`Raw`] | the [`Bytes`](event_core::Bytes) |
//! | in a format of your own | a closure over `&[u8]`, or a type that implements [`Decoder`](event_core::Decoder) | what it returns |
//!
//! Call the methods of [`DecoderExt`] on any of them to say what a missing key means, to check the value, or
//! to convert it to another type.
//!
//! # Missing keys and empty values
//!
//! A missing key counts as *deleted* if the backend saw it exist while it watched the key, and otherwise as
//! *never seen*. A key whose value has no bytes is not missing.
//!
//! | decoder | key never seen | key deleted | key present, no bytes |
//! |---|---|---|---|
//! | [`Raw`] | `get` waits | error [`Deleted`](event_core::ErrorKind::Deleted), at most once | the empty `Bytes` |
//! | [`Utf8`] | `get` waits | error `Deleted`, at most once | the empty string |
//! | [`Json`] | `get` waits | error `Deleted`, at most once | error [`Decode`](event_core::ErrorKind::Decode) |
//! | [`Protobuf`] | `get` waits | error `Deleted`, at most once | the message with all defaults |
//! | [`Parse`], [`Toml`], [`Yaml`] | `get` waits | error `Deleted`, at most once | the type's result for empty text: a value, or error `Decode` |
//! | a closure | `get` waits | error `Deleted`, at most once | what it returns for `&[]` |
//! | [`.optional()`](DecoderExt::optional) | `None` at once | `None` | `Some` of what the inner decoder yields; its error stays an error |
//! | [`.or_default()`](DecoderExt::or_default), [`.or(value)`](DecoderExt::or) | the default at once | the default | same as the inner decoder |
//! | [`.validate(f)`](DecoderExt::validate) | same as the inner decoder; `f` does not run | same as the inner decoder; `f` does not run | same as the inner decoder, then the check |
//! | [`.map(f)`](DecoderExt::map) | the default of the inner decoder, mapped; without one, `get` waits | the default of the inner decoder, mapped; without one, error `Deleted`, at most once | same as the inner decoder, mapped |
//! | [`.try_map(f)`](DecoderExt::try_map) | as `map`; if `f` refuses the default, `get` waits | as `map`; if `f` refuses the default, error `Deleted`, at most once | same as the inner decoder, then `f` |
//!
//! *At once* means as soon as the backend has read that the key does not exist. Until then, `get` waits.
//!
//! # Bad values
//!
//! Bytes that do not decode are an error, even under `.optional()`, `.or_default()` and `.or(value)`: a bad
//! document is not a missing key. Each watcher yields the error instead of the version, at most once, and
//! the next good version follows. To keep using the last good value until then, use
//! [`current`](event_core::ReaderExt::current) or [`latest`](event_core::WatcherExt::latest) in code that reads, and
//! [`last_good`](event_core::ReaderExt::last_good) in code that waits.
//!
//! # Secrets
//!
//! A value may be a secret. An error names the key, the revision and the place in the data, and says what
//! is wrong there. What `event` itself writes into an error does not contain the data, neither in `Display`,
//! nor in `Debug`, nor in a source, unless you call `reveal`. The `Debug` of an [`Entry`](event_core::Entry) or of a
//! decoder does not print a value either. That of a [`Versioned`](event_core::Versioned), a
//! [`Change`](event_core::Change), an [`Update`](event_core::adapters::Update), a [`Step`](event_core::Step) or a
//! [`CurrentRef`](event_core::adapters::CurrentRef) prints the value if its type does, and so does that of the
//! [`Bytes`](event_core::Bytes) which [`Raw`] yields.
//!
//! `reveal` of [`Json`], [`Toml`], [`Yaml`] and [`Parse`] is for keys that hold no secret: it lets their errors contain
//! the data.
//!
//! An error, and a line in the log, also prints words of your own program as they are. Do not put the data into
//! them:
//!
//! - the error of your own [`Decoder`](event_core::Decoder);
//! - the `Display` of the error of your closure, of your [`validate`](DecoderExt::validate) and of your
//!   [`try_map`](DecoderExt::try_map);
//! - the names of your types, fields, variants and layers, of environment variables, and the pointer of `Json::field`;
//! - what you pass to [`Error::new`](event_core::Error::new), [`with_source`](event_core::Error::with_source) and
//!   [`with_context`](event_core::Error::with_context), and to the `end` of a value or a map in memory;
//! - the error of a function that you give to the `Options` of `event-etcd` for credentials;
//! - with [`Json`], [`Toml`] and [`Yaml`], what the `expecting` of a serde `Visitor` writes, if the visitor has no fields.
//!
//! When printed, the errors of `String::from_utf8`, of `str::from_utf8` and of `parse` for the types of the
//! standard library do not contain the data, so a closure may return them.
//!
//! # One value from several documents
//!
//! With the feature `layers`, [`layers`] merges the documents of several readers. For example, a key in etcd
//! overrides the defaults of a file, and the environment overrides both. An error names the layer that the field
//! comes from.
//!
//! # Your own decoder
//!
//! A decoder must not
//!
//! - print the data in its error, because nothing removes it later;
//! - return a default for bytes that do not decode, because nobody would notice the bad value;
//! - block or take long, because it runs inside a poll of a watcher;
//! - panic, because the panic unwinds the task that polls. Each watcher then yields an error of kind
//!   [`Panicked`](event_core::ErrorKind::Panicked) instead of the version.
//!
//! A decoder can't end the value: an [`Error::closed`](event_core::Error::closed) from it becomes an error of kind
//! `Decode`, and the value goes on.
//!
//! # Features
//!
//! | feature | adds | depends on |
//! |---|---|---|
//! | `json` (default) | [`Json`] | `serde`, `serde_json` |
//! | `layers` | [`layers`], and the feature `json` | |
//! | `protobuf` (default) | [`Protobuf`] | `prost` |
//! | `toml` | [`Toml`] | `serde`, `toml` |
//! | `yaml` | [`Yaml`] | `serde`, `serde-saphyr`, which needs Rust 1.89 |
//!
//! [`Raw`], [`Utf8`], [`Parse`] and the combinators need no feature.
//!
#![cfg_attr(not(feature = "json"), doc = "[`Json`]: #features")]
#![cfg_attr(feature = "layers", doc = "[`layers`]: fn@layers")]
#![cfg_attr(not(feature = "layers"), doc = "[`layers`]: #features")]
#![cfg_attr(not(feature = "protobuf"), doc = "[`Protobuf`]: #features")]
#![cfg_attr(not(feature = "toml"), doc = "[`Toml`]: #features")]
#![cfg_attr(not(feature = "yaml"), doc = "[`Yaml`]: #features")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod decoder_ext;

mod parse;
mod raw;
mod utf8;

#[cfg(feature = "json")]
mod json;
#[cfg(feature = "layers")]
mod layers;
#[cfg(feature = "protobuf")]
mod protobuf;
#[cfg(feature = "toml")]
mod toml;
#[cfg(feature = "yaml")]
mod yaml;

mod map;
mod optional;
mod or;
mod or_default;
mod try_map;
mod validate;

mod debug;
mod of_type;
#[cfg(any(feature = "json", feature = "toml", feature = "yaml"))]
mod tracked;
mod type_name;

// The types that `Protobuf` decodes implement its `Message`.
#[cfg(feature = "protobuf")]
#[doc(no_inline)]
pub use prost;

pub use decoder_ext::DecoderExt;
#[cfg(feature = "json")]
pub use json::{Json, JsonField};
#[cfg(feature = "layers")]
pub use layers::{Document, Layer, Layers, LayersWatcher, layers};
pub use map::Map;
pub use optional::Optional;
pub use or::Or;
pub use or_default::OrDefault;
pub use parse::Parse;
#[cfg(feature = "protobuf")]
pub use protobuf::Protobuf;
pub use raw::Raw;
#[cfg(feature = "toml")]
pub use toml::Toml;
pub use try_map::TryMap;
pub use utf8::Utf8;
pub use validate::Validate;
#[cfg(feature = "yaml")]
pub use yaml::Yaml;
