use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::thread;

use crate::conformance::block_on::yield_now;
use crate::conformance::consumer::Consumer;
use crate::conformance::progress::{OnThread, on_thread, step};
use crate::conformance::{Subject, block_on};
use crate::{ValueReader, Watcher};

/// With watchers on several threads and a writer, each watcher takes versions in rising order, and the
/// newest one whenever the writer pauses.
pub async fn law_6_independent_on_threads<R>(reader: R, mut subject: impl Subject)
where
    R: ValueReader<u64, Watcher: Send + 'static>,
{
    const LAST: u64 = 200;
    let takers: Vec<_> = (0..4).map(|i| Taker::start(&reader, i, LAST)).collect();
    for version in 1..=LAST {
        subject.set(version).await;
        yield_now().await;
        if version % 10 == 0 {
            for taker in &takers {
                taker.has_taken(version).await;
            }
        }
    }
    for taker in takers {
        taker.thread.join().await;
    }
}

/// A thread that takes versions.
struct Taker {
    name: String,
    newest: Arc<AtomicU64>,
    thread: OnThread<()>,
}

impl Taker {
    fn start<W>(reader: &impl ValueReader<u64, Watcher = W>, i: usize, last: u64) -> Self
    where
        W: Watcher<u64> + Send + 'static,
    {
        let name = format!("the watcher on thread {i}");
        let newest = Arc::new(AtomicU64::new(0));
        let mut watcher = Consumer::of(reader, &name);
        let (label, taken_by_now) = (name.clone(), Arc::clone(&newest));
        let take_rising = move || {
            let mut before = 0;
            while before < last {
                let taken = block_on(watcher.get());
                let taken = taken.unwrap_or_else(|error| panic!("{label} took {error:?}"));
                assert!(taken > before, "{label} took {taken} after {before}");
                before = taken;
                taken_by_now.store(taken, Ordering::SeqCst);
            }
        };
        Self { name, newest, thread: on_thread(take_rising) }
    }

    async fn has_taken(&self, version: u64) {
        // A thread that panicked is finished too: joining it says why.
        while self.newest.load(Ordering::SeqCst) < version && !self.thread.is_finished() {
            step(format!("waiting until {} has taken {version}", self.name));
            yield_now().await;
        }
    }
}

/// A poll, a `watch` and a `set` return while another thread is inside a poll.
///
/// A subject without a [`gate`](Subject::gate) passes.
pub async fn law_6_a_poll_does_not_block<R>(reader: R, mut subject: impl Subject)
where
    R: ValueReader<u64, Watcher: Send + 'static>,
{
    let Some(gate) = subject.gate() else { return };
    let mut inside = Consumer::of(&reader, "the watcher that is held up inside a poll");
    let mut other = Consumer::of(&reader, "a watcher beside one that is held up inside a poll");
    subject.set(1).await;
    inside.reaches(1);
    other.reaches(1);
    subject.set(2).await;

    let closed = gate.close();
    let held_up = poll_on_thread(inside);
    step("waiting until a thread is held up inside a poll");
    closed.is_occupied().await;
    let beside = poll_on_thread(other).join().await;
    let _ = Consumer::of(&reader, "a new watcher beside one that is held up inside a poll").poll();
    step("setting a version while a thread is held up inside a poll");
    subject.set(3).await;
    drop(closed);

    for (mut watcher, taken) in [held_up.join().await, beside] {
        if taken < Some(3) {
            watcher.get_until(3).await;
        }
    }
}

/// Polls on a thread of its own. Gives the consumer back, and what it took.
fn poll_on_thread<W>(mut consumer: Consumer<W>) -> OnThread<(Consumer<W>, Option<u64>)>
where
    W: Watcher<u64> + Send + 'static,
{
    on_thread(move || {
        let taken = match consumer.poll() {
            Poll::Ready(version) => version.ok(),
            Poll::Pending => None,
        };
        (consumer, taken)
    })
}

/// Each poll ends even if a writer never stops writing.
pub async fn law_6_a_poll_ends_while_a_writer_writes<R>(reader: R, mut subject: impl Subject)
where
    R: ValueReader<u64, Watcher: Send + 'static>,
{
    let mut watcher = Consumer::of(&reader, "a watcher while a writer writes");
    let polling = on_thread(move || {
        let mut taken = 0;
        while taken < 50 {
            taken += usize::from(watcher.poll().is_ready());
            thread::yield_now();
        }
    });
    for version in 1.. {
        if polling.is_finished() {
            break;
        }
        subject.set(version).await;
        yield_now().await;
    }
    polling.join().await;
}
