//! What can't be provoked on a real server: calls that never complete, under a clock that the test holds.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_core::{
    Bytes, CauseKind, Entry, EntryState, Health, HealthState, KeyRange, MapReader, MapReaderExt,
    MapWatcherExt, Metadata, Snapshot, ValueReader, WatcherExt,
};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::{DriverHandle, RESPONSES};
use crate::EtcdValue;
use crate::seam::{
    Connection, Connector, Event, Failure, KeyValue, MockConnection, MockConnector,
    MockWatchRequests, OpenStream, Page, PageRequest, PageResponse, Pages, ReadResponse,
    WatchRequest, WatchResponse, WatchResponses,
};
use crate::session::{Endpoints, Session, Timeouts};
const TIMEOUT: Duration = Duration::from_secs(5);

fn start(connector: impl Connector + 'static) -> Arc<DriverHandle> {
    let endpoints = Endpoints::new(["one", "two"].map(str::to_owned), Some(1));
    let timeouts = Timeouts { connect: TIMEOUT, login: Duration::ZERO, liveness: TIMEOUT };
    let session = |now| Session::new(endpoints.in_order(), timeouts, None, now);
    Arc::new(DriverHandle::start(Arc::new(connector), session, &Handle::current()))
}

/// A peer that takes every call and never answers. A mock answers at once.
struct Silent;

#[async_trait]
impl Connector for Silent {
    async fn connect(
        &self,
        _endpoint: &str,
        _address: &str,
    ) -> Result<Arc<dyn Connection>, Failure> {
        pending().await
    }
}

#[async_trait]
impl Connection for Silent {
    async fn read(&self, _keys: Vec<Bytes>) -> Result<ReadResponse, Failure> {
        pending().await
    }

    async fn probe(&self, _keys: Vec<Bytes>) -> Result<ReadResponse, Failure> {
        pending().await
    }

    async fn read_page(&self, _page: PageRequest) -> Result<PageResponse, Failure> {
        pending().await
    }

    async fn stream_pages(&self, _: PageRequest) -> Result<Option<Box<dyn Pages>>, Failure> {
        pending().await
    }

    async fn read_at(&self, _: Bytes, _: i64, _: bool) -> Result<ReadResponse, Failure> {
        pending().await
    }

    async fn member_urls(&self) -> Result<Vec<Vec<String>>, Failure> {
        pending().await
    }

    async fn has_keys_below(&self, _keys: Vec<Bytes>) -> Result<Vec<bool>, Failure> {
        pending().await
    }

    async fn open_stream(&self, _first: WatchRequest) -> Result<OpenStream, Failure> {
        pending().await
    }
}

#[async_trait]
impl WatchResponses for Silent {
    async fn next(&mut self) -> Result<WatchResponse, Failure> {
        pending().await
    }

    fn try_next(&mut self) -> Option<Result<WatchResponse, Failure>> {
        None
    }
}

/// Responses that are all there at once, and then no more.
struct Burst(VecDeque<WatchResponse>);

#[async_trait]
impl WatchResponses for Burst {
    async fn next(&mut self) -> Result<WatchResponse, Failure> {
        match self.0.pop_front() {
            Some(response) => Ok(response),
            None => pending().await,
        }
    }

    fn try_next(&mut self) -> Option<Result<WatchResponse, Failure>> {
        self.0.pop_front().map(Ok)
    }
}

fn read_of(keys: usize, revision: i64) -> ReadResponse {
    let found = KeyValue { mod_revision: revision, metadata: Metadata::new(), value: "a".into() };
    ReadResponse { revision, cluster: 0, found: vec![Some(found); keys] }
}

fn event(key: &'static str, mod_revision: i64, value: Option<Bytes>) -> Event {
    Event { key: key.into(), mod_revision, metadata: Metadata::new(), value }
}

fn created(watch_id: i64) -> WatchResponse {
    WatchResponse::Created { watch_id, revision: 2 }
}

/// A member whose every key holds `a`, and whose stream says no more than that the watch is created.
fn member() -> Arc<dyn Connection> {
    member_that_says(|watch_id| Box::new(Burst([created(watch_id)].into())))
}

fn member_that_says(
    says: impl Fn(i64) -> Box<dyn WatchResponses> + Send + Sync + 'static,
) -> Arc<dyn Connection> {
    let mut member = MockConnection::new();
    member.expect_received().return_const(0_u64);
    member.expect_read().returning(|keys| Ok(read_of(keys.len(), 2)));
    member.expect_probe().returning(|keys| Ok(read_of(keys.len(), 2)));
    opens(&mut member, says);
    Arc::new(member)
}

fn opens(
    member: &mut MockConnection,
    says: impl Fn(i64) -> Box<dyn WatchResponses> + Send + Sync + 'static,
) {
    member.expect_open_stream().returning(move |first| {
        assert!(matches!(first, WatchRequest::Create { .. }), "{first:?}");
        let mut requests = MockWatchRequests::new();
        requests.expect_send().returning(|_| Ok(()));
        Ok((Box::new(requests), says(0)))
    });
}

/// Each endpoint is its own address.
fn resolving() -> MockConnector {
    let mut connector = MockConnector::new();
    connector.expect_resolve().returning(|endpoint| Ok(vec![endpoint.into()]));
    connector
}

/// The first endpoint is `first`, and the second a good member.
fn connector(first: impl Fn() -> Arc<dyn Connection> + Send + Sync + 'static) -> MockConnector {
    let mut connector = resolving();
    connector
        .expect_connect()
        .returning(move |endpoint, _| Ok(if endpoint == "one" { first() } else { member() }));
    connector
}

fn value(driver: &Arc<DriverHandle>) -> EtcdValue {
    EtcdValue::new(driver.upstream.value("key"))
}

/// How long it takes until a key has its first value.
async fn first_value(driver: &Arc<DriverHandle>) -> Duration {
    let start = Instant::now();
    let entry = value(driver).watch().get().await.expect("the store goes on");
    assert_eq!(entry.value().expect("the key exists"), "a");
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn connecting_that_never_completes_is_a_failure_after_its_timeout() {
    let driver = start(Silent);
    let mut health = driver.upstream.health().watch();
    let (begun, _watcher) = (Instant::now(), value(&driver).watch());
    let stalled = health.get_if(|health| health.state == HealthState::Stalled).await.unwrap();
    assert_eq!(begun.elapsed(), TIMEOUT);
    assert_eq!(stalled.source.as_deref(), Some("one"));
}

#[tokio::test(start_paused = true)]
async fn a_first_read_that_never_completes_costs_the_connect_timeout() {
    let driver = start(connector(|| Arc::new(Silent)));
    assert_eq!(first_value(&driver).await, TIMEOUT);
}

/// Around the number that is handled in one go.
#[tokio::test(start_paused = true)]
async fn of_responses_that_are_all_there_at_once_none_is_lost() {
    let handled = i64::try_from(RESPONSES).unwrap();
    for last in handled - 3..handled + 3 {
        let says = move |watch_id| -> Box<dyn WatchResponses> {
            let changed = move |at| {
                let value = Some(Bytes::new());
                let event = event("key", 2 + at, value);
                let (revision, events) = (2 + at, [event].into());
                WatchResponse::Events { watch_id, revision, events, is_fragment: false }
            };
            let created = WatchResponse::Created { watch_id, revision: 2 };
            Box::new(Burst([created].into_iter().chain((1..=last).map(changed)).collect()))
        };
        let driver = start(connector(move || member_that_says(says)));
        let mut watcher = value(&driver).watch();
        let newest = watcher.get_if(|entry| entry.revision() == Some(2 + last));
        timeout(TIMEOUT, newest).await.expect("the last one arrives").unwrap();
    }
}

/// A member with a range of two keys, one on each page, whose stream says what `says` does.
fn member_with_pages(
    says: impl Fn(i64) -> Box<dyn WatchResponses> + Send + Sync + 'static,
) -> Arc<dyn Connection> {
    let mut member = MockConnection::new();
    member.expect_received().return_const(0_u64);
    member.expect_probe().returning(|keys| Ok(read_of(keys.len(), 2)));
    member.expect_read_page().returning(|page| {
        let is_first = page.from == "p/";
        let (key, revision) = if is_first { ("p/a", 0) } else { ("p/b", 2) };
        assert_eq!(page.revision, revision, "the pages are of one revision");
        let found = KeyValue { mod_revision: 2, metadata: Metadata::new(), value: "a".into() };
        let found = vec![(Bytes::from(key), found)];
        Ok(PageResponse::Page(Page { revision: 2, cluster: 0, found, has_more: is_first }))
    });
    member.expect_stream_pages().times(..=1).returning(|_| Ok(None));
    opens(&mut member, says);
    Arc::new(member)
}

fn page_of(key: &str, has_more: bool) -> PageResponse {
    let found = KeyValue { mod_revision: 2, metadata: Metadata::new(), value: "a".into() };
    let found = vec![(Bytes::from(key.to_owned()), found)];
    PageResponse::Page(Page { revision: 2, cluster: 0, found, has_more })
}

#[tokio::test(start_paused = true)]
async fn a_server_without_streams_of_pages_is_asked_for_one_once() {
    let mut member = MockConnection::new();
    member.expect_received().return_const(0_u64);
    member.expect_probe().returning(|keys| Ok(read_of(keys.len(), 2)));
    member.expect_read_page().times(3).returning(|page| {
        Ok(match &page.from[..] {
            b"p/" => page_of("p/a", true),
            b"p/a\0" => page_of("p/b", true),
            _ => page_of("p/c", false),
        })
    });
    member.expect_stream_pages().times(1).returning(|_| Ok(None));
    opens(&mut member, |watch_id| Box::new(Burst([created(watch_id)].into())));
    let mut connector = resolving();
    connector.expect_connect().times(1).return_once(|_, _| Ok(Arc::new(member)));
    let driver = start(connector);
    let mut watcher = driver.upstream.map(KeyRange::prefix("p/")).as_value().watch();
    let snapshot = timeout(TIMEOUT, watcher.get()).await.expect("the last page").unwrap();
    assert_eq!(snapshot.len(), 3);
}

/// Pages that the test sends.
struct Streamed(mpsc::Receiver<PageResponse>);

#[async_trait]
impl Pages for Streamed {
    async fn next(&mut self) -> Result<PageResponse, Failure> {
        Ok(self.0.recv().await.expect("the test goes on"))
    }
}

/// A driver whose member has one page of a range, streams those after it.
fn start_with_stream() -> (Arc<DriverHandle>, mpsc::Sender<PageResponse>) {
    let (pages, stream) = mpsc::channel(8);
    let mut member = MockConnection::new();
    member.expect_received().return_const(0_u64);
    member.expect_probe().returning(|keys| Ok(read_of(keys.len(), 2)));
    member.expect_read_page().times(1).returning(|_| Ok(page_of("p/a", true)));
    member.expect_stream_pages().times(1).return_once(|page| {
        assert_eq!((&page.from[..], page.revision), (&b"p/a\0"[..], 2));
        Ok(Some(Box::new(Streamed(stream))))
    });
    opens(&mut member, |watch_id| Box::new(Burst([created(watch_id)].into())));
    let mut connector = resolving();
    connector.expect_connect().times(1).return_once(|_, _| Ok(Arc::new(member)));
    (start(connector), pages)
}

#[tokio::test(start_paused = true)]
async fn the_pages_after_the_first_come_from_one_stream_which_then_ends() {
    let (driver, pages) = start_with_stream();
    for (key, has_more) in [("p/b", true), ("p/c", true), ("p/d", false)] {
        pages.send(page_of(key, has_more)).await.unwrap();
    }
    let mut watcher = driver.upstream.map(KeyRange::prefix("p/")).as_value().watch();
    let snapshot = timeout(TIMEOUT, watcher.get()).await.expect("the last page").unwrap();
    let keys: Vec<_> = snapshot.iter().map(|(key, _)| &key[..]).collect();
    assert_eq!(keys, [b"a", b"b", b"c", b"d"]);
    timeout(TIMEOUT, pages.closed()).await.expect("the stream ends");
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_pages_ends_after_the_last_watcher_of_its_range() {
    let (driver, pages) = start_with_stream();
    let mut watcher = driver.upstream.map(KeyRange::prefix("p/")).watch();
    let first = timeout(TIMEOUT, watcher.change()).await.expect("the first page").unwrap();
    assert_eq!(first.key(), Some(&Bytes::from("a")));
    drop(watcher);
    for page in 0.. {
        assert!(page < 100, "the stream is still read");
        let sent = timeout(TIMEOUT, pages.send(page_of(&format!("p/b{page:02}"), true))).await;
        if sent.expect("the stream is read, or ends").is_err() {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_range_is_read_page_by_page_and_then_follows_its_watch() {
    let says = move |watch_id| -> Box<dyn WatchResponses> {
        let events = vec![event("p/a", 3, None), event("p/c", 3, Some("c".into()))].into();
        let changed = WatchResponse::Events { watch_id, revision: 3, events, is_fragment: false };
        Box::new(Burst([created(watch_id), changed].into()))
    };
    let driver = start(connector(move || member_with_pages(says)));
    let map = driver.upstream.map(KeyRange::prefix("p/"));
    let is_last = |map: &Snapshot<Bytes, Entry>| map.contains_key(&Bytes::from("c"));
    let mut watcher = map.as_value().watch();
    let newest = watcher.get_if(is_last);
    let newest = timeout(TIMEOUT, newest).await.expect("the last step arrives").unwrap();
    assert_eq!(newest.iter().map(|(key, _)| &key[..]).collect::<Vec<_>>(), [b"b", b"c"]);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_never_comes_costs_the_connect_timeout() {
    let mut once = resolving();
    once.expect_connect().times(1).return_once(|_, _| Ok(Arc::new(Silent)));
    once.expect_connect().returning(|_, _| {
        Ok(member_with_pages(|watch_id| Box::new(Burst([created(watch_id)].into()))))
    });
    let driver = start(once);
    let begun = Instant::now();
    let mut watcher = driver.upstream.map(KeyRange::prefix("p/")).watch();
    timeout(3 * TIMEOUT, watcher.wait_until_synced()).await.expect("another member").unwrap();
    assert_eq!(begun.elapsed(), TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_left_after_the_liveness_timeout() {
    let mut once = resolving();
    once.expect_connect().times(1).return_once(|_, _| Ok(member()));
    once.expect_connect().returning(|_, _| Ok(Arc::new(Silent)));
    let driver = start(once);
    let mut health = driver.upstream.health().watch();
    let _watcher = value(&driver).watch();
    health.get_if(|health| health.state == HealthState::Live).await.unwrap();
    let live = Instant::now();
    let stalled = health.get_if(|health| health.state == HealthState::Stalled).await.unwrap();
    // It is asked for a sign of life a bit sooner than it must be.
    assert!((TIMEOUT * 9 / 10..=TIMEOUT).contains(&live.elapsed()), "{:?}", live.elapsed());
    assert_eq!(stalled.source.as_deref(), Some("one"));
}

/// A member that answers each read when the test says so.
struct Held {
    stream: Arc<dyn Connection>,
    reads: mpsc::UnboundedSender<oneshot::Sender<ReadResponse>>,
}

#[async_trait]
impl Connection for Held {
    async fn read(&self, _keys: Vec<Bytes>) -> Result<ReadResponse, Failure> {
        let (answer, response) = oneshot::channel();
        self.reads.send(answer).expect("the test goes on");
        Ok(response.await.expect("the test answers"))
    }

    async fn probe(&self, _keys: Vec<Bytes>) -> Result<ReadResponse, Failure> {
        pending().await
    }

    async fn read_page(&self, _page: PageRequest) -> Result<PageResponse, Failure> {
        pending().await
    }

    async fn stream_pages(&self, _: PageRequest) -> Result<Option<Box<dyn Pages>>, Failure> {
        pending().await
    }

    async fn read_at(&self, _: Bytes, _: i64, _: bool) -> Result<ReadResponse, Failure> {
        pending().await
    }

    async fn member_urls(&self) -> Result<Vec<Vec<String>>, Failure> {
        pending().await
    }

    async fn has_keys_below(&self, _keys: Vec<Bytes>) -> Result<Vec<bool>, Failure> {
        pending().await
    }

    async fn open_stream(&self, first: WatchRequest) -> Result<OpenStream, Failure> {
        self.stream.open_stream(first).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_begins_after_a_read_was_sent_waits_for_the_next_read() {
    let (reads, mut sent) = mpsc::unbounded_channel();
    let driver =
        start(connector(move || Arc::new(Held { stream: member(), reads: reads.clone() })));
    let value = value(&driver);
    let mut watcher = value.watch();
    sent.recv().await.unwrap().send(read_of(1, 2)).unwrap();
    watcher.get().await.unwrap();

    let first = tokio::spawn(value.refresh());
    let first_read = sent.recv().await.unwrap();
    let second = tokio::spawn(value.refresh());
    let second_read = sent.recv().await.unwrap();
    first_read.send(read_of(1, 3)).unwrap();
    first.await.unwrap().unwrap();
    tokio::task::yield_now().await;
    assert!(!second.is_finished(), "its read was not answered yet");
    second_read.send(read_of(1, 4)).unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(watcher.get().await.unwrap().revision(), Some(4));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_ends_with_its_store_and_one_that_is_dropped_leaves_nothing() {
    let driver = start(Silent);
    let value = value(&driver);
    for _ in 0..1000 {
        assert!(timeout(Duration::from_millis(1), value.refresh()).await.is_err());
    }
    let refresh = tokio::spawn(value.refresh());
    tokio::task::yield_now().await;
    driver.upstream.close();
    assert!(refresh.await.unwrap().unwrap_err().is_closed());
    assert!(value.refresh().await.unwrap_err().is_closed());
    assert!(value.watch().get().await.unwrap_err().is_closed());
}

#[tokio::test(start_paused = true)]
async fn why_a_key_cant_be_read_ends_with_the_connection() {
    let mut reads = 0;
    let mut member = MockConnection::new();
    member.expect_received().return_const(0_u64);
    member.expect_read().returning(move |_| {
        reads += 1;
        let kind = if reads == 1 { CauseKind::PermissionDenied } else { CauseKind::Unreachable };
        Err(Failure::new(kind, "refused"))
    });
    let mut once = resolving();
    once.expect_connect().times(1).return_once(|_, _| Ok(Arc::new(member)));
    once.expect_connect().returning(|_, _| Ok(Arc::new(Silent)));
    let driver = start(once);
    let value = value(&driver);
    let (_watcher, mut health) = (value.watch(), value.health().watch());
    for expected in [(CauseKind::PermissionDenied, true), (CauseKind::Unreachable, false)] {
        let is_stalled = |health: &Health| health.state == HealthState::Stalled;
        let cause = health.get_if(is_stalled).await.unwrap().cause.unwrap();
        assert_eq!((cause.kind(), cause.key().is_some()), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_does_not_exist_is_never_seen() {
    let driver = start(connector(|| {
        let mut member = MockConnection::new();
        member.expect_read().returning(|keys| {
            Ok(ReadResponse { revision: 2, cluster: 0, found: vec![None; keys.len()] })
        });
        member.expect_has_keys_below().returning(|keys| Ok(vec![true; keys.len()]));
        opens(&mut member, |_| Box::new(Silent));
        Arc::new(member)
    }));
    let entry = value(&driver).watch().get().await.unwrap();
    assert_eq!(entry.state, EntryState::NeverSeen);
}
