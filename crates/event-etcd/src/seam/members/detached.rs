//! Work that may block, and may never end.
//!
//! Why not `spawn_blocking`? A runtime waits for its blocking tasks when it ends, and a resolver or a
//! network file system can hang for minutes. A thread of our own does not hold up the end of the program.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{FutureExt, Shared};
use tokio::sync::oneshot;

/// Runs work on threads, one at a time for each name.
pub(super) struct Detached<T> {
    in_flight: Arc<Mutex<HashMap<String, Shared<oneshot::Receiver<T>>>>>,
}

impl<T: Clone + Send + Sync + 'static> Detached<T> {
    pub(super) fn new() -> Self {
        Self { in_flight: Arc::default() }
    }

    /// Starts `work`, unless work of this name is in flight, and waits for its result. `None`: there is no
    /// thread for it, or it panicked. Dropping the future does not end the work.
    pub(super) async fn run(
        &self,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        self.join(name, work)?.await.ok()
    }

    fn join(
        &self,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<Shared<oneshot::Receiver<T>>> {
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(result) = in_flight.get(name) {
            return Some(result.clone());
        }
        let entry = Entry { in_flight: Arc::clone(&self.in_flight), name: name.to_owned() };
        let (sender, result) = oneshot::channel();
        let result = result.shared();
        in_flight.insert(name.to_owned(), result.clone());
        // The closure is dropped where there is no thread for it, and the entry locks what is locked here.
        drop(in_flight);
        let started = std::thread::Builder::new().name("event-etcd".into()).spawn(move || {
            let value = work();
            drop(entry); // whoever asks from now on gets a new result
            let _ = sender.send(value);
        });
        started.is_ok().then_some(result)
    }
}

/// Work in flight, until it ends or panics.
struct Entry<T> {
    in_flight: Arc<Mutex<HashMap<String, Shared<oneshot::Receiver<T>>>>>,
    name: String,
}

impl<T> Drop for Entry<T> {
    fn drop(&mut self) {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_of_one_name_is_in_flight_once_and_starts_anew_when_it_has_ended() {
        let detached = Arc::new(Detached::new());
        let (runs, (go_on, hangs)) = (Arc::new(AtomicUsize::new(0)), mpsc::channel::<()>());
        let hanging = {
            let runs = Arc::clone(&runs);
            move || {
                let _ = hangs.recv();
                runs.fetch_add(1, Ordering::Relaxed)
            }
        };
        let first = detached.join("a", hanging).unwrap();
        // The caller that started it may be gone.
        drop(first);
        let joined = detached.join("a", || unreachable!("one is in flight")).unwrap();
        assert_eq!(detached.run("b", || 7).await, Some(7));
        go_on.send(()).unwrap();
        assert_eq!(joined.await, Ok(0));
        let again = Arc::clone(&runs);
        assert_eq!(detached.run("a", move || again.load(Ordering::Relaxed)).await, Some(1));
    }
}
