//! The contender that is written in Go.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program, which is built at first. `None` if there is no Go, or if it can't be built; then the reason is
/// printed, once.
pub(crate) fn mirror() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = PROGRAM.get_or_init(|| match build() {
        Ok(program) => Some(program),
        Err(why) => {
            eprintln!("-- without Go's mirror, because {why}");
            None
        }
    });
    built.as_deref()
}

fn build() -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("go-mirror");
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let program = this.with_file_name("go-mirror");
    let output = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(source)
        .output()
        .map_err(|error| format!("`go` does not run: {error}"))?;
    if output.status.success() {
        return Ok(program);
    }
    Err(format!("`go build` failed: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
