use std::{
    future::pending,
    time::{Duration, Instant},
};

use etcd_harness::eventually;

const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
#[should_panic(expected = "not within 50ms: the sky falls (last check: false)")]
async fn the_message_of_a_timeout_has_the_result_of_the_last_check() {
    eventually(SHORT, "the sky falls", async || false).await;
}

#[tokio::test]
#[should_panic(expected = "no check completed")]
async fn a_check_that_hangs_is_dropped_at_the_timeout() {
    eventually(SHORT, "the sky falls", async || pending::<bool>().await).await;
}

#[tokio::test]
async fn the_result_of_a_condition_is_returned_as_soon_as_it_holds() {
    let start = Instant::now();
    let result = eventually(Duration::from_secs(60), "50 ms pass", async || {
        (start.elapsed() > SHORT).then_some("here")
    });
    assert_eq!(result.await, "here");
    assert!(start.elapsed() < Duration::from_secs(30));
}
