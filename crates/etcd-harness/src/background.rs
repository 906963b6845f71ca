//! The runtime that proxies run on, apart from the test's own.
//!
//! Why not the test's runtime? A `#[tokio::test]` has one thread: a test that blocks it would stall
//! the peers' traffic and cost the cluster its leader.

use std::{future::Future, sync::LazyLock};

use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::JoinHandle,
};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("etcd-harness")
        .enable_all()
        .build()
        .expect("the harness needs threads for its proxies")
});

/// The runtime's handle.
pub(crate) fn handle() -> &'static Handle {
    RUNTIME.handle()
}

/// Runs a task beside the test.
pub(crate) fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    handle().spawn(task)
}
