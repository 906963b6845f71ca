//! What can't be provoked on a real server: calls that never return, under a clock that the test holds.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_core::{Bytes, ValueReader, WatcherExt};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use crate::bounds::Bounds;
use crate::connection::Connection;
use crate::driver::RESPONSES;
use crate::endpoints::Endpoints;
use crate::protocol::{Event, Failure, KeyValue, ReadAnswer, Request, Response};
use crate::source::{Link, MockLink, MockRequests, MockSource, Opened, Responses, Source};
use event_core::HealthState;

const BOUND: Duration = Duration::from_secs(5);

fn start(source: impl Source + 'static) -> Connection {
    let endpoints = Endpoints::new(["one", "two"].map(str::to_owned), Some(1));
    let bounds = Bounds { connect: BOUND, detection: BOUND };
    Connection::start(Arc::new(source), endpoints, bounds, &Handle::current())
}

/// A peer that takes every call and never answers: a mock can't, since it answers at once.
struct Silent;

#[async_trait]
impl Source for Silent {
    async fn connect(&self, _endpoint: &str) -> Result<Arc<dyn Link>, Failure> {
        pending().await
    }
}

#[async_trait]
impl Link for Silent {
    async fn read(&self, _keys: Vec<Bytes>) -> Result<ReadAnswer, Failure> {
        pending().await
    }

    async fn recall(&self, _key: Bytes, _revision: i64) -> Result<ReadAnswer, Failure> {
        pending().await
    }

    async fn look_below(&self, _keys: Vec<Bytes>) -> Result<Vec<bool>, Failure> {
        pending().await
    }

    async fn open(&self, _first: Request) -> Result<Opened, Failure> {
        pending().await
    }
}

#[async_trait]
impl Responses for Silent {
    async fn next(&mut self) -> Result<Response, Failure> {
        pending().await
    }

    fn ready(&mut self) -> Option<Result<Response, Failure>> {
        None
    }
}

/// Responses that are all there at once, and then no more.
struct Burst(VecDeque<Response>);

#[async_trait]
impl Responses for Burst {
    async fn next(&mut self) -> Result<Response, Failure> {
        match self.0.pop_front() {
            Some(response) => Ok(response),
            None => pending().await,
        }
    }

    fn ready(&mut self) -> Option<Result<Response, Failure>> {
        self.0.pop_front().map(Ok)
    }
}

/// A member whose every key holds `a`, and whose stream opens and says nothing.
fn member() -> Arc<dyn Link> {
    member_saying(|| Box::new(Silent))
}

fn member_saying(says: impl Fn() -> Box<dyn Responses> + Send + Sync + 'static) -> Arc<dyn Link> {
    let mut link = MockLink::new();
    link.expect_read().returning(|keys| {
        let found =
            keys.iter().map(|_| Some(KeyValue { mod_revision: 2, value: "a".into() })).collect();
        Ok(ReadAnswer { revision: 2, found })
    });
    link.expect_open().returning(move |_| {
        let mut requests = MockRequests::new();
        requests.expect_send().returning(|_| Ok(()));
        Ok((Box::new(requests), says()))
    });
    Arc::new(link)
}

/// A source whose first endpoint is `first`, and whose second is a good member.
fn source(first: impl Fn() -> Arc<dyn Link> + Send + Sync + 'static) -> MockSource {
    let mut source = MockSource::new();
    source
        .expect_connect()
        .returning(move |endpoint| Ok(if endpoint == "one" { first() } else { member() }));
    source
}

/// How long it takes until a key has its first value.
async fn first_value(connection: &Connection) -> Duration {
    let start = Instant::now();
    let following = connection.registry.follow("key".into());
    let entry = following.cell.watch().get().await.expect("the store goes on");
    assert_eq!(entry.value().expect("the key is there"), "a");
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_never_returns_is_a_fault_after_its_bound() {
    let connection = start(Silent);
    let mut health = connection.health().watch();
    let (begun, _following) = (Instant::now(), connection.registry.follow("key".into()));
    let stalled = health.get_if(|health| health.state == HealthState::Stalled).await.unwrap();
    assert_eq!(begun.elapsed(), BOUND);
    assert_eq!(stalled.source.as_deref(), Some("one"));
}

#[tokio::test(start_paused = true)]
async fn a_read_that_never_returns_costs_the_bound_of_the_connect() {
    let connection = start(source(|| Arc::new(Silent)));
    assert_eq!(first_value(&connection).await, BOUND);
}

/// Around the number that is heard in one go.
#[tokio::test(start_paused = true)]
async fn of_responses_that_are_all_there_none_is_lost() {
    let heard = i64::try_from(RESPONSES).unwrap();
    for last in heard - 3..heard + 3 {
        let says = move || -> Box<dyn Responses> {
            let created = Response { watch_id: 1, created: true, ..Response::default() };
            let changed = |at| Response {
                watch_id: 1,
                newest: Some(Event { mod_revision: 2 + at, value: Some(vec![].into()) }),
                ..Response::default()
            };
            Box::new(Burst([created].into_iter().chain((1..=last).map(changed)).collect()))
        };
        let connection = start(source(move || member_saying(says)));
        let following = connection.registry.follow("key".into());
        let mut watcher = following.cell.watch();
        let newest = watcher.get_if(|entry| entry.revision() == Some(2 + last));
        timeout(BOUND, newest).await.expect("the last one arrives").unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_says_nothing_is_left_within_the_bound() {
    let mut once = MockSource::new();
    once.expect_connect().times(1).return_once(|_| Ok(member()));
    once.expect_connect().returning(|_| Ok(Arc::new(Silent)));
    let connection = start(once);
    let mut health = connection.health().watch();
    let _following = connection.registry.follow("key".into());
    health.get_if(|health| health.state == HealthState::Live).await.unwrap();
    let live = Instant::now();
    let stalled = health.get_if(|health| health.state == HealthState::Stalled).await.unwrap();
    assert_eq!((live.elapsed(), stalled.source.as_deref()), (BOUND, Some("one")));
}
