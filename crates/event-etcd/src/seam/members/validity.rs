//! When the client's certificate is valid.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// When the client's certificate is valid. Times are since the Unix epoch.
#[derive(Clone)]
pub(super) struct Validity {
    pub(super) not_before: Duration,
    pub(super) not_after: Duration,
    /// Where the certificate comes from.
    pub(super) origin: String,
}

impl Validity {
    /// Why the certificate is not valid now.
    pub(super) fn problem(&self, now: SystemTime) -> Option<String> {
        let (now, origin) = (now.duration_since(UNIX_EPOCH).ok()?, &self.origin);
        if let Some(ago) = now.checked_sub(self.not_after).filter(|ago| !ago.is_zero()) {
            return Some(format!(
                "the client's certificate{origin} expired {} ago: renew it, or set this machine's clock",
                rounded(ago)
            ));
        }
        let ahead = self.not_before.checked_sub(now).filter(|ahead| !ahead.is_zero())?;
        Some(format!(
            "the client's certificate{origin} becomes valid only in {}: set this machine's clock",
            rounded(ahead)
        ))
    }
}

fn rounded(duration: Duration) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
    let seconds = duration.as_secs();
    match UNITS.iter().find(|(unit, _)| seconds >= 2 * unit) {
        Some((unit, name)) => format!("{} {name}", seconds / unit),
        // A cause that changes each second would be a new one each time.
        None => "less than two minutes".to_owned(),
    }
}

/// The words of the TLS library about a certificate that is not valid now, without the time of now. With it,
/// each try would have a cause of its own.
pub(super) fn without_clock(words: &str) -> String {
    let cut = |words: &str| {
        let (before, rest) = words.split_once("verification time ")?;
        let (_, rest) = rest.split_once(", but ")?;
        let (limit, _) = rest.split_once(" (").unwrap_or((rest, ""));
        Some(format!("{before}{limit} (UNIX time)"))
    };
    cut(words).unwrap_or_else(|| words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_is_not_valid_now_says_since_or_until_when() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let validity = Validity {
            not_before: Duration::from_secs(1_000),
            not_after: Duration::from_secs(2_000),
            origin: " (client.pem)".to_owned(),
        };
        for (now, words) in [
            (10, Some("client.pem) becomes valid only in 16 minutes")),
            (999, Some("becomes valid only in less than two minutes")),
            (1_000, None),
            (2_000, None),
            (2_030, Some("client.pem) expired less than two minutes ago")),
            (2_000 + 3 * 86_400, Some("client.pem) expired 3 days ago")),
        ] {
            let problem = validity.problem(at(now));
            assert_eq!(problem.is_some(), words.is_some(), "{now}");
            assert!(problem.unwrap_or_default().contains(words.unwrap_or_default()), "{now}");
        }
    }

    #[test]
    fn a_certificate_of_the_server_that_is_not_valid_now_has_the_same_words_at_each_try() {
        for (what, limit, distance) in [
            ("certificate expired", "after 100", "100 seconds ago"),
            ("certificate not valid yet", "before 900", "700 seconds in future"),
        ] {
            let words = format!(
                "invalid peer certificate: {what}: verification time 200 (UNIX), but certificate is not valid \
                 {limit} ({distance})"
            );
            let without = format!(
                "invalid peer certificate: {what}: certificate is not valid {limit} (UNIX time)"
            );
            assert_eq!(without_clock(&words), without);
        }
        assert_eq!(without_clock("connection refused"), "connection refused");
    }
}
