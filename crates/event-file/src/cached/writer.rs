//! The thread that writes the file of a cache: the newest version, and no more than that.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use event_core::{Entry, MemoryValue, MemoryWatcher, ValueReader, ValueWriter, Watcher};

use super::file;

struct Writer<F> {
    path: PathBuf,
    newest: MemoryWatcher<(u64, Entry)>,
    done: MemoryValue<u64>,
    is_good: F,
}

/// Starts the thread. It ends with the last handle to `newest` that it does not have.
pub(super) fn start(
    path: &Path,
    newest: MemoryValue<(u64, Entry)>,
    done: MemoryValue<u64>,
    is_good: impl Fn(&[u8]) -> bool + Send + 'static,
) {
    let writer = Writer { path: path.to_owned(), newest: newest.watch(), done, is_good };
    drop(newest);
    let thread = thread::Builder::new().name("event-cache".to_owned());
    if let Err(error) = thread.spawn(move || writer.run()) {
        tracing::warn!("the cache {} will not be written: no thread: {error}", path.display());
    }
}

impl<F: Fn(&[u8]) -> bool> Writer<F> {
    fn run(mut self) {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut cx = Context::from_waker(&waker);
        // The words of the last failure: the same one is logged once.
        let mut failed = None;
        loop {
            match self.newest.poll_get(&mut cx) {
                Poll::Ready(Ok((number, entry))) => {
                    let failure = self.write(&entry).err().map(|error| error.to_string());
                    if let Some(error) =
                        failure.as_ref().filter(|error| failed.as_ref() != Some(*error))
                    {
                        tracing::warn!(
                            "the cache {} keeps what it had: {error}",
                            self.path.display()
                        );
                    }
                    failed = failure;
                    self.done.set(number);
                }
                Poll::Ready(Err(_)) => return, // the last handle is gone
                Poll::Pending => thread::park(),
            }
        }
    }

    fn write(&self, entry: &Entry) -> std::io::Result<()> {
        match entry.value() {
            Some(value) if (self.is_good)(value) => file::write(&self.path, entry),
            Some(_) => Ok(()),
            None => file::remove(&self.path),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
