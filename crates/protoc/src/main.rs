//! The `protoc` of the crate `protoc-bin-vendored`, for machines that have none that works.
//!
//! Only the build of this workspace runs it, through `.cargo/protoc`.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let protoc = match protoc_bin_vendored::protoc_bin_path() {
        Ok(path) => path,
        Err(error) => {
            eprintln!(
                "protoc-bin-vendored has no protoc for this platform ({error}). Install one with its \
                 google/protobuf/*.proto, or name one in PROTOC. On Debian and Ubuntu: \
                 apt-get install protobuf-compiler libprotobuf-dev"
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
