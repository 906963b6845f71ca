//! The adapters of maps.

mod as_value;
mod backlog;
mod boxed;
mod changes;
mod current;
#[cfg(feature = "tower")]
mod discover;
mod filter_keys;
mod group_by;
mod key;
mod shared;
mod streams;
mod with_previous;
mod work;

pub use as_value::{AsValue, AsValueWatcher, MapValue};
pub use boxed::BoxedMap;
pub use changes::{NextChange, NextChanges, WaitUntilSynced};
pub use current::CurrentMap;
#[cfg(feature = "tower")]
pub use discover::IntoDiscover;
pub use filter_keys::{FilterKeys, FilterKeysWatcher};
pub use group_by::{GroupBy, GroupByWatcher, GroupedMap, segment};
pub use key::{Key, KeyWatcher};
pub use shared::{SharedMap, SharedMapWatcher};
pub use streams::{IntoBatches, IntoChanges};
pub use with_previous::{Update, WithPrevious};
pub(crate) use work::Work;

/// How many changes are taken under one lock.
const CHUNK: usize = 1024;
