//! The contenders: ours, and the crates that a user could choose instead.

mod arc_swap;
mod async_watch;
mod eyeball;
mod ours;
mod postage;
mod signals;
mod tokio;
mod watchable;

pub(crate) use self::arc_swap::{Cached, Swap};
pub(crate) use self::async_watch::AsyncWatch;
pub(crate) use self::eyeball::Eyeball;
pub(crate) use self::ours::{Ours, OursBoxed};
pub(crate) use self::postage::Postage;
pub(crate) use self::signals::Signals;
pub(crate) use self::tokio::Tokio;
pub(crate) use self::watchable::Watchable;
