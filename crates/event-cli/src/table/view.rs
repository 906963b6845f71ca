//! The lines of the table.

use std::time::Instant;

use event_core::HealthState;

use super::model::{Model, Row, Version};
use super::text::{age, cut, pad, width};

const REVISION: &str = "REVISION";
const STATE_WIDTH: usize = 7;
const AGE_WIDTH: usize = 4;
/// A column of values narrower than this is left out.
const LEAST_VALUE: usize = 8;
/// What a key gets at least, before another column is left out.
const LEAST_KEY: usize = 12;

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Title,
    Good,
    Bad,
    /// What is over.
    Past,
    /// A version that came a moment ago.
    Changed,
}

/// A line that is not wider than the screen.
pub(super) struct Line {
    pub(super) style: Style,
    pub(super) text: String,
}

/// The lines for a screen of this many columns and rows.
pub(super) fn lines(
    model: &Model,
    (columns, rows): (usize, usize),
    with_values: bool,
    now: Instant,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |style, text: &str| lines.push(Line { style, text: cut(text, columns) });
    let (style, text) = health(model, now);
    add(style, &text);
    match &model.last_cause {
        Some((cause, None)) => add(if style == Style::Bad { style } else { Style::Plain }, cause),
        Some((cause, Some(over))) => {
            add(
                Style::Past,
                &format!("until {} ago: {cause}", age(now.saturating_duration_since(*over))),
            );
        }
        None => add(Style::Plain, ""),
    }
    let layout = Layout::new(model, columns, with_values);
    add(Style::Title, &layout.title());
    for row in &model.rows {
        add_row(&mut add, &layout, row, now);
    }
    for map in &model.maps {
        let style = if map.is_stalled() { Style::Bad } else { Style::Title };
        add(style, &map.title());
        if let Some(error) = map.last_error.as_ref().filter(|_| map.is_stalled()) {
            add(Style::Bad, &format!("  {error}"));
        }
        for row in map.rows.values() {
            add_row(&mut add, &layout, row, now);
        }
    }
    if lines.len() > rows {
        let kept = rows.saturating_sub(1);
        let more = format!("… {} more lines", lines.len() - kept);
        lines.truncate(kept);
        lines.push(Line { style: Style::Past, text: cut(&more, columns) });
    }
    lines
}

fn add_row(add: &mut impl FnMut(Style, &str), layout: &Layout, row: &Row, now: Instant) {
    let style = match row.version {
        _ if row.is_highlighted(now) => Style::Changed,
        Version::Bad => Style::Bad,
        _ if row.is_stalled() => Style::Bad,
        Version::Missing | Version::Deleted | Version::Unread => Style::Past,
        Version::Present(_) => Style::Plain,
    };
    add(style, &layout.row(row, now));
    if let Some(error) = &row.last_error {
        if row.is_in_error() {
            add(Style::Bad, &format!("  {error}"));
        } else {
            add(Style::Past, &format!("  before: {error}"));
        }
    }
}

fn health(model: &Model, now: Instant) -> (Style, String) {
    let Some(health) = &model.health else { return (Style::Past, "connecting".to_owned()) };
    let style = match health.state {
        HealthState::Live => Style::Good,
        HealthState::Stalled => Style::Bad,
        _ => Style::Past,
    };
    let mut text = format!("{} {}", health.state, age(now.saturating_duration_since(health.since)));
    if let Some(source) = &health.source {
        text.push_str("  ");
        text.push_str(source);
    }
    let resets = match health.history_resets {
        0 => String::new(),
        1 => "  1 history reset".to_owned(),
        resets => format!("  {resets} history resets"),
    };
    text.push_str(&resets);
    (style, text)
}

/// The widths of the columns. `None`: there is no room for it.
struct Layout {
    gap: usize,
    key: usize,
    revision: Option<usize>,
    age: Option<usize>,
    state: Option<usize>,
    value: Option<usize>,
}

impl Layout {
    fn new(model: &Model, columns: usize, with_values: bool) -> Self {
        let gap = if columns < 40 { 1 } else { 2 };
        let longest_key =
            model.all_rows().map(|row| width(&row.key)).max().unwrap_or(0).max("KEY".len());
        let digits = model.all_rows().filter_map(|row| row.revision).map(|it| it.to_string().len());
        let revision = digits.max().unwrap_or(0).max(REVISION.len());
        let mut left = columns.saturating_sub(longest_key.min(LEAST_KEY));
        let mut take = |width: usize| {
            left = left.checked_sub(gap + width)?;
            Some(width)
        };
        // The most important ones first.
        let state = take(STATE_WIDTH);
        let age = state.and_then(|_| take(AGE_WIDTH));
        let revision = age.and_then(|_| take(revision));
        let others = [revision, age, state].into_iter().flatten();
        let room = columns.saturating_sub(others.map(|width| gap + width).sum());
        let for_value =
            |key: usize| room.checked_sub(key + gap).filter(|_| with_values && revision.is_some());
        let key = longest_key.min(room);
        let value = for_value(key).filter(|value| *value >= LEAST_VALUE);
        Self { gap, key, revision, age, state, value }
    }

    fn title(&self) -> String {
        self.line(["KEY", REVISION, "AGE", "STATE", "VALUE"])
    }

    fn row(&self, row: &Row, now: Instant) -> String {
        let revision = row.revision.map(|it| it.to_string()).unwrap_or_default();
        let changed =
            row.changed.map(|it| age(now.saturating_duration_since(it))).unwrap_or_default();
        let value = if let Version::Present(value) = &row.version { value } else { "" };
        self.line([&row.key, &revision, &changed, row.state(), value])
    }

    fn line(&self, [key, revision, age, state, value]: [&str; 5]) -> String {
        let mut line = pad(key, self.key);
        let others =
            [(revision, self.revision), (age, self.age), (state, self.state), (value, self.value)];
        for (text, width) in others {
            if let Some(width) = width {
                line.extend(std::iter::repeat_n(' ', self.gap));
                line.push_str(&pad(text, width));
            }
        }
        line
    }
}
