//! The runtime of the servers, separate from the test's runtime.

use std::{future::Future, sync::LazyLock};

use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("hostile-etcd")
        .enable_all()
        .build()
        .expect("cannot start the threads of the servers")
});

/// Spawns a task on the runtime.
pub(crate) fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    RUNTIME.spawn(task)
}

/// Runs a closure in the runtime's context, where sockets can be made.
pub(crate) fn enter<T>(make: impl FnOnce() -> T) -> T {
    let _guard = RUNTIME.enter();
    make()
}
