//! Which address is next, and after how long.

use std::collections::BTreeSet;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Each name is its own address.
fn endpoints(names: &[&str], seed: u64) -> Endpoints {
    let mut endpoints = Endpoints::new(names.iter().map(ToString::to_string), Some(seed));
    for name in names {
        endpoints.resolved(&(*name).into(), vec![(*name).into()]);
    }
    endpoints
}

fn next(endpoints: &mut Endpoints, now: Instant) -> String {
    endpoints.next(now).unwrap().1.to_string()
}

#[test]
fn each_endpoint_is_tried_once_before_one_that_failed() {
    let now = Instant::now();
    for seed in 0..20 {
        let mut endpoints = endpoints(&["a", "b", "c"], seed);
        let mut tried = Vec::new();
        for _ in 0..6 {
            tried.push(next(&mut endpoints, now));
            endpoints.failed(now);
        }
        assert_eq!(tried[..3].iter().collect::<BTreeSet<_>>().len(), 3);
        assert_eq!(tried[..3], tried[3..], "the one that failed first is tried first");
    }
}

#[test]
fn clients_spread_over_the_endpoints() {
    let now = Instant::now();
    let mut counts = [0; 3];
    for seed in 0..300 {
        let first = next(&mut endpoints(&["0", "1", "2"], seed), now);
        counts[first.parse::<usize>().unwrap()] += 1;
    }
    assert!(counts.iter().all(|count| (60..140).contains(count)), "{counts:?}");
}

#[test]
fn in_order_the_first_one_comes_first() {
    let now = Instant::now();
    for seed in 0..10 {
        let mut endpoints = endpoints(&["a", "b", "c"], seed).in_order();
        for name in ["a", "b", "c", "a"] {
            assert_eq!(next(&mut endpoints, now), name);
            endpoints.failed(now);
        }
    }
}

#[test]
fn an_endpoint_that_is_not_known_to_fail_is_tried_at_once() {
    let now = Instant::now();
    let mut endpoints = endpoints(&["a", "b", "c"], 1);
    for _ in 0..3 {
        assert_eq!(endpoints.wait(), Duration::ZERO);
        endpoints.next(now);
        endpoints.failed(now);
    }
    assert!(endpoints.wait() >= SHORTEST);
}

#[test]
fn after_a_good_connection_the_dead_endpoint_is_still_tried_last() {
    let mut now = Instant::now();
    let mut endpoints = endpoints(&["dead", "alive"], 1).in_order();
    assert_eq!(next(&mut endpoints, now), "dead");
    endpoints.failed(now);
    for _ in 0..5 {
        assert_eq!(next(&mut endpoints, now), "alive");
        endpoints.good(now);
        now += 2 * SECOND;
        endpoints.failed(now);
        assert!(endpoints.wait() <= 2 * SHORTEST);
    }
}

#[test]
fn a_dead_endpoint_is_tried_like_the_others_after_a_while() {
    let mut now = Instant::now();
    let mut endpoints = endpoints(&["dead", "alive"], 1).in_order();
    endpoints.next(now);
    endpoints.failed(now);
    endpoints.next(now);
    endpoints.good(now);
    now += DEAD;
    endpoints.failed(now);
    assert_eq!(next(&mut endpoints, now), "dead");
    endpoints.failed(now);
    now += DEAD;
    assert_eq!(next(&mut endpoints, now), "alive");
}

#[test]
fn a_dead_endpoint_is_tried_again_when_the_others_fail_all_the_time() {
    let mut now = Instant::now();
    let mut endpoints = endpoints(&["dead", "flaps"], 1).in_order();
    endpoints.next(now);
    endpoints.failed(now);
    for times in [1, 2, 4] {
        for _ in 0..times * OTHERS_FAILED {
            assert_eq!(next(&mut endpoints, now), "flaps");
            endpoints.good(now);
            now += 2 * SECOND;
            endpoints.failed(now);
        }
        assert_eq!(next(&mut endpoints, now), "dead");
        endpoints.failed(now);
    }
}

#[test]
fn an_endpoint_that_failed_long_ago_is_like_one_that_never_did() {
    let mut now = Instant::now();
    let mut endpoints = endpoints(&["a", "b"], 1).in_order();
    assert_eq!(next(&mut endpoints, now), "a");
    endpoints.failed(now);
    now += DEAD;
    assert_eq!(next(&mut endpoints, now), "a");
}

#[test]
fn after_a_good_connection_there_is_a_wait_if_all_addresses_failed_before() {
    let mut now = Instant::now();
    let mut endpoints = Endpoints::new(["name".to_owned()], Some(1)).in_order();
    endpoints.resolved(&"name".into(), ["1", "2"].map(Arc::from).to_vec());
    for address in ["1", "2"] {
        assert_eq!(next(&mut endpoints, now), address);
        endpoints.failed(now);
    }
    endpoints.next(now);
    endpoints.good(now);
    now += QUIET;
    endpoints.failed(now);
    assert!(endpoints.wait() >= SHORTEST);
}

#[test]
fn a_name_without_an_address_does_not_keep_the_others_from_being_spared() {
    let now = Instant::now();
    let mut endpoints = Endpoints::new(["known", "unknown"].map(str::to_owned), Some(1));
    endpoints.resolved(&"known".into(), vec!["known".into()]);
    let mut waits = Vec::new();
    for _ in 0..4 {
        endpoints.next(now);
        endpoints.failed(now);
        waits.push(endpoints.wait());
    }
    assert_eq!(waits[0], Duration::ZERO, "perhaps the other one has an address by now");
    assert!(waits[1..].iter().all(|wait| *wait >= SHORTEST), "{waits:?}");
}

#[test]
fn c13_an_address_is_named_if_its_name_has_several() {
    let now = Instant::now();
    let mut endpoints = endpoints(&["a", "b"], 1).in_order();
    assert_eq!(endpoints.current(), None);
    endpoints.next(now);
    assert_eq!(endpoints.current().as_deref(), Some("a"));
    endpoints.resolved(&"a".into(), ["1", "2"].map(Arc::from).to_vec());
    endpoints.next(now);
    assert_eq!(endpoints.current().as_deref(), Some("a (1)"));
}

#[test]
fn clients_that_began_together_spread_their_requests() {
    let random: Vec<f64> = (0..300).map(|seed| endpoints(&["a"], seed).random()).collect();
    assert!(random.iter().all(|random| (0.0..1.0).contains(random)));
    for part in [0.0..0.25, 0.25..0.5, 0.5..0.75, 0.75..1.0] {
        let count = random.iter().filter(|random| part.contains(*random)).count();
        assert!((40..110).contains(&count), "{count} of 300 in {part:?}");
    }
}

#[test]
fn the_wait_grows_to_a_low_cap_and_starts_over_after_a_good_connection() {
    let mut now = Instant::now();
    let mut endpoints = endpoints(&["a"], 1);
    let mut waits = Vec::new();
    for _ in 0..20 {
        waits.push(endpoints.wait());
        endpoints.next(now);
        endpoints.good(now); // good for a moment is not good
        endpoints.failed(now);
    }
    assert!(waits.iter().all(|wait| *wait <= 2 * LONGEST), "{waits:?}");
    assert!(*waits.last().unwrap() >= LONGEST, "{waits:?}");
    endpoints.next(now);
    endpoints.good(now);
    now += QUIET;
    endpoints.failed(now);
    assert!(endpoints.wait() <= 2 * SHORTEST);
}

#[test]
fn the_wait_doubles_while_the_server_has_no_time() {
    let now = Instant::now();
    let mut endpoints = endpoints(&["a", "b"], 1);
    let mut waits = Vec::new();
    for _ in 0..10 {
        endpoints.next(now);
        endpoints.failed(now);
        endpoints.overloaded();
        waits.push(endpoints.wait());
    }
    assert!(waits[0] >= FIRST_PAUSE / 2, "{waits:?}");
    assert!(waits[9] >= LONGEST_PAUSE / 2 && waits[9] <= LONGEST_PAUSE * 3 / 2, "{waits:?}");
    endpoints.failed(now); // another failure
    assert!(endpoints.wait() < SECOND);
}

#[test]
fn what_is_known_of_an_address_outlives_a_new_resolution() {
    let now = Instant::now();
    let mut endpoints = Endpoints::new(["name".to_owned()], Some(1)).in_order();
    let name: Arc<str> = "name".into();
    assert!(!endpoints.has_addresses());
    endpoints.resolved(&name, ["1", "2", "3"].map(Arc::from).to_vec());
    assert_eq!(next(&mut endpoints, now), "1");
    endpoints.failed(now);
    endpoints.resolved(&name, ["3", "1", "4"].map(Arc::from).to_vec());
    let mut rest = Vec::new();
    for _ in 0..3 {
        rest.push(next(&mut endpoints, now));
        endpoints.failed(now);
    }
    assert_eq!(rest, ["3", "4", "1"]);
    endpoints.resolved(&name, Vec::new());
    assert!(endpoints.has_addresses(), "a name without addresses keeps those that it had");
}

#[test]
fn an_endpoint_in_use_may_be_removed() {
    let now = Instant::now();
    let mut endpoints = endpoints(&["a", "b", "c"], 1).in_order();
    endpoints.next(now);
    assert!(!endpoints.remove("b"));
    assert!(endpoints.remove("a"));
    endpoints.failed(now);
    assert_eq!(next(&mut endpoints, now), "c");
    endpoints.remove("c");
    assert!(endpoints.next(now).is_none());
    assert!(!endpoints.add("d") || !endpoints.has_addresses());
}

/// For any list, also with duplicates and names whose addresses change each time, and any order of
/// failures.
#[test]
fn the_number_of_connections_in_a_minute_is_bounded() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let names: Vec<String> =
            (0..random.usize(1..6)).map(|_| random.u8(..4).to_string()).collect();
        let mut endpoints = Endpoints::new(names, Some(seed));
        let changes = random.bool();
        let (start, mut now, mut connections, mut fresh) = (Instant::now(), Instant::now(), 0, 0);
        while now - start < 60 * SECOND {
            now += endpoints.wait();
            for name in endpoints.names().to_vec() {
                fresh += usize::from(changes);
                endpoints.resolved(&name, vec![format!("{name}-{fresh}").into()]);
            }
            endpoints.next(now).unwrap();
            connections += 1;
            if random.bool() {
                endpoints.good(now);
                now += SECOND.mul_f64(random.f64() * 1.5);
            }
            endpoints.failed(now);
        }
        // The waits are 0.2 s or longer after a few.
        assert!(connections < 400, "{connections} connections with seed {seed}");
    }
}
