//! A key that a store follows, and what was published of it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use event_core::{HealthState, ValueReader, WatcherExt};
use event_etcd::EtcdStore;
use tokio::time::{sleep, timeout};

const INTERVAL: Duration = Duration::from_millis(2);

/// What has been seen of a key and of the store's health.
pub(crate) struct Followed {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    /// What was written last.
    written: Option<String>,
    taken: Option<String>,
    state: Option<HealthState>,
    /// Each health that was not live, after the first that was.
    said: Vec<String>,
    lying: Option<Instant>,
    longest_lie: Duration,
}

impl Seen {
    /// Notes how long the store has been live and stale, after each change.
    fn look(&mut self) {
        let now = Instant::now();
        if let Some(since) = self.lying {
            self.longest_lie = self.longest_lie.max(now - since);
        }
        let is_lying = self.state == Some(HealthState::Live) && self.taken != self.written;
        self.lying = is_lying.then(|| self.lying.unwrap_or(now));
    }
}

impl Followed {
    /// Follows a key that holds `value`.
    pub(crate) fn start(store: &EtcdStore, key: &str, value: &str) -> Self {
        let written = Some(value.to_owned());
        let seen = Arc::new(Mutex::new(Seen { written, ..Seen::default() }));
        let (mut watcher, of_values) = (store.value(key).watch(), Arc::clone(&seen));
        tokio::spawn(async move {
            loop {
                match watcher.get().await {
                    Ok(entry) => {
                        let mut seen = lock(&of_values);
                        let text = |value| String::from_utf8_lossy(value).into_owned();
                        seen.taken = entry.value().map(|value| text(value));
                        seen.look();
                    }
                    Err(error) if error.is_closed() => return,
                    Err(_) => {}
                }
            }
        });
        let (mut health, of_health) = (store.health().watch(), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok(health) = health.get().await {
                let mut seen = lock(&of_health);
                if health.state != HealthState::Live && seen.state.is_some() {
                    let cause = health.cause.map(|cause| format!(": {cause}")).unwrap_or_default();
                    seen.said.push(format!("{}{cause}", health.state));
                }
                seen.state = Some(health.state);
                seen.look();
            }
        });
        Self { seen }
    }

    /// Notes that a value is written, just after it was.
    pub(crate) fn written(&self, value: &str) {
        let mut seen = lock(&self.seen);
        seen.written = Some(value.to_owned());
        seen.look();
    }

    /// Waits until what was written last is published and health is live.
    pub(crate) async fn arrives(&self, within: Duration) -> Result<(), String> {
        let arrived = async {
            loop {
                {
                    let seen = lock(&self.seen);
                    if seen.taken == seen.written && seen.state == Some(HealthState::Live) {
                        return;
                    }
                }
                sleep(INTERVAL).await;
            }
        };
        timeout(within, arrived).await.map_err(|_| {
            let seen = lock(&self.seen);
            let state = seen.state.map_or("unknown".to_owned(), |state| state.to_string());
            let what = if seen.taken == seen.written { "health" } else { "the value" };
            let last = seen.said.last().cloned().unwrap_or_default();
            format!("{what} not right within {within:?}: {state}; {last}")
        })
    }

    /// What health has said but live, since this was asked last.
    pub(crate) fn take_said(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.seen).said)
    }

    /// The longest time that the store was live and stale.
    pub(crate) fn longest_lie(&self) -> Duration {
        let mut seen = lock(&self.seen);
        seen.look();
        seen.longest_lie
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
