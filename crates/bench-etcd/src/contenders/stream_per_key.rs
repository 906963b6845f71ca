//! A stream for each key, by hand: as most write it.

use std::future::pending;
use std::sync::Arc;

use etcd_client::{Client, Error, WatchOptions, WatchStream};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::board::Board;
use crate::contenders::{PAUSE, READS, read};
use crate::keys;

pub(super) async fn follow(endpoint: String, keys: usize, board: Arc<Board>) {
    loop {
        let _ = connection(&endpoint, keys, &board).await;
        sleep(PAUSE).await;
    }
}

/// Follows all keys, until the first of them fails: then the connection is gone.
async fn connection(endpoint: &str, keys: usize, board: &Arc<Board>) -> Result<(), Error> {
    let client = Client::connect([endpoint], None).await?;
    let (ended, mut first_ended) = tokio::sync::mpsc::channel(1);
    let mut tasks = JoinSet::new();
    let open = async {
        let opened = (0..keys).map(|key| {
            let mut client = client.clone();
            async move {
                let (start, value) = read(&client, key).await?;
                board.take(key, &value);
                let options = WatchOptions::new().with_start_revision(start);
                let stream = client.watch(keys::name(key), Some(options)).await?;
                Ok::<_, Error>((key, value, stream))
            }
        });
        let mut opened = stream::iter(opened).buffer_unordered(READS);
        while let Some((key, value, stream)) = opened.try_next().await? {
            let (board, ended) = (Arc::clone(board), ended.clone());
            tasks.spawn(async move {
                let end = take_events(key, value, stream, &board).await;
                let _ = ended.send(end).await; // one of them is enough
            });
        }
        pending().await
    };
    tokio::select! {
        error = open => error,
        Some(end) = first_ended.recv() => end,
    }
}

async fn take_events(
    key: usize,
    mut value: Vec<u8>,
    mut stream: WatchStream,
    board: &Board,
) -> Result<(), Error> {
    while let Some(response) = stream.message().await? {
        for kv in response.events().iter().filter_map(etcd_client::Event::kv) {
            board.take(key, kv.value());
            kv.value().clone_into(&mut value);
        }
    }
    Ok(())
}
