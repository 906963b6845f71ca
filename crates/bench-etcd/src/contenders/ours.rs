//! A store.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use event_core::{Entry, ValueReader, Watcher, WatcherExt};
use event_etcd::{EtcdStore, Options, UpstreamWatcher};

use crate::board::Board;
use crate::contenders::Following;
use crate::keys;

pub(super) async fn follow(endpoint: &str, keys: usize, board: &Arc<Board>, tasks: &mut Following) {
    let store = connect(endpoint).await;
    for key in 0..keys {
        let (mut watcher, board) = (store.value(keys::name(key)).watch(), Arc::clone(board));
        tasks.spawn(async move {
            loop {
                match watcher.get().await {
                    Ok(entry) => report(&board, key, &entry),
                    Err(error) if error.is_closed() => return,
                    Err(_) => {} // the next good version arrives
                }
            }
        });
    }
}

/// Polls all watchers whenever one of them has something: for where nothing is written.
pub(super) async fn follow_in_one_task(
    endpoint: &str,
    keys: usize,
    board: Arc<Board>,
    tasks: &mut Following,
) {
    let store = connect(endpoint).await;
    let mut watchers: Vec<UpstreamWatcher> =
        (0..keys).map(|key| store.value(keys::name(key)).watch()).collect();
    tasks.spawn(async move {
        for (key, watcher) in watchers.iter_mut().enumerate() {
            if let Ok(entry) = watcher.get().await {
                report(&board, key, &entry);
            }
        }
        poll_fn(|cx| {
            for (key, watcher) in watchers.iter_mut().enumerate() {
                while let Poll::Ready(version) = watcher.poll_get(cx) {
                    match version {
                        Ok(entry) => report(&board, key, &entry),
                        Err(error) if error.is_closed() => return Poll::Ready(()),
                        Err(_) => {} // the next good version arrives
                    }
                }
            }
            Poll::Pending
        })
        .await;
    });
}

async fn connect(endpoint: &str) -> EtcdStore {
    EtcdStore::connect([endpoint], Options::new()).await.expect("the endpoint is well formed")
}

fn report(board: &Board, key: usize, entry: &Entry) {
    if let Some(value) = entry.value() {
        board.take(key, value);
    }
}
