//! All keys on one stream, by hand: the fastest way that we know.
//!
//! It has no bound, takes no care of a compaction, and does not notice a connection that is silent.

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use etcd_client::{Client, Error, WatchOptions, WatchRequestSender, WatchResponseStream};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::board::Board;
use crate::contenders::{Following, PAUSE, READS, read};
use crate::keys;

/// Who is given the values.
trait Values: Send + Sync + 'static {
    fn give(&self, key: usize, value: Vec<u8>);
}

/// Keeps the newest value of each key, which a program would look at.
struct Kept {
    board: Arc<Board>,
    values: Mutex<Vec<Vec<u8>>>,
}

impl Values for Kept {
    fn give(&self, key: usize, value: Vec<u8>) {
        self.board.take(key, &value);
        self.values.lock().unwrap_or_else(PoisonError::into_inner)[key] = value;
    }
}

/// Sends each value to its key's task.
struct Sent(Vec<watch::Sender<Vec<u8>>>);

impl Values for Sent {
    fn give(&self, key: usize, value: Vec<u8>) {
        self.0[key].send_replace(value);
    }
}

pub(super) fn follow(endpoint: String, keys: usize, board: Arc<Board>, tasks: &mut Following) {
    let values = Mutex::new(vec![Vec::new(); keys]);
    tasks.spawn(give(endpoint, keys, Arc::new(Kept { board, values })));
}

pub(super) fn follow_in_tasks(
    endpoint: String,
    keys: usize,
    board: &Arc<Board>,
    tasks: &mut Following,
) {
    let (senders, receivers): (_, Vec<_>) = (0..keys).map(|_| watch::channel(Vec::new())).unzip();
    for (key, mut receiver) in receivers.into_iter().enumerate() {
        let board = Arc::clone(board);
        tasks.spawn(async move {
            while receiver.changed().await.is_ok() {
                let value = receiver.borrow_and_update().clone();
                board.take(key, &value);
            }
        });
    }
    tasks.spawn(give(endpoint, keys, Arc::new(Sent(senders))));
}

async fn give(endpoint: String, keys: usize, values: Arc<impl Values>) {
    loop {
        let _ = connection(&endpoint, keys, &values).await;
        sleep(PAUSE).await;
    }
}

/// Reads all keys and watches them, until the connection ends.
async fn connection(endpoint: &str, keys: usize, values: &Arc<impl Values>) -> Result<(), Error> {
    let mut client = Client::connect([endpoint], None).await?;
    let (start, value) = read(&client, 0).await?;
    values.give(0, value);
    let stream = client.watch(keys::name(0), Some(options(0, start))).await?;
    let (requests, responses) = stream.split();
    // On a task of its own: the stream has to be read while watches are asked for.
    let mut events = JoinSet::new();
    events.spawn(take_events(responses, Arc::clone(values)));
    tokio::select! {
        Err(error) = read_and_watch(client, keys, requests, values) => Err(error),
        Some(ended) = events.join_next() => ended.unwrap_or(Ok(())),
    }
}

async fn read_and_watch(
    client: Client,
    keys: usize,
    mut requests: WatchRequestSender,
    values: &Arc<impl Values>,
) -> Result<(), Error> {
    let reads = (1..keys).map(|key| {
        let client = &client;
        async move { read(client, key).await.map(|(start, value)| (key, start, value)) }
    });
    let mut reads = stream::iter(reads).buffer_unordered(READS);
    while let Some((key, start, value)) = reads.try_next().await? {
        values.give(key, value);
        requests.watch(keys::name(key), Some(options(key, start))).await?;
    }
    // The stream ends with its sender.
    pending().await
}

async fn take_events(
    mut responses: WatchResponseStream,
    values: Arc<impl Values>,
) -> Result<(), Error> {
    while let Some(response) = responses.message().await? {
        let Ok(key) = usize::try_from(response.watch_id() - 1) else { continue };
        for kv in response.events().iter().filter_map(etcd_client::Event::kv) {
            values.give(key, kv.value().to_vec());
        }
    }
    Ok(())
}

fn options(key: usize, start: i64) -> WatchOptions {
    let id = i64::try_from(key).expect("a key's number") + 1;
    WatchOptions::new().with_watch_id(id).with_start_revision(start)
}
