//! A `protoc` for machines that have none: runs the one that `protoc-bin-vendored` carries.
//!
//! Only the build of this workspace calls it, through `.cargo/protoc`.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let protoc = match protoc_bin_vendored::protoc_bin_path() {
        Ok(path) => path,
        Err(error) => {
            eprintln!(
                "no protoc for this platform ({error}): install one, such as Debian's protobuf-compiler"
            );
            return ExitCode::FAILURE;
        }
    };
    match Command::new(&protoc).args(std::env::args_os().skip(1)).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("could not run {}: {error}", protoc.display());
            ExitCode::FAILURE
        }
    }
}
