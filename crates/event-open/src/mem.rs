//! `mem:`, a store in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use event_core::{BoxStore, Error, MemoryStore};

use crate::{Url, refused};

static NAMED: Mutex<BTreeMap<Vec<u8>, MemoryStore>> = Mutex::new(BTreeMap::new());

/// The store in memory that this process calls `name`: the one that `mem:NAME` opens. It is made when it is first
/// asked for, and kept as long as the process runs.
///
/// A program that is wired by URLs only reads. A test, or another part of the program, writes through this handle:
///
/// ```
/// use event_core::{ReaderExt, StoreExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), event_core::Error> {
/// event_open::memory_store("settings").set("port", "8080");
/// let store = event_open::open("mem:settings").await?;
/// assert_eq!(store.value("port").get().await?.value().unwrap(), "8080");
/// # Ok(()) }
/// ```
#[must_use]
pub fn memory_store(name: impl AsRef<[u8]>) -> MemoryStore {
    let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    named.entry(name.as_ref().to_vec()).or_default().clone()
}

pub(crate) fn open(url: &Url) -> Result<BoxStore, Error> {
    url.allow_options(&[])?;
    if !url.hosts().is_empty() || url.path().starts_with(b"/") {
        return Err(refused(
            "a store in memory has no host and no path: write mem:NAME, or mem: for a new store",
        ));
    }
    let store = if url.path().is_empty() { MemoryStore::new() } else { memory_store(url.path()) };
    Ok(Arc::new(store))
}
