//! The configuration: one JSON document.

use event_codec::{DecoderExt, Json};
use event_core::Decoder;
use serde::{Deserialize, Deserializer};
use tracing_subscriber::filter::LevelFilter;

/// What an operator may change while the service runs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// What `GET /` returns.
    pub(crate) greeting: String,
    /// `off`, `error`, `warn`, `info`, `debug` or `trace`.
    #[serde(deserialize_with = "level")]
    pub(crate) log_level: LevelFilter,
    /// How many requests the service handles at once.
    pub(crate) max_requests: usize,
}

impl Config {
    /// Refuses what would lock everybody out. The last good configuration then stays.
    pub(crate) fn decoder() -> impl Decoder<Output = Self> + Send + Sync + 'static {
        Json::<Self>::new().validate(|config: &Self| match config.max_requests {
            0 => Err("max_requests is 0"),
            _ => Ok(()),
        })
    }
}

fn level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LevelFilter, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse().map_err(|_| serde::de::Error::custom("expected a log level, such as info"))
}
