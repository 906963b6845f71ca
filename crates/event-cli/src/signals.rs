//! When somebody wants the program to end.

use std::io;

use crate::exit::Failure;

/// Completes when SIGINT or SIGTERM comes, from now on.
#[cfg(unix)]
pub(crate) fn end() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| cant_listen(&error))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| cant_listen(&error))?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Completes when Ctrl-C comes, from now on.
#[cfg(windows)]
pub(crate) fn end() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let mut interrupt = tokio::signal::windows::ctrl_c().map_err(|error| cant_listen(&error))?;
    Ok(async move {
        interrupt.recv().await;
    })
}

fn cant_listen(error: &io::Error) -> Failure {
    Failure::unknown(format!("could not listen for signals: {error}"))
}
