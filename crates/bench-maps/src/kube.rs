//! kube-runtime's store, as a program with its reflector fills it.

use std::borrow::Cow;

use event_core::Bytes;
use kube_runtime::reflector::Lookup;
use kube_runtime::reflector::store::Writer;
use kube_runtime::watcher::Event;

use crate::content::Content;

/// An object that has a name and bytes, and nothing else of what Kubernetes would have.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    name: String,
    _value: Bytes,
}

impl Lookup for Object {
    type DynamicType = ();

    fn kind((): &()) -> Cow<'_, str> {
        "Object".into()
    }

    fn group((): &()) -> Cow<'_, str> {
        "bench".into()
    }

    fn version((): &()) -> Cow<'_, str> {
        "v1".into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        "objects".into()
    }

    fn name(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(&self.name))
    }

    fn namespace(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn resource_version(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn uid(&self) -> Option<Cow<'_, str>> {
        None
    }
}

/// A put of each entry, as the watcher gives it.
pub(crate) fn events(content: &Content) -> Vec<Event<Object>> {
    let event = |(key, value): &(Bytes, Bytes)| {
        let name = String::from_utf8_lossy(key).into_owned();
        Event::Apply(Object { name, _value: value.clone() })
    };
    content.entries.iter().map(event).collect()
}

/// A store that has had the events.
pub(crate) fn store(events: &[Event<Object>]) -> Writer<Object> {
    let mut writer = Writer::new(());
    for event in events {
        writer.apply_watcher_event(event);
    }
    writer
}
