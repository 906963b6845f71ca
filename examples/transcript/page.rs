//! The transcript's place in the README.

use std::{fs, path::PathBuf};

const BEGIN: &str = "<!-- cargo xtask transcript -->\n```text\n";
const END: &str = "```\n<!-- end -->";

/// The README.
pub(crate) fn read() -> Result<String, String> {
    fs::read_to_string(path()).map_err(|error| format!("{}: {error}", path().display()))
}

/// Compares the transcript with the README's.
pub(crate) fn check(transcript: &str) -> Result<(), String> {
    let page = read()?;
    let (_, kept, _) = split(&page)?;
    if kept == transcript {
        return Ok(());
    }
    Err(format!(
        "the README has another transcript. `cargo xtask transcript --keep` replaces it.\n\n\
         In the README:\n{kept}\nNow:\n{transcript}"
    ))
}

/// Writes the transcript into the README.
pub(crate) fn keep(transcript: &str) -> Result<(), String> {
    let page = read()?;
    let (before, _, after) = split(&page)?;
    fs::write(path(), format!("{before}{BEGIN}{transcript}{END}{after}"))
        .map_err(|error| format!("{}: {error}", path().display()))
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../README.md")
}

/// The README before the transcript, the transcript, and the README after it.
fn split(page: &str) -> Result<(&str, &str, &str), String> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| {
        let (transcript, after) = rest.split_once(END)?;
        Some((before, transcript, after))
    });
    parts.ok_or_else(|| format!("the README lacks {BEGIN:?} or {END:?}"))
}
