//! What handles write, and what the publisher takes.

use super::health::Part;
use super::mailbox::{Change, Mailbox};
use crate::{Bytes, Cause, CauseKind, ErrorKind, ValueReader, WatcherExt};

fn mailbox() -> Mailbox {
    Mailbox::new(Box::new(|name| match name {
        b"" => Err("the key's name is empty".to_owned()),
        _ => Ok(()),
    }))
}

fn take(mailbox: &Mailbox) -> Option<Change> {
    Some(mailbox.take()).filter(|change| !change.is_empty())
}

#[test]
fn what_came_and_went_before_the_publisher_took_it_leaves_nothing() {
    let mailbox = mailbox();
    for _ in 0..1000 {
        let (id, _) = mailbox.subscribe(&"key".into());
        mailbox.unsubscribe(id.unwrap());
    }
    assert!(take(&mailbox).is_none());
}

#[test]
fn the_watchers_of_a_key_share_one_subscription() {
    let mailbox = mailbox();
    let (first, _) = mailbox.subscribe(&"key".into());
    let (second, _) = mailbox.subscribe(&"key".into());
    assert_eq!(first, second);
    assert_eq!(take(&mailbox).unwrap().subscribed.len(), 1);
    mailbox.unsubscribe(first.unwrap());
    assert!(take(&mailbox).is_none());
    mailbox.unsubscribe(first.unwrap());
    assert_eq!(take(&mailbox).unwrap().unsubscribed, [first.unwrap()]);
}

#[test]
fn a_key_may_take_the_slot_of_one_that_leaves_in_the_same_change() {
    let mailbox = mailbox();
    let (old, _) = mailbox.subscribe(&"old".into());
    take(&mailbox).unwrap();
    mailbox.unsubscribe(old.unwrap());
    let (new, _) = mailbox.subscribe(&"new".into());
    assert_eq!(new.unwrap().slot, old.unwrap().slot);
    let change = take(&mailbox).unwrap();
    assert_eq!(change.unsubscribed, [old.unwrap()]);
    assert_eq!(change.subscribed[&new.unwrap()].0, "new");
}

#[test]
fn after_the_end_every_value_is_closed() {
    let mailbox = mailbox();
    let (id, before) = mailbox.subscribe(&"key".into());
    mailbox.close();
    let (none, after) = mailbox.subscribe(&"key".into());
    assert_eq!(none, None);
    for cell in [before, after] {
        let closed = cell.watch().try_get().unwrap().unwrap_err();
        assert!(closed.is_closed());
    }
    assert!(futures_executor::block_on(mailbox.refresh(id).done()).unwrap_err().is_closed());
    mailbox.unsubscribe(id.unwrap());
    assert!(take(&mailbox).is_none());
}

#[test]
fn why_a_key_cant_be_read_is_known_while_it_has_a_watcher_and_a_connection() {
    let mailbox = mailbox();
    let denied = Cause::new(CauseKind::PermissionDenied, "denied");
    let refusal = |name: &'static str| mailbox.watched(&Part::Key(name.into()))?.1;
    let mut changes = mailbox.watch_keys();
    let (id, _) = mailbox.subscribe(&"key".into());
    let (other, _) = mailbox.subscribe(&"other".into());
    assert!(changes.try_get().is_some());
    mailbox.set_refusal(id.unwrap(), Some(denied.clone()));
    mailbox.set_refusal(other.unwrap(), Some(denied.clone()));
    assert!(changes.try_get().is_some());
    assert_eq!(refusal("key").unwrap().key(), Some(&b"key"[..]));
    mailbox.set_refusal(other.unwrap(), None);
    assert!(changes.try_get().is_some() && refusal("other").is_none());

    mailbox.unsubscribe(id.unwrap());
    assert!(changes.try_get().is_some());
    mailbox.set_refusal(id.unwrap(), Some(denied.clone())); // the publisher does not know yet
    assert!(mailbox.refusal(|_, _| true).is_none(), "nothing is left of it");
    let (again, _) = mailbox.subscribe(&"key".into());
    assert!(refusal("key").is_none());
    mailbox.set_refusal(again.unwrap(), Some(denied.clone()));
    mailbox.clear_refusals();
    assert!(refusal("key").is_none());
}

#[test]
fn a_watcher_of_a_key_that_cant_be_gets_an_error_and_costs_the_publisher_nothing() {
    let mailbox = mailbox();
    let (id, cell) = mailbox.subscribe(&Bytes::new());
    let mut watcher = cell.watch();
    let error = watcher.try_get().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(take(&mailbox).is_none() && watcher.try_get().is_none());
    mailbox.unsubscribe(id.unwrap());
    assert!(take(&mailbox).is_none());
    let (_, cell) = mailbox.subscribe(&Bytes::new());
    let mut watcher = cell.watch();
    assert!(watcher.try_get().unwrap().is_err() && watcher.try_get().is_none());
    mailbox.close();
    assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
}
