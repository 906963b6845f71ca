//! Text of a given width on the screen.

use std::time::Duration;

use unicode_width::UnicodeWidthChar;

/// The text in `width` columns: cut, with an ellipsis at its end, if it is longer.
///
/// A character that could change the screen, such as the escape character in a server's words, is replaced.
pub(super) fn cut(text: &str, width: usize) -> String {
    let shown: Vec<(char, usize)> = text.chars().map(printable).collect();
    let total: usize = shown.iter().map(|(_, width)| width).sum();
    if total <= width {
        return shown.iter().map(|(c, _)| c).collect();
    }
    let Some(mut left) = width.checked_sub(1) else { return String::new() };
    let mut cut = String::new();
    for (c, width) in shown {
        let Some(rest) = left.checked_sub(width) else { break };
        left = rest;
        cut.push(c);
    }
    cut.push('…');
    cut
}

/// The text in exactly `width` columns.
pub(super) fn pad(text: &str, width: usize) -> String {
    let mut text = cut(text, width);
    let missing = width.saturating_sub(self::width(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(|c| printable(c).1).sum()
}

/// A time in at most four columns.
pub(super) fn age(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", (seconds / 86_400).min(999)),
    }
}

fn printable(c: char) -> (char, usize) {
    // The marks that turn the direction of writing could show a text as another one.
    let turns =
        matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    match c.width() {
        Some(width) if !turns => (c, width),
        _ if c.is_whitespace() => (' ', 1),
        _ => ('·', 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_long_ends_in_an_ellipsis() {
        for (text, width, shown) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("abcd", 1, "…"),
            ("abcd", 0, ""),
            ("漢字", 4, "漢字"),
            ("漢字", 3, "漢…"),
            ("漢字漢", 4, "漢…"),
            ("e\u{301}e\u{301}", 2, "e\u{301}e\u{301}"),
            ("\u{1b}[2J", 4, "·[2J"),
            ("a\u{202e}b", 3, "a·b"),
            ("a\tb\n", 4, "a b "),
        ] {
            assert_eq!(cut(text, width), shown, "{text:?} in {width}");
            assert_eq!(self::width(&pad(text, width)), width, "{text:?} in {width}");
        }
    }

    #[test]
    fn an_age_has_at_most_four_columns() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3599, "59m"),
            (3600, "1h"),
            (86_400, "1d"),
            (u64::MAX, "999d"),
        ] {
            assert_eq!(age(Duration::from_secs(seconds)), text);
        }
    }
}
