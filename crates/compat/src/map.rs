//! The check of a map: a range of several pages, and every kind of change.

use std::time::{Duration, Instant};

use event_core::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    checks::{CHANGE, MANY, RESTARTED, WRITES, connect, write},
    followed_map::{Contents, FollowedMap},
    row::Cell,
    set_up::Running,
    writer::Writer,
};

const FOLDER: &str = "/compat/map/";
/// So many keys are deleted at once.
const LEAVE: usize = 2000;

/// Loads a range, changes it, and takes its connection away. The map has to be what the server holds each time.
pub(crate) async fn map(running: &Running, keys: usize) -> Cell {
    match check(running, keys).await {
        Ok(loaded) => Cell::took(loaded),
        Err(why) => Cell::Failed(why),
    }
}

async fn check(running: &Running, keys: usize) -> Result<Duration, String> {
    let writer = running.writer().await;
    let leave = (0..LEAVE).map(|key| format!("{FOLDER}leave/{key}"));
    let stay = (0..keys.saturating_sub(LEAVE)).map(|key| format!("{FOLDER}stay/{key}"));
    put_all(&writer, leave.chain(stay)).await?;

    let (store, started) = (connect(running).await, Instant::now());
    let map = FollowedMap::start(&store, FOLDER);
    let changes = changes(running, &writer, &map, started).await;
    store.close();
    changes
}

async fn changes(
    running: &Running,
    writer: &Writer,
    map: &FollowedMap,
    started: Instant,
) -> Result<Duration, String> {
    is_mirrored(writer, map, "the first read", MANY).await?;
    let loaded = started.elapsed();

    write(writer, &format!("{FOLDER}stay/0"), "second").await?;
    is_mirrored(writer, map, "a put", CHANGE).await?;
    writer.delete(&format!("{FOLDER}stay/1")).await.map_err(said)?;
    is_mirrored(writer, map, "a delete", CHANGE).await?;

    map.take_sizes();
    let pair = [format!("{FOLDER}pair/a"), format!("{FOLDER}pair/b")];
    let is_whole = writer.put_both(&pair, "1").await.map_err(said)?;
    is_mirrored(writer, map, "a transaction of two keys", CHANGE).await?;
    is_one_step(map, is_whole, "a transaction of two keys")?;

    let is_whole = writer.delete_all(&format!("{FOLDER}leave/"), WRITES).await.map_err(said)?;
    is_mirrored(writer, map, "many deletes", MANY).await?;
    is_one_step(map, is_whole, "many deletes")?;

    running.reset_connections().await;
    writer.delete(&pair[0]).await.map_err(said)?;
    write(writer, &pair[1], "2").await?;
    is_mirrored(writer, map, "a lost connection", RESTARTED).await?;
    Ok(loaded)
}

async fn put_all(writer: &Writer, keys: impl Iterator<Item = String>) -> Result<(), String> {
    let written = stream::iter(keys)
        .map(|key| async move { write(writer, &key, "first").await })
        .buffer_unordered(WRITES);
    written.try_collect::<Vec<()>>().await.map_err(|why| format!("not written: {why}")).map(drop)
}

/// Reads the range past the proxy, and waits until the map is the same.
async fn is_mirrored(
    writer: &Writer,
    map: &FollowedMap,
    after: &str,
    within: Duration,
) -> Result<(), String> {
    let held = writer.range(FOLDER).await.map_err(said)?;
    let entry = |kv: &etcd_client::KeyValue| {
        let key = Bytes::copy_from_slice(&kv.key()[FOLDER.len()..]);
        (key, (kv.mod_revision(), Bytes::copy_from_slice(kv.value())))
    };
    let held: Contents = held.iter().map(entry).collect();
    map.becomes(&held, within).await.map_err(|why| format!("after {after}: {why}"))
}

/// What was written at once has to come at once.
fn is_one_step(map: &FollowedMap, is_whole: bool, what: &str) -> Result<(), String> {
    let sizes = map.take_sizes();
    if is_whole && sizes.len() != 1 {
        return Err(format!("{what} came in {} steps: {sizes:?} keys", sizes.len()));
    }
    Ok(())
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn said(error: etcd_client::Error) -> String {
    format!("not answered: {error}")
}
