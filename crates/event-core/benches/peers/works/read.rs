//! Reading the current version again and again, as a server does for each request.

use std::hint::black_box;

use event_core::{MemoryValue, ReaderExt};
use measure::Role;

use crate::bench::{Turn, Turns, Work};
use crate::clock::nanoseconds;
use crate::contenders::{Cached, Swap};
use crate::machine::cores;
use crate::payload::Payload;
use crate::threads::run_together;
use crate::value::{Read, Value};

/// Each thread has its own reader and reads one word of the version. Nothing sets the value.
///
/// The result is the core time of one read: the time from start to end, times the number of threads that
/// run in parallel (at most the number of cores), divided by the reads of all threads. If the result stays
/// the same with more threads, readers do not slow each other down.
pub(crate) struct Reads {
    pub(crate) threads: u32,
}

const READS: u32 = 500_000;

impl Work for Reads {
    fn name<T: Payload>(&self) -> String {
        format!("read per request, by threads, {}", T::NAME)
    }

    fn size(&self) -> Option<u64> {
        Some(self.threads.into())
    }

    fn contender<T: Payload, V: Value<T>>(&self) -> Option<Turn> {
        let mut value = V::new(T::number(0));
        Some(self.turn(move || value.reader()))
    }

    fn others<T: Payload>(&self, turns: &mut Turns) {
        let shared = MemoryValue::new(T::number(0)).current();
        turns.add("ours, shared", Role::Ours, self.turn(move || shared.clone()));
        let swap = Swap::new(T::number(0));
        let cached = swap.reader();
        turns.add(Swap::<T>::name(), Role::Peer, self.turn(move || swap.reader()));
        turns.add(Cached::<T>::name(), Role::Peer, self.turn(move || cached.cached()));
    }
}

impl Reads {
    fn turn<T: Payload, R: Read<T>>(&self, mut reader: impl FnMut() -> R + 'static) -> Turn {
        let threads = self.threads;
        let cores = u32::try_from(cores()).unwrap_or(u32::MAX);
        let parallel = f64::from(threads.min(cores));
        Box::new(move || {
            let readers: Vec<R> = (0..threads).map(|_| reader()).collect();
            let elapsed = run_together(readers, |mut reader| {
                for _ in 0..READS {
                    black_box(reader.read(|version| black_box(version).word()));
                }
            });
            nanoseconds(elapsed) * parallel / (f64::from(threads) * f64::from(READS))
        })
    }
}
