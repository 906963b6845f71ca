//! The suite of maps fails where it should: for each law there are maps that break it.

mod map;

use std::time::Duration;

use event_core::conformance::Suite;

use map::{Bug, Map};

/// Longer than any law takes on a loaded machine, and as long as a test of a law that hangs takes.
const TIMEOUT: Duration = Duration::from_secs(4);

/// What the suite says about a map with this bug.
fn failures(bug: Bug) -> Vec<String> {
    Suite::new(async move || Map::new(bug)).timeout(TIMEOUT).map_failures()
}

/// A test for each bug: the law that it breaks fails, with these words. Other laws may fail too: a watcher's last word
/// is compared with the map in each of them.
macro_rules! catches {
    ($($test:ident($bug:ident): $law:literal, $seen:literal;)*) => {
        /// The laws that are broken here.
        const BROKEN: &[&str] = &[$($law),*];

        mod a_map_that {
            use super::*;
            $(
                #[test]
                fn $test() {
                    let failures = failures(Bug::$bug);
                    let expected = concat!($law, ": ");
                    let failure = failures.iter().find(|failure| failure.starts_with(expected));
                    assert!(failure.is_some_and(|it| it.contains($seen)), "{failures:#?}");
                }
            )*
        }
    };
}

catches! {
    syncs_too_soon(SyncsTooSoon): "law 1, current first", "though nothing was read yet";
    syncs_first(SyncsFirst): "law 1, current first", "was synced with {}";
    forgets_the_empty_map(ForgetsTheEmptyMap): "law 1, synced when empty", "an empty map yielded None";
    syncs_again(SyncsAgain): "law 1, current first", "was synced twice";
    queues_versions(QueuesVersions): "law 2, newest only", "is the newest";
    repeats_versions(RepeatsVersions): "law 2, newest only", "twice";
    wakes_once(WakesOnce): "law 2, last one arrives", "waiting for a wake-up of";
    forgets_deletes(ForgetsDeletes): "law 3, a delete is never missed", "though the map is";
    queues_deletes(QueuesDeletes): "law 3, a delete is never missed", "which is there";
    splits_steps(SplitsSteps): "law 4, steps", "though the map is";
    splits_steps_on_threads(SplitsSteps): "law 4, steps on threads", "half a step was seen";
    sorts_keys(SortsKeys): "law 5, order of the last change", "the order was";
    swallows_errors(SwallowsErrors): "law 6, errors are versions of a key", "though the map is";
    ends_with_an_error(EndsWithAnError): "law 6, errors are versions of a key", "ended";
    stops_after_an_error(StopsAfterAnError): "law 6, errors are versions of a key", "though the map is";
    loses_with_a_cancelled_wait(LosesWithACancelledWait): "law 7, cancel safe", "though the map is";
    wakes_itself(WakesItself): "law 8, independent", "woken again and again";
    waits_for_a_slow_sibling(WaitsForASlowSibling): "law 8, independent", "though the map is";
    forgets_the_end(ForgetsTheEnd): "law 9, end", "waiting for a wake-up of a watcher that has";
    ends_too_soon(EndsTooSoon): "law 9, end", "ended";
    keeps_wakers(KeepsWakers): "law 9, drop is close", "the waker of a dropped watcher";
}

#[test]
fn each_law_of_maps_is_broken_by_a_map() {
    macro_rules! check {
        ({} $($law:ident)*) => {$(
            let words = stringify!($law).replace('_', " ");
            assert!(BROKEN.iter().any(|broken| broken.replace(',', "") == words), "{words}");
        )*};
    }
    event_core::__map_conformance_laws!({} check);
}

#[test]
fn a_map_without_a_bug_keeps_all_laws() {
    assert_eq!(failures(Bug::None), [""; 0]);
}
