//! A program can import everything of both crates: no two names collide.

use event_codec::*;
use event_core::adapters::*;
use event_core::*;

/// Uses each name of event-codec as a type.
type _Names = (
    Raw,
    Utf8,
    Json<u8>,
    Protobuf<u32>,
    Parse<u8>,
    Toml<u8>,
    Yaml<u8>,
    Optional<Utf8>,
    Or<Utf8>,
    OrDefault<Utf8>,
    Validate<Utf8, ()>,
    TryMap<Utf8, ()>,
    event_codec::Map<Utf8, ()>,
    Map<Utf8, ()>,
);

/// Uses names of event-core that a decoder of that name could hide.
type _CoreNames = (
    Bytes,
    Entry,
    EntryState,
    Error,
    ErrorKind,
    Versioned<u8>,
    MemoryValue<u8>,
    MemoryReader<u8>,
    MemoryWatcher<u8>,
    BoxReader<u8>,
    BoxWatcher<u8>,
    KeyName<'static>,
    Epoch,
    Refresh,
    Health,
    HealthState,
    Cause,
    CauseKind,
    Mapped<MemoryValue<u8>, u8, ()>,
    Shared<MemoryValue<u8>, u8>,
);

/// Uses each trait, and `map` of a reader next to `map` of a decoder.
fn lengths<R: ValueReader<Entry>>(reader: R) -> impl ValueReader<usize> {
    reader.decode(Utf8.map(|text| text.len())).map(|length| length + 1)
}

fn is_value<V: Value<Entry>>(_: &V) {}

fn absent<D: DecoderExt>(decoder: &D) -> Option<D::Output> {
    decoder.absent()
}

#[test]
fn both_crates_can_be_imported_whole() {
    let key = MemoryValue::new(Entry::never_seen("k"));
    is_value(&key);
    let mut watcher = WatcherExt::map(lengths(key.reader()).watch(), |length| length + 1);
    key.set(Entry::present("k", 1, "abc"));
    assert_eq!(watcher.try_get().unwrap().unwrap(), 5);
    assert_eq!(watcher.map(Some).try_get().map(|length| length.is_ok()), None);
    assert_eq!(absent(&Utf8.or_default()), Some(String::new()));

    let decoders = (
        Raw.validate(|_| Ok::<_, Error>(())).or(Bytes::new()),
        Json::<u8>::new().optional(),
        Protobuf::<u32>::new().or_default(),
    );
    assert_eq!(decoders.0.absent(), Some(Bytes::new()));
    assert_eq!(decoders.1.decode(&Bytes::from("1")).unwrap(), Some(1));
    assert_eq!(decoders.2.absent(), Some(0));
}
