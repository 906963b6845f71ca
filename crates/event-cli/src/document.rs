//! A value as it is printed.

use clap::ValueEnum;
use event_codec::{Json, Utf8};
use event_core::{Bytes, Decoder, Error};
use serde::Serialize;
use serde_json::value::RawValue;

/// How values are read.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// A JSON document, which is printed as it was stored.
    Json,
    /// Text.
    Raw,
}

/// A value that decodes.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Document {
    Json(Box<RawValue>),
    Text(String),
}

impl Document {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Json(document) => document.get(),
            Self::Text(text) => text,
        }
    }
}

impl Decoder for Format {
    type Output = Document;

    fn decode(&self, bytes: &Bytes) -> Result<Document, Error> {
        match self {
            Self::Json => Json::<Box<RawValue>>::new().decode(bytes).map(Document::Json),
            Self::Raw => Utf8.decode(bytes).map(Document::Text),
        }
    }
}
