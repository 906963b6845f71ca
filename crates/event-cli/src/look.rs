//! One look at a key.

use std::pin::pin;

use event_core::{CauseKind, Entry, Health, StoreExt, ValueReader, WatcherExt};
use tokio::time::sleep;

use crate::arguments::LookArguments;
use crate::exit::Failure;
use crate::lines::key_text;
use crate::open;

/// The entry of a key that exists.
pub(crate) async fn look(arguments: &LookArguments) -> Result<Entry, Failure> {
    let store = open(&arguments.url).await?;
    let key = arguments.key.as_encoded_bytes();
    let mut watcher = store.value(key).watch();
    let mut health = store.health_of(key).watch();
    let mut newest: Option<Health> = None;
    let mut late = pin!(sleep(arguments.timeout));
    loop {
        tokio::select! {
            biased;
            entry = watcher.get() => {
                let entry = entry?;
                return match entry.value() {
                    Some(_) => Ok(entry),
                    None => Err(Failure::no(format!("the key `{}` does not exist", key_text(&entry.key)))),
                };
            }
            Ok(health) = health.get() => {
                if let Some(cause) = health.cause.as_ref().filter(|cause| is_final(cause.kind())) {
                    return Err(Failure::to_read(cause.kind().error_kind(), cause.to_string()));
                }
                newest = Some(health);
            }
            () = &mut late => {
                let cause = newest.and_then(|health| health.cause);
                let cause = cause.map_or("the store is still connecting".to_owned(), |cause| cause.to_string());
                return Err(Failure::unknown(format!("not read within {:?}: {cause}", arguments.timeout)));
            }
        }
    }
}

/// Whether waiting does not help.
fn is_final(cause: CauseKind) -> bool {
    matches!(
        cause,
        CauseKind::Unauthenticated
            | CauseKind::PermissionDenied
            | CauseKind::InvalidArgument
            | CauseKind::TooLarge
    )
}
