//! All keys on one stream, by hand: the fastest way that we know.
//!
//! It has no bound, takes no care of a compaction, and does not notice a connection that is silent.

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use etcd_client::{Client, Error, WatchOptions, WatchRequestSender, WatchResponseStream};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::board::Board;
use crate::contenders::{PAUSE, READS, read};
use crate::keys;

/// The newest value of each key, which a program would look at.
type Values = Arc<Mutex<Vec<Vec<u8>>>>;

pub(super) async fn follow(endpoint: String, keys: usize, board: Arc<Board>) {
    let values = Arc::new(Mutex::new(vec![Vec::new(); keys]));
    loop {
        let _ = connection(&endpoint, keys, &board, &values).await;
        sleep(PAUSE).await;
    }
}

/// Reads all keys and watches them, until the connection ends.
async fn connection(
    endpoint: &str,
    keys: usize,
    board: &Arc<Board>,
    values: &Values,
) -> Result<(), Error> {
    let mut client = Client::connect([endpoint], None).await?;
    let (start, value) = read(&client, 0, board).await?;
    keep(values, 0, value);
    let stream = client.watch(keys::name(0), Some(options(0, start))).await?;
    let (requests, responses) = stream.split();
    // On a task of its own: the stream has to be read while watches are asked for.
    let mut events = JoinSet::new();
    events.spawn(take_events(responses, Arc::clone(board), Arc::clone(values)));
    tokio::select! {
        Err(error) = read_and_watch(client, keys, requests, board, values) => Err(error),
        Some(ended) = events.join_next() => ended.unwrap_or(Ok(())),
    }
}

async fn read_and_watch(
    client: Client,
    keys: usize,
    mut requests: WatchRequestSender,
    board: &Board,
    values: &Values,
) -> Result<(), Error> {
    let reads = (1..keys).map(|key| {
        let client = &client;
        async move { read(client, key, board).await.map(|(start, value)| (key, start, value)) }
    });
    let mut reads = stream::iter(reads).buffer_unordered(READS);
    while let Some((key, start, value)) = reads.try_next().await? {
        keep(values, key, value);
        requests.watch(keys::name(key), Some(options(key, start))).await?;
    }
    // The stream ends with its sender.
    pending().await
}

async fn take_events(
    mut responses: WatchResponseStream,
    board: Arc<Board>,
    values: Values,
) -> Result<(), Error> {
    while let Some(response) = responses.message().await? {
        let Ok(key) = usize::try_from(response.watch_id() - 1) else { continue };
        for kv in response.events().iter().filter_map(etcd_client::Event::kv) {
            board.take(key, kv.value());
            keep(&values, key, kv.value().to_vec());
        }
    }
    Ok(())
}

fn options(key: usize, start: i64) -> WatchOptions {
    let id = i64::try_from(key).expect("a key's number") + 1;
    WatchOptions::new().with_watch_id(id).with_start_revision(start)
}

fn keep(values: &Values, key: usize, value: Vec<u8>) {
    values.lock().unwrap_or_else(PoisonError::into_inner)[key] = value;
}
