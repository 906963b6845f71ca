//! Each law as a function, for a harness of your own.
//!
//! A function gets a reader without a version and its [`Subject`](super::Subject), and panics if the law is
//! broken. Call it under a timeout, as [`Suite::check`](super::Suite::check) does: a broken law may show
//! only as a test that hangs.

mod cancel_safe;
mod current_first;
mod drop_is_close;
mod end;
mod errors_are_versions;
mod independent;
mod last_one_arrives;
mod latest_wins;
mod newer_only;
mod threads;

pub use cancel_safe::law_5_cancel_safe;
pub use current_first::{law_1_current_after_a_refresh, law_1_current_first};
pub use drop_is_close::law_9_drop_is_close;
pub use end::law_8_end;
pub use errors_are_versions::law_7_errors_are_versions;
pub use independent::{
    law_6_independent, law_6_one_upstream_for_many_watchers, law_6_sleeps_until_a_version,
};
pub use last_one_arrives::{
    law_4_goes_on_without_its_reader, law_4_last_one_arrives, law_4_the_newest_waker_is_woken,
};
pub use latest_wins::law_3_latest_wins;
pub use newer_only::law_2_newer_only;
pub use threads::{
    law_6_a_poll_does_not_block, law_6_a_poll_ends_while_a_writer_writes,
    law_6_independent_on_threads,
};
