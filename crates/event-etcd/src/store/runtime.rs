//! What a store needs of the runtime that it is created in.

use std::net::UdpSocket as StdSocket;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use event_core::{Error, ErrorKind};
use tokio::net::UdpSocket;
use tokio::runtime::Handle;
use tokio::time::sleep;

/// The current runtime, if a store can run in it.
pub(super) fn current() -> Result<Handle, Error> {
    let runtime = Handle::try_current()
        .map_err(|error| refused("a store needs a tokio runtime").with_source(error))?;
    // tokio has no other way to ask than to try.
    if panics(|| drop(sleep(Duration::ZERO))) {
        return Err(refused(
            "the tokio runtime has no timers: call `enable_time` or `enable_all` on its builder",
        ));
    }
    let has_no_io = || {
        let socket = StdSocket::bind("127.0.0.1:0").ok();
        let socket = socket.filter(|socket| socket.set_nonblocking(true).is_ok());
        drop(socket.map(UdpSocket::from_std));
    };
    if panics(has_no_io) {
        return Err(refused(
            "the tokio runtime has no I/O: call `enable_io` or `enable_all` on its builder",
        ));
    }
    Ok(runtime)
}

fn panics(call: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(call)).is_err()
}

fn refused(message: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
