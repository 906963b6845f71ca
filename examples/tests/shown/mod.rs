//! What a page shows of a test.

/// Asserts that the page shows these parts of the source, each between `// docs: NAME` and `// docs: end`, and no
/// other program.
pub(crate) fn assert_shown(page: &str, source: &str, parts: usize) {
    let shown: Vec<&str> = page
        .split("```rust,ignore\n")
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap_or_default())
        .collect();
    let tested: Vec<&str> = source
        .split("// docs: ")
        .skip(1)
        .filter_map(|part| part.split_once('\n'))
        .filter(|(name, _)| !name.starts_with("end") && !name.contains('"'))
        .map(|(_, code)| code.trim_end())
        .collect();
    assert_eq!(shown.len(), parts);
    assert_eq!(shown, tested);
}
