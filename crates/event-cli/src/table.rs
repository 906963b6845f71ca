//! The live table.

mod model;
mod screen;
mod text;
mod view;

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use event_codec::DecoderExt;
use event_core::{
    BoxStore, Bytes, Change, Error, Health, KeyRange, MapReader, MapReaderExt, MapWatcherExt,
    ReaderExt, Store, StoreExt, ValueReader, Versioned, WatcherExt,
};
use futures_util::stream::{BoxStream, StreamExt, select_all};
use tokio::time::sleep_until;

use crate::document::{Document, Format};
use crate::exit::Failure;
use model::Model;
use screen::{Input, Screen};

/// The shortest time between two drawings: a fast writer must not keep the terminal busy.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest time between two drawings: the ages grow.
const IDLE: Duration = Duration::from_secs(1);

/// What the table hears of the store.
enum Update {
    Health(Health),
    KeyHealth(usize, Health),
    Version(usize, Result<Versioned<Option<Document>>, Error>),
    MapHealth(usize, Health),
    Change(usize, Change<Bytes, Versioned<Document>>),
}

/// Shows the table until the user ends it, or the store does.
pub(crate) async fn show(
    store: &BoxStore,
    (keys, ranges): (&[&[u8]], &[KeyRange]),
    format: Format,
    with_values: bool,
    end: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let mut updates = updates(store, (keys, ranges), format);
    let mut model = Model::new(keys, ranges);
    let mut screen = Screen::enter()?;
    let mut end = pin!(end);
    let mut drawn: Option<Instant> = None;
    let mut is_new = false;
    loop {
        let now = Instant::now();
        let due = drawn.map_or(now, |drawn| drawn + if is_new { PAUSE } else { IDLE });
        if due <= now {
            model.forget_deleted(now);
            let lines = view::lines(&model, screen.size(), with_values, now);
            if screen.draw(&lines).is_err() {
                return Ok(()); // The terminal is gone.
            }
            (drawn, is_new) = (Some(now), false);
            continue;
        }
        tokio::select! {
            update = updates.next() => match update {
                Some(update) => {
                    model.apply(update, Instant::now());
                    is_new = true;
                }
                None => return Ok(()),
            },
            () = sleep_until(due.into()) => {}
            input = screen.input() => match input {
                Input::Resized => drawn = None,
                Input::Left => return Ok(()),
            },
            () = &mut end => return Ok(()),
        }
    }
}

fn updates(
    store: &BoxStore,
    (keys, ranges): (&[&[u8]], &[KeyRange]),
    format: Format,
) -> impl StreamExt<Item = Update> + Unpin {
    let mut streams: Vec<BoxStream<'static, Update>> = Vec::new();
    let health = store.health().watch().into_stream();
    streams.push(health.filter_map(async |health| health.ok().map(Update::Health)).boxed());
    for (index, key) in keys.iter().enumerate() {
        let versions = store.value(key).decode_versioned(format.optional()).watch().into_stream();
        streams.push(versions.map(move |version| Update::Version(index, version)).boxed());
        let health = store.health_of(key).watch().into_stream();
        let of_key = move |health| std::future::ready(Some(Update::KeyHealth(index, health)));
        streams.push(health.filter_map(async |health| health.ok()).filter_map(of_key).boxed());
    }
    for (index, range) in ranges.iter().enumerate() {
        let changes = store.range(range.clone()).decode_versioned(format).watch().into_stream();
        streams.push(changes.map(move |change| Update::Change(index, change)).boxed());
        let health = store.range_health(range.clone()).watch().into_stream();
        let of_map = move |health| std::future::ready(Some(Update::MapHealth(index, health)));
        streams.push(health.filter_map(async |health| health.ok()).filter_map(of_map).boxed());
    }
    select_all(streams)
}
