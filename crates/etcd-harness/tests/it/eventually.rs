use std::{
    future::pending,
    time::{Duration, Instant},
};

use etcd_harness::eventually;

const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
#[should_panic(expected = "not within 50ms: the sky falls (last look: it did not hold)")]
async fn a_condition_that_never_holds_is_told_with_the_last_look() {
    eventually(SHORT, "the sky falls", async || false).await;
}

#[tokio::test]
#[should_panic(expected = "no look came to an end")]
async fn a_look_that_hangs_is_cut_off() {
    eventually(SHORT, "the sky falls", async || pending::<bool>().await).await;
}

#[tokio::test]
async fn what_the_condition_gives_is_returned_as_soon_as_it_holds() {
    let start = Instant::now();
    let given = eventually(Duration::from_mins(1), "50 ms pass", async || {
        (start.elapsed() > SHORT).then_some("here")
    });
    assert_eq!(given.await, "here");
    assert!(start.elapsed() < Duration::from_secs(30));
}
