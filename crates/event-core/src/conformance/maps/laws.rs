//! Each law of maps as a function, for a harness of your own.
//!
//! A function gets a reader of an empty map and its [`MapSubject`](super::MapSubject), and panics if the law is broken. Call it under a
//! timeout, as [`Suite::check`](crate::conformance::Suite::check) does.

mod deletes;
mod end;
mod errors;
mod independent;
mod newest;
mod steps;
mod synced;

pub use deletes::law_3_a_delete_is_never_missed;
pub use end::{law_9_drop_is_close, law_9_end};
pub use errors::law_6_errors_are_versions_of_a_key;
pub use independent::{law_7_cancel_safe, law_8_independent};
pub use newest::{law_2_last_one_arrives, law_2_newest_only};
pub use steps::{law_4_steps, law_4_steps_on_threads, law_5_order_of_the_last_change};
pub use synced::{law_1_current_first, law_1_synced_when_empty};
