//! Typed decoders for the bytes of a value.
//!
//! A backend knows bytes only. A decoder makes a typed value of them, says what it means that the key
//! is not there, and may refuse what must not be used:
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
//! fn sane(config: &Config) -> Result<(), String> {
//!     match config.limits.max_connections {
//!         0..=10_000 => Ok(()),
//!         _ => Err("limits.max_connections is above 10000".to_owned()),
//!     }
//! }
//!
//! # futures_executor::block_on(async {
//! let bytes = MemoryValue::new(Entry::never_seen("config")); // or a key in etcd
//! let config = bytes.reader().decode(Json::<Config>::new().validate(sane).or_default());
//! let mut watcher = config.watch();
//! assert_eq!(watcher.get().await?, Config::default()); // the key was never there
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
//! # What absence means
//!
//! | decoder | key never there | key deleted |
//! |---|---|---|
//! | [`Raw`], [`Utf8`], `Json`, `Protobuf` | `get` waits | error [`Absent`](event_core::ErrorKind::Deleted), once |
//! | [`.optional()`](DecoderExt::optional) | `None` at once | `None` |
//! | [`.or_default()`](DecoderExt::or_default), [`.or(value)`](DecoderExt::or) | the default at once | the default |
//!
//! # What an error tells
//!
//! The key, the revision, the place in the data, and what is wrong there; never the data, which may be
//! a secret. This holds for `Display`, `Debug` and the source chain. Two things are the program's own
//! words and pass as they are: what a closure that decodes or [validates](DecoderExt::validate)
//! answers, and the names in its types.
//!
//! # Features
//!
//! `json` and `protobuf`, both on by default.

mod debug;
mod decoder_ext;

mod raw;
mod utf8;

#[cfg(feature = "json")]
mod json;
#[cfg(feature = "protobuf")]
mod protobuf;

mod map;
mod optional;
mod or;
mod or_default;
mod validate;

pub use decoder_ext::DecoderExt;
#[cfg(feature = "json")]
pub use json::Json;
pub use map::Map;
pub use optional::Optional;
pub use or::Or;
pub use or_default::OrDefault;
#[cfg(feature = "protobuf")]
pub use protobuf::Protobuf;
pub use raw::Raw;
pub use utf8::Utf8;
pub use validate::Validate;
