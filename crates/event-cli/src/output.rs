//! Writing to stdout, which may be a pipe that nobody reads.

use std::io::{ErrorKind, Write, stdout};

use crate::exit::Failure;

pub(crate) fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::unknown(format!("could not write to stdout: {error}")))
        }
        // Who reads has all it wants.
        _ => Ok(()),
    }
}
