//! The runtime of the proxies, separate from the test's runtime.
//!
//! Why not the test's runtime? A `#[tokio::test]` has one thread. A test that blocks the thread would stall
//! the traffic between the nodes, and the cluster would lose its leader.

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
        .expect("cannot start the threads of the proxies")
});

/// The runtime's handle.
pub(crate) fn handle() -> &'static Handle {
    RUNTIME.handle()
}

/// Spawns a task on the runtime.
pub(crate) fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    handle().spawn(task)
}
