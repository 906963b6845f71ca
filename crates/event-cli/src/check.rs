//! `event check`.

use event_codec::{Json, Parse, Toml, Utf8, Yaml};
use event_core::{Bytes, Decoder, Error};
use serde::de::IgnoredAny;

use crate::arguments::{CheckArguments, CheckFormat};
use crate::exit::Failure;
use crate::look::look;
use crate::output;

pub(crate) async fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let entry = look(&arguments.look).await?;
    let value = entry.value().cloned().unwrap_or_default();
    match decode(arguments.format, &value) {
        Ok(()) => output::write(b"ok\n"),
        Err(error) => Err(Failure::no(format!("{:#}", error.at(&entry)))),
    }
}

fn decode(format: CheckFormat, value: &Bytes) -> Result<(), Error> {
    match format {
        CheckFormat::Json => Json::<IgnoredAny>::new().decode(value).map(drop),
        CheckFormat::Toml => Toml::<IgnoredAny>::new().decode(value).map(drop),
        CheckFormat::Yaml => Yaml::<IgnoredAny>::new().decode(value).map(drop),
        CheckFormat::Utf8 => Utf8.decode(value).map(drop),
        CheckFormat::Int => Parse::<i64>::new().decode(value).map(drop),
        CheckFormat::Float => Parse::<f64>::new().decode(value).map(drop),
        CheckFormat::Bool => Parse::<bool>::new().decode(value).map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_of_a_format_or_it_is_not() {
        for (format, good, bad) in [
            (CheckFormat::Json, r#"{"a": [1.5, null]}"#, "hunter2"),
            (CheckFormat::Json, "1", "1 hunter2"),
            (CheckFormat::Toml, "a = 1\n[b]\nc = 'd'", "a = 1\na = 'hunter2'"),
            (CheckFormat::Toml, "", "[hunter2"),
            (CheckFormat::Yaml, "a: 1\nb: [c, d]", "a: [hunter2"),
            (CheckFormat::Yaml, "a: {b: c}", "a: b: hunter2"),
            (CheckFormat::Int, "-42", "42hunter2"),
            (CheckFormat::Float, "1e3", "hunter2"),
            (CheckFormat::Bool, "true", "hunter2"),
        ] {
            assert!(decode(format, &Bytes::from(good)).is_ok(), "{format:?}: {good}");
            let error = decode(format, &Bytes::from(bad)).unwrap_err();
            assert!(!format!("{error:#}").contains("hunter2"), "{format:?}: {error:#}");
        }
        assert!(decode(CheckFormat::Utf8, &Bytes::from("größe")).is_ok());
        assert!(decode(CheckFormat::Utf8, &Bytes::from_static(b"\xff")).is_err());
    }
}
