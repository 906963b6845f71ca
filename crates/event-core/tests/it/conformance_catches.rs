//! The suite fails where it should: for each law there are values that break it, and no other.

mod bug;
mod value;
mod watcher;

use std::time::Duration;

use event_core::conformance::{Suite, laws};

use bug::Bug;
use value::Value;

/// Longer than any law takes on a loaded machine, and as long as a test of a law that hangs takes.
const TIMEOUT: Duration = Duration::from_secs(4);

/// What the suite says about a value with this bug.
fn failures(bug: Bug) -> Vec<String> {
    Suite::new(async move || Value::new(bug)).timeout(TIMEOUT).failures()
}

/// A test for each bug: the law that it breaks fails, with these words, and no other law does.
macro_rules! catches {
    ($($test:ident($bug:ident): $law:literal, $seen:literal;)*) => {
        /// The laws that are broken here.
        const BROKEN: &[&str] = &[$($law),*];

        mod a_value_that {
            use super::*;
            $(
                #[test]
                fn $test() {
                    let failures = failures(Bug::$bug);
                    let expected = concat!($law, ": ");
                    assert_eq!(failures.len(), 1, "{failures:#?}");
                    assert!(failures[0].starts_with(expected), "{failures:#?}");
                    assert!(failures[0].contains($seen), "{failures:#?}");
                }
            )*
        }
    };
}

catches! {
    starts_with_a_stale_version(StartsWithAStaleVersion): "law 1, current first", "took 3, though 4 is the newest";
    refreshes_too_soon(RefreshesTooSoon): "law 1, current after a refresh", "though it has not taken 2";
    repeats_a_version(RepeatsAVersion): "law 2, newer only", "took 90 after 90";
    goes_back(GoesBack): "law 2, newer only", "took 89 after 90";
    queues_versions(QueuesVersions): "law 3, latest wins", "took 2, though 100 is the newest";
    keeps_six_wakers(KeepsSixWakers): "law 4, last one arrives", "waiting for a wake-up of watcher 0";
    wakes_the_first_task(WakesTheFirstTask): "law 4, the newest waker is woken", "waiting for a wake-up of a watcher that moved";
    keeps_each_waker(KeepsEachWaker): "law 4, the newest waker is woken", "until the wakers of earlier tasks are dropped";
    stops_with_its_reader(StopsWithItsReader): "law 4, goes on without its reader", "waiting for a wake-up of a watcher that polled";
    loses_with_a_cancelled_get(LosesWithACancelledGet): "law 5, cancel safe", "though it has not taken 2";
    waits_for_a_slow_sibling(WaitsForASlowSibling): "law 6, independent", "though it has not taken 17";
    wakes_itself(WakesItself): "law 6, sleeps until a version", "woken again and again";
    has_an_upstream_for_each_watcher(HasAnUpstreamForEachWatcher): "law 6, one upstream for many watchers", "21 held upstream";
    registers_too_late(RegistersTooLate): "law 6, independent on threads", "waiting";
    locks_during_a_poll(LocksDuringAPoll): "law 6, a poll does not block", "polling a watcher beside one";
    takes_until_the_writer_pauses(TakesUntilTheWriterPauses): "law 6, a poll ends while a writer writes", "a watcher while a writer writes";
    swallows_errors(SwallowsErrors): "law 7, errors are versions", "though it has not taken the error";
    repeats_errors(RepeatsErrors): "law 7, errors are versions", "though it has taken the error";
    ends_with_an_error(EndsWithAnError): "law 7, errors are versions", "took an error as the end";
    stops_after_an_error(StopsAfterAnError): "law 7, errors are versions", "though it has not taken 2";
    forgets_the_end(ForgetsTheEnd): "law 8, end", "waiting for a wake-up of a watcher that has not taken";
    ends_before_the_last_version(EndsBeforeTheLastVersion): "law 8, end", "took an error, not 2";
    opens_again(OpensAgain): "law 8, end", "took 2 after the end";
    holds_upstream_for_ever(HoldsUpstreamForEver): "law 9, drop is close", "0 is held upstream without a watcher: it is 1";
    keeps_the_wakers_of_dropped_watchers(KeepsTheWakersOfDroppedWatchers): "law 9, drop is close", "the waker of a dropped watcher";
}

#[test]
fn each_law_is_broken_by_a_value() {
    macro_rules! check {
        ({} $($law:ident)*) => {$(
            let words = stringify!($law).replace('_', " ");
            assert!(BROKEN.iter().any(|broken| broken.replace(',', "") == words), "{words}");
        )*};
    }
    event_core::__conformance_laws!({} check);
}

#[test]
fn a_value_without_a_bug_keeps_all_laws() {
    assert_eq!(failures(Bug::None), [""; 0]);
}

#[test]
fn a_poll_that_never_returns_is_reported_in_time() {
    let suite =
        Suite::new(async || Value::new(Bug::NeverReturns)).timeout(Duration::from_millis(500));
    let checked = std::panic::catch_unwind(|| {
        suite.check("law_1_current_first", laws::law_1_current_first);
    });
    let message = *checked.unwrap_err().downcast::<String>().unwrap();
    let start = "law 1, current first: not done within 500ms; last step: polling a watcher";
    assert!(message.starts_with(start), "{message}");
}

/// A value may yield to the executor now and then, also after its end.
#[test]
fn a_poll_may_do_its_share_and_wake_itself() {
    assert_eq!(failures(Bug::YieldsNowAndThen), [""; 0]);
}
