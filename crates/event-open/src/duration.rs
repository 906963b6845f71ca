//! How a timeout is written.

use std::time::Duration;

use event_core::Error;

use crate::refused;

/// Reads a time as it is written in a URL: a whole number and one of the units `ms`, `s`, `m` and `h`. Use it for
/// arguments of your program that should look the same.
///
/// # Errors
///
/// [`InvalidArgument`](event_core::ErrorKind::InvalidArgument), with words that say what is allowed.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use event_open::parse_duration;
///
/// assert_eq!(parse_duration("500ms").unwrap(), Duration::from_millis(500));
/// assert_eq!(parse_duration("2m").unwrap(), Duration::from_secs(120));
/// assert_eq!(
///     parse_duration("5").unwrap_err().to_string(),
///     "`5` is no time: expected a whole number and a unit, such as 500ms, 5s or 2m",
/// );
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, Error> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => 0,
    };
    let total = number.parse::<u64>().ok().filter(|_| milliseconds > 0);
    let total = total.and_then(|number| number.checked_mul(milliseconds));
    total.map(Duration::from_millis).ok_or_else(|| {
        refused(format!(
            "`{text}` is no time: expected a whole number and a unit, such as 500ms, 5s or 2m"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_whole_number_and_a_unit() {
        for (text, seconds) in [("5s", 5), ("0s", 0), ("1000ms", 1), ("2m", 120), ("1h", 3600)] {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        for text in [
            "",
            "5",
            "s",
            "-5s",
            "5 s",
            "5.5s",
            "5S",
            "5sec",
            "99999999999999999999s",
            "18446744073709551615h",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
