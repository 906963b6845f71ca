//! `layers`: what is merged, what a missing or bad layer does, and whom an error names.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use event_codec::{DecoderExt, Document, Json, Layer, Toml, Yaml, layers};
use event_core::{
    BoxWatcher, Entry, Error, ErrorKind, MemoryValue, MemoryWatcher, ReaderExt, Refresh,
    ValueReader, ValueWriter, Watcher, WatcherExt,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::errors::assert_no_secret;

/// A key that a test sets to one document after the other.
struct Key {
    name: &'static str,
    value: MemoryValue<Entry>,
}

impl Key {
    fn missing(name: &'static str) -> Self {
        Self { name, value: MemoryValue::new(Entry::never_seen(name)) }
    }

    fn new(name: &'static str, revision: i64, document: &'static str) -> Self {
        let key = Self::missing(name);
        key.set(revision, document);
        key
    }

    fn set(&self, revision: i64, document: &'static str) {
        self.value.set(Entry::present(self.name, revision, document));
    }

    fn delete(&self, revision: i64) {
        self.value.set(Entry::deleted(self.name, revision));
    }

    /// A layer of the same name, which must exist.
    fn layer(&self) -> Layer {
        Layer::new(self.name, self.value.reader(), Json::new())
    }

    fn optional(&self) -> Layer {
        Layer::new(self.name, self.value.reader(), Json::new().or_default())
    }
}

/// The next version, which is there.
fn next<T>(watcher: &mut impl Watcher<T>) -> Result<T, Error> {
    watcher.try_get().expect("there is a version")
}

/// The words of the next version, which is an error.
fn error<T: Debug>(watcher: &mut impl Watcher<T>) -> String {
    let error = next(watcher).unwrap_err();
    assert_no_secret(&error);
    error.to_string()
}

/// What the only version of these layers is.
fn once<T>(all: impl IntoIterator<Item = Layer>) -> Result<T, Error>
where
    T: DeserializeOwned + Clone + Send + 'static,
{
    next(&mut layers::<T>(all).watch())
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Config {
    db: Db,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Db {
    host: String,
    port: u16,
}

#[test]
fn a_later_layer_wins_and_leaves_the_rest() {
    let file = Key::new("file", 1, r#"{"db": {"host": "a", "port": 1}, "tags": ["x", "y"]}"#);
    let etcd = Key::new("etcd", 2, r#"{"db": {"host": "b"}, "tags": ["z"]}"#);
    let env = Layer::env_of("APP_", [("APP_DB__PORT", "3")]);
    let merged = once::<Value>([file.layer(), etcd.layer(), env]).unwrap();
    assert_eq!(merged, json!({"db": {"host": "b", "port": 3}, "tags": ["z"]}));
}

#[test]
fn a_null_removes_what_is_below_and_stays_in_the_lowest_layer() {
    let file = Key::new("file", 1, r#"{"a": 1, "b": null}"#);
    let etcd = Key::new("etcd", 2, r#"{"a": null, "c": {"d": null}}"#);
    assert_eq!(once::<Value>([file.layer(), etcd.layer()]).unwrap(), json!({"b": null, "c": {}}));
}

#[test]
fn each_layer_has_a_format_of_its_own() {
    let toml = MemoryValue::new(Entry::present("a", 1, "day = 2024-02-29\nports = [1]\nx = 1.5"));
    let yaml = MemoryValue::new(Entry::present("b", 1, "ports: [2, -3]\nnothing: ~\nyes: true"));
    let merged = once::<Value>([
        Layer::new("toml", toml.reader(), Toml::new()),
        Layer::new("yaml", yaml.reader(), Yaml::new()),
        Layer::new("own", toml.reader(), |_: &[u8]| Ok::<_, Error>(json!({"own": {}}).into())),
    ]);
    let expected = json!({"day": "2024-02-29", "ports": [2, -3], "x": 1.5, "yes": true, "own": {}});
    assert_eq!(merged.unwrap(), expected);
}

#[test]
fn a_number_that_json_does_not_have_is_an_error() {
    let toml = MemoryValue::new(Entry::present("a", 1, "x = [1.0, nan]"));
    let yaml = MemoryValue::new(Entry::present("b", 1, "x: -.inf"));
    let toml = once::<Value>([Layer::new("toml", toml.reader(), Toml::new())]).unwrap_err();
    let yaml = once::<Value>([Layer::new("yaml", yaml.reader(), Yaml::new())]).unwrap_err();
    assert_eq!(
        toml.to_string(),
        "key `a` at revision 1: layer `toml`: *[1]: invalid value: floating point, \
         expected a finite number at line 1 column 11",
    );
    assert!(yaml.to_string().contains("expected a finite number"), "{yaml}");
}

#[test]
fn the_first_version_waits_for_each_layer_that_must_exist() {
    let (file, etcd) = (Key::missing("file"), Key::missing("etcd"));
    let mut watcher = layers::<Value>([file.layer(), etcd.optional()]).watch();
    assert!(watcher.try_get().is_none());
    etcd.set(2, r#"{"b": 1}"#);
    assert!(watcher.try_get().is_none());
    file.set(3, r#"{"a": 1}"#);
    assert_eq!(next(&mut watcher).unwrap(), json!({"a": 1, "b": 1}));
    assert!(watcher.try_get().is_none());
}

#[test]
fn a_layer_that_may_be_missing_adds_nothing_while_it_is() {
    let (file, etcd) = (Key::new("file", 1, "8080"), Key::missing("etcd"));
    let mut watcher = layers::<u16>([file.layer(), etcd.optional()]).watch();
    assert_eq!(next(&mut watcher).unwrap(), 8080);
    etcd.set(2, "80");
    assert_eq!(next(&mut watcher).unwrap(), 80);
    etcd.delete(3);
    assert_eq!(next(&mut watcher).unwrap(), 8080);
    assert_eq!(once::<Value>([Key::missing("etcd").optional()]).unwrap(), json!({}));
    assert_eq!(once::<Value>([]).unwrap(), json!({}));
}

#[test]
fn a_layer_does_not_wait_for_its_backend_if_another_reader_stands_in() {
    let (file, remote) = (Key::new("file", 1, "1"), MemoryValue::<Entry>::empty());
    let missing = MemoryValue::new(Entry::never_seen("etcd"));
    let etcd = remote.reader().or_else(missing.reader());
    let etcd = Layer::new("etcd", etcd, Json::new().or_default());
    let mut watcher = layers::<u8>([file.layer(), etcd]).watch();
    assert_eq!(next(&mut watcher).unwrap(), 1);
    remote.set(Entry::present("etcd", 2, "2"));
    assert_eq!(next(&mut watcher).unwrap(), 2);
    remote.set(Entry::deleted("etcd", 3));
    assert_eq!(next(&mut watcher).unwrap(), 1);
}

#[test]
fn a_bad_layer_is_reported_once_and_its_last_good_document_stays_in_force() {
    let (file, etcd) = (Key::new("file", 1, r#"{"a": 1}"#), Key::new("etcd", 2, r#"{"b": 1}"#));
    let mut watcher = layers::<Value>([file.layer(), etcd.layer()]).watch();
    assert_eq!(next(&mut watcher).unwrap(), json!({"a": 1, "b": 1}));

    etcd.set(3, "hunter2");
    assert_eq!(
        error(&mut watcher),
        "key `etcd` at revision 3: layer `etcd`: expected a value at line 1 column 1",
    );
    assert!(watcher.try_get().is_none());
    file.set(4, r#"{"a": 2}"#);
    assert_eq!(next(&mut watcher).unwrap(), json!({"a": 2, "b": 1}));

    etcd.delete(5);
    let deleted = next(&mut watcher).unwrap_err();
    assert_eq!((deleted.kind(), deleted.revision()), (ErrorKind::Deleted, Some(5)));
    assert!(deleted.to_string().contains("layer `etcd`: the key was deleted"), "{deleted}");
    file.set(6, r#"{"a": 3}"#);
    assert_eq!(next(&mut watcher).unwrap(), json!({"a": 3, "b": 1}));
    etcd.set(7, r#"{"b": 2}"#);
    assert_eq!(next(&mut watcher).unwrap(), json!({"a": 3, "b": 2}));
    assert!(watcher.try_get().is_none());
}

#[test]
fn a_layer_that_was_never_good_is_an_error_and_no_value() {
    let (file, etcd) = (Key::new("file", 1, r#"{"a": 1}"#), Key::new("etcd", 2, "hunter2"));
    let mut watcher = layers::<Value>([file.layer(), etcd.optional()]).watch();
    assert!(error(&mut watcher).starts_with("key `etcd` at revision 2: layer `etcd`: "));
    file.set(3, r#"{"a": 2}"#);
    assert!(watcher.try_get().is_none());
    etcd.set(4, "{}");
    assert_eq!(next(&mut watcher).unwrap(), json!({"a": 2}));
}

#[test]
fn an_error_of_one_layer_comes_before_the_new_version_of_another() {
    let (file, etcd) = (Key::new("file", 1, r#"{"a": 1}"#), Key::new("etcd", 2, r#"{"b": 1}"#));
    let merged = layers::<Value>([file.layer(), etcd.layer()]);
    let mut watcher = merged.watch();
    next(&mut watcher).unwrap();
    file.set(3, "hunter2");
    etcd.set(4, r#"{"b": 2}"#);
    assert!(error(&mut watcher).contains("layer `file`"));
    assert_eq!(next(&mut watcher).unwrap(), json!({"a": 1, "b": 2}));
    assert!(watcher.try_get().is_none());
    assert_eq!(next(&mut merged.watch()).unwrap(), json!({"a": 1, "b": 2}));
}

#[test]
fn the_errors_of_two_layers_come_one_after_the_other() {
    let (file, etcd) = (Key::new("file", 1, "x"), Key::new("etcd", 2, "x"));
    let mut watcher = layers::<Value>([file.layer(), etcd.layer()]).watch();
    assert!(error(&mut watcher).contains("layer `file`"));
    assert!(error(&mut watcher).contains("layer `etcd`"));
    assert!(watcher.try_get().is_none());
}

#[test]
fn an_error_that_a_good_document_replaced_is_not_reported() {
    let file = Key::new("file", 1, "1");
    let mut watcher = layers::<u8>([file.layer()]).watch();
    next(&mut watcher).unwrap();
    file.set(2, "hunter2");
    file.set(3, "3");
    assert_eq!(next(&mut watcher).unwrap(), 3);
    assert!(watcher.try_get().is_none());
}

#[test]
fn an_error_that_waited_for_another_is_dropped_for_a_good_document() {
    let (file, etcd) = (Key::new("file", 1, "x"), Key::new("etcd", 2, "x"));
    let mut watcher = layers::<u8>([file.layer(), etcd.layer()]).watch();
    assert!(error(&mut watcher).contains("layer `file`"));
    etcd.set(3, "3");
    assert!(watcher.try_get().is_none());
    file.set(4, "4");
    assert_eq!(next(&mut watcher).unwrap(), 3);
}

#[test]
fn a_poll_ends_while_a_layer_has_ever_newer_documents() {
    /// Each poll has a newer version.
    struct Endless(Arc<AtomicUsize>);
    impl ValueReader<Entry> for Endless {
        type Watcher = Self;
        fn watch(&self) -> Self {
            Self(Arc::clone(&self.0))
        }
    }
    impl Watcher<Entry> for Endless {
        fn poll_get(&mut self, _: &mut Context<'_>) -> Poll<Result<Entry, Error>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Poll::Ready(Ok(Entry::present("endless", 1, "1")))
        }
    }
    let (polls, woken) = (Arc::default(), Arc::new(Woken::default()));
    let endless = Layer::new("endless", Endless(Arc::clone(&polls)), Json::new());
    let etcd = Key::missing("etcd");
    let mut watcher = layers::<u8>([endless, etcd.layer()]).watch();
    let waker = Waker::from(Arc::clone(&woken));
    assert!(watcher.poll_get(&mut Context::from_waker(&waker)).is_pending());
    assert!(woken.0.load(Ordering::Relaxed), "the poll stopped early");
    assert!(polls.load(Ordering::Relaxed) < 100);
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn whoever_is_woken_by_a_layer_finds_the_merged_version() {
    /// A task that looks at the merged version when the layer below wakes it.
    struct Task(Mutex<Vec<Option<u8>>>, Mutex<BoxWatcher<u8>>);
    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            let version = self.1.lock().unwrap().try_get();
            self.0.lock().unwrap().push(version.map(Result::unwrap));
        }
    }
    let key = Key::new("file", 1, "1");
    let merged = layers::<u8>([key.layer(), Key::missing("etcd").optional()]).boxed();
    let (mut before, mut after) = (key.value.watch(), key.value.watch());
    let tasks = [merged.watch(), merged.watch()]
        .map(|watcher| Arc::new(Task(Mutex::default(), Mutex::new(watcher))));
    let settle = |below: &mut MemoryWatcher<Entry>, task: &Arc<Task>| {
        let waker = Waker::from(Arc::clone(task));
        while below.poll_get(&mut Context::from_waker(&waker)).is_ready() {}
    };
    // One is woken before the merged value is, and one after it.
    settle(&mut before, &tasks[0]);
    for task in &tasks {
        let mut watcher = task.1.lock().unwrap();
        next(&mut *watcher).unwrap();
        assert!(watcher.try_get().is_none());
    }
    settle(&mut after, &tasks[1]);
    key.set(2, "2");
    for task in &tasks {
        assert_eq!(*task.0.lock().unwrap(), [Some(2)]);
    }
}

#[test]
fn changes_of_several_layers_before_a_poll_are_one_version() {
    let (file, etcd) = (Key::new("file", 1, r#"{"a": 1}"#), Key::new("etcd", 2, r#"{"b": 1}"#));
    let mut watcher = layers::<Value>([file.layer(), etcd.layer()]).watch();
    next(&mut watcher).unwrap();
    file.set(3, r#"{"a": 2}"#);
    etcd.set(4, r#"{"b": 2}"#);
    assert_eq!(next(&mut watcher).unwrap(), json!({"a": 2, "b": 2}));
    assert!(watcher.try_get().is_none());
}

#[test]
fn a_wrong_field_names_the_layer_that_it_comes_from() {
    let file = Key::new("file", 1, r#"{"db": {"host": "a", "port": 1}}"#);
    let etcd = Key::new("etcd", 2, r#"{"db": {"port": "hunter2"}}"#);
    let env = |name, value| Layer::env_of("APP_", [(name, value)]);
    let wrong = |layers: Vec<Layer>| {
        let error = once::<Config>(layers).unwrap_err();
        assert_no_secret(&error);
        assert_eq!(error.kind(), ErrorKind::Decode);
        error.to_string()
    };
    let words = "db.port: invalid type: string, expected u16";
    assert_eq!(
        wrong(vec![file.layer(), etcd.layer(), env("APP_DB__HOST", "b")]),
        format!("key `etcd` at revision 2: layer `etcd`: {words}"),
    );
    assert_eq!(
        wrong(vec![etcd.layer(), env("APP_DB__HOST", "b"), file.layer(), etcd.layer()]),
        format!("key `etcd` at revision 2: layer `etcd`: {words}"),
    );
    assert_eq!(
        wrong(vec![file.layer(), env("APP_DB__PORT", "hunter2")]),
        format!("key `APP_DB__PORT`: layer `environment`: {words}"),
    );
    assert_eq!(
        wrong(vec![file.layer(), env("APP_DB", "hunter2")]),
        "key `APP_DB`: layer `environment`: db: invalid type: string, expected struct Db",
    );
    assert_eq!(
        wrong(vec![file.layer(), env("APP_TAGS", r#"["a", 48151623]"#)]),
        "key `APP_TAGS`: layer `environment`: tags[1]: invalid type: integer, expected a string",
    );
}

#[test]
fn a_missing_field_names_the_layer_that_removed_it_or_those_that_could_have_it() {
    let file = Key::new("file", 1, r#"{"db": {"port": 1}}"#);
    let etcd = Key::new("etcd", 2, r#"{"db": {"host": null}}"#);
    let none = Key::new("none", 3, r#"{"tags": []}"#);
    let words = |layers: Vec<Layer>| once::<Config>(layers).unwrap_err().to_string();
    assert_eq!(
        words(vec![file.layer(), none.layer()]),
        "key `file` at revision 1: layer `file`: db: missing field `host`",
    );
    assert_eq!(
        words(vec![file.layer(), etcd.layer(), none.layer()]),
        "key `etcd` at revision 2: layer `etcd`: db: missing field `host`",
    );
    assert_eq!(
        words(vec![file.layer(), Layer::env_of("APP_", [("APP_DB__PORT", "2")])]),
        "layers `file`, `environment`: db: missing field `host`",
    );
    assert_eq!(
        words(vec![Layer::env_of("APP_", [("APP_DB__PORT", "2"), ("APP_DB__X", "2")])]),
        "layer `environment`: db: missing field `host`",
    );
    assert_eq!(words(vec![]), "missing field `db`");
}

#[test]
fn a_layer_below_one_that_replaced_the_object_is_not_named() {
    let file = Key::new("file", 1, r#"{"db": {"port": 1}}"#);
    let scalar = Key::new("scalar", 2, r#"{"db": 48151623}"#);
    let etcd = Key::new("etcd", 3, r#"{"db": {"host": "a"}}"#);
    assert_eq!(
        once::<Config>([file.layer(), scalar.layer(), etcd.layer()]).unwrap_err().to_string(),
        "key `etcd` at revision 3: layer `etcd`: db: missing field `port`",
    );
}

#[test]
fn the_names_of_a_map_find_the_layer_and_are_not_printed() {
    let file = Key::new("file", 1, r#"{"hunter2": {"1": true, "2": true}}"#);
    let etcd = Key::new("etcd", 2, r#"{"hunter2": {"2": 48151623}}"#);
    let error = once::<HashMap<String, BTreeMap<u8, bool>>>([file.layer(), etcd.layer()]);
    let error = error.unwrap_err();
    assert_no_secret(&error);
    assert_eq!(
        error.to_string(),
        "key `etcd` at revision 2: layer `etcd`: *.*: invalid type: integer, expected a boolean",
    );
}

#[test]
fn an_unknown_field_names_its_layer() {
    #[derive(Debug, Clone, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[allow(dead_code)]
        port: u16,
    }
    let file = Key::new("file", 1, r#"{"port": 1}"#);
    let env = Layer::env_of("APP_", [("APP_HUNTER2", "1"), ("APP_PORT", "2")]);
    assert_eq!(
        once::<Strict>([file.layer(), env]).unwrap_err().to_string(),
        "key `APP_HUNTER2`: layer `environment`: *: unknown field, expected `port`",
    );
}

#[test]
fn the_content_of_a_variant_names_its_layer() {
    #[derive(Debug, Clone, Deserialize)]
    enum Listen {
        Tcp {
            #[allow(dead_code)]
            port: u16,
        },
        Unix,
    }
    let _ = Listen::Unix;
    let file = Key::new("file", 1, r#"{"Tcp": {"port": 1}}"#);
    let etcd = Key::new("etcd", 2, r#"{"Tcp": {"port": 100000}}"#);
    assert_eq!(
        once::<Listen>([file.layer(), etcd.layer()]).unwrap_err().to_string(),
        "key `etcd` at revision 2: layer `etcd`: Tcp.port: number out of range, expected u16",
    );
    let etcd = Key::new("etcd", 2, r#""hunter2""#);
    assert_eq!(
        once::<Listen>([file.layer(), etcd.layer()]).unwrap_err().to_string(),
        "key `etcd` at revision 2: layer `etcd`: unknown variant, expected one of `Tcp`, `Unix`",
    );
}

#[test]
fn an_error_of_a_reader_names_the_layer() {
    let key = MemoryValue::<Entry>::empty();
    key.fail(Error::new(ErrorKind::PermissionDenied, "denied").with_source("the role"));
    let error = once::<u8>([Layer::new("etcd", key.reader(), Json::new())]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(format!("{error:#}"), "layer `etcd`: denied: the role");
}

#[test]
fn the_value_ends_with_all_layers_or_with_one_that_has_no_document() {
    let (file, etcd) = (Key::new("file", 1, "1"), Key::new("etcd", 2, "2"));
    let mut watcher =
        layers::<u8>([file.layer(), etcd.layer(), Layer::env_of("A_", [("", "")])]).watch();
    assert_eq!(next(&mut watcher).unwrap(), 2);
    drop(file);
    assert!(watcher.try_get().is_none());
    etcd.set(3, "3");
    drop(etcd);
    assert_eq!(next(&mut watcher).unwrap(), 3);
    assert!(next(&mut watcher).unwrap_err().is_closed());

    let (file, etcd) = (Key::new("file", 1, "1"), Key::new("etcd", 2, "x"));
    let mut watcher = layers::<u8>([file.layer(), etcd.layer()]).watch();
    drop(etcd);
    assert!(error(&mut watcher).contains("layer `etcd`"));
    assert!(next(&mut watcher).unwrap_err().is_closed());
}

#[test]
fn a_type_that_panics_is_an_error_of_one_version() {
    #[derive(Debug, Clone, PartialEq)]
    struct Touchy(u8);
    impl<'de> Deserialize<'de> for Touchy {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let number = u8::deserialize(deserializer)?;
            assert_ne!(number, 0, "the type panics");
            Ok(Self(number))
        }
    }
    let key = Key::new("file", 1, "0");
    let mut watcher = layers::<Touchy>([key.layer()]).watch();
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| watcher.try_get())).unwrap_err();
    assert_eq!(next(&mut watcher).unwrap_err().kind(), ErrorKind::Panicked);
    assert!(watcher.try_get().is_none());
    key.set(2, "1");
    assert_eq!(next(&mut watcher).unwrap(), Touchy(1));
}

#[test]
fn documents_are_merged_once_for_all_watchers() {
    static DESERIALIZED: AtomicUsize = AtomicUsize::new(0);
    #[derive(Debug, Clone)]
    struct Counted;
    impl<'de> Deserialize<'de> for Counted {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            DESERIALIZED.fetch_add(1, Ordering::Relaxed);
            serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
        }
    }
    let key = Key::new("file", 1, "1");
    let merged = layers::<Counted>([key.layer()]);
    let mut watchers = [merged.watch(), merged.clone().watch(), merged.watch()];
    for revision in [2, 3] {
        for watcher in &mut watchers {
            next(watcher).unwrap();
        }
        key.set(revision, "2");
    }
    assert_eq!(DESERIALIZED.load(Ordering::Relaxed), 2);
}

#[test]
fn a_refresh_asks_each_layer() {
    struct Asked(Arc<AtomicUsize>, MemoryValue<Entry>);
    impl ValueReader<Entry> for Asked {
        type Watcher = MemoryWatcher<Entry>;
        fn watch(&self) -> Self::Watcher {
            self.1.watch()
        }
        fn refresh(&self) -> Refresh {
            let asked = Arc::clone(&self.0);
            Refresh::new(async move {
                asked.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })
        }
    }
    let asked = Arc::new(AtomicUsize::new(0));
    let layer = || Layer::new("a", Asked(Arc::clone(&asked), MemoryValue::empty()), Json::new());
    let merged = layers::<Value>([layer(), Layer::env("NO_SUCH_APP_"), layer()]).boxed();
    futures_executor::block_on(merged.refresh()).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[test]
fn a_layer_does_not_keep_its_value_from_ending() {
    let key = MemoryValue::new(Entry::present("a", 1, "1"));
    let mut watcher = layers::<u8>([Layer::new("a", key.clone(), Json::new())]).watch();
    assert_eq!(next(&mut watcher).unwrap(), 1);
    drop(key);
    assert!(next(&mut watcher).unwrap_err().is_closed());
}

#[test]
fn a_current_keeps_the_last_good_version() {
    let key = Key::new("file", 1, "1");
    let current = layers::<u8>([key.layer()]).map(|n| n + 1).current();
    assert_eq!(*current.get().unwrap(), 2);
    key.set(2, "hunter2");
    assert_eq!(*current.get().unwrap(), 2);
    key.set(3, "3");
    assert_eq!(*current.get().unwrap(), 4);
}

mod environment {
    use super::*;

    fn document(variables: &[(&str, &str)]) -> Value {
        once::<Value>([Layer::env_of("APP_", variables.iter().copied())]).unwrap()
    }

    #[test]
    fn a_value_is_json_if_it_is_json_and_else_a_string() {
        let variables = [
            ("APP_A", "8080"),
            ("APP_B", "true"),
            ("APP_D", "[1, \"x\"]"),
            ("APP_E", "{\"f\": null}"),
            ("APP_G", "localhost:80"),
            ("APP_H", "\"12345\""),
            ("APP_I", ""),
            ("APP_J", "007"),
            ("OTHER", "1"),
            ("APP_", "1"),
            ("app_k", "1"),
        ];
        let expected = json!({
            "a": 8080, "b": true, "d": [1, "x"], "e": {}, "g": "localhost:80", "h": "12345",
            "i": "", "j": "007",
        });
        assert_eq!(document(&variables), expected);
    }

    #[test]
    fn a_null_removes_a_member_whichever_variable_is_the_first() {
        assert_eq!(
            document(&[("APP_A", "null"), ("APP_B", "null"), ("APP_C", "1")]),
            json!({"c": 1})
        );
    }

    #[test]
    fn two_underscores_separate_names_and_the_longer_name_wins() {
        let variables = [
            ("APP_DB__HOST_NAME", "a"),
            ("APP_DB", "{\"port\": 1, \"host_name\": \"b\"}"),
            ("APP_DB__PORT", "null"),
        ];
        assert_eq!(document(&variables), json!({"db": {"host_name": "a"}}));
    }

    #[test]
    fn a_name_has_a_bounded_depth() {
        let name = format!("APP_{}", "A__".repeat(100_000));
        let mut document = &document(&[(&name, "1")]);
        let mut depth = 0;
        while let Some(members) = document.as_object() {
            document = members.values().next().unwrap();
            depth += 1;
        }
        assert_eq!((depth, document), (64, &json!(1)));
    }

    #[test]
    fn the_environment_of_the_process_is_read_once() {
        #[derive(Clone, Deserialize)]
        struct Package {
            name: String,
        }
        let mut watcher = layers::<Package>([Layer::env("CARGO_PKG_")]).watch();
        assert_eq!(next(&mut watcher).unwrap().name, "event-codec");
        assert!(next(&mut watcher).err().unwrap().is_closed());
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_unicode_is_an_error_with_its_name() {
        use std::ffi::OsString;
        use std::os::unix::ffi::OsStringExt;

        let bytes = || OsString::from_vec(b"hunter2\xff".to_vec());
        let name = OsString::from("APP_PASSWORD");
        let error = once::<Value>([Layer::env_of("APP_", [(name, bytes())])]).unwrap_err();
        assert_no_secret(&error);
        assert_eq!(
            error.to_string(),
            "key `APP_PASSWORD`: layer `environment`: the variable is not Unicode",
        );
        assert_eq!(
            once::<Value>([Layer::env_of("APP_", [(bytes(), bytes())])]).unwrap(),
            json!({})
        );
    }
}

#[test]
fn no_debug_prints_a_document() {
    let key = Key::new("file", 1, r#"{"hunter2": "hunter2"}"#);
    let env = Layer::env_of("APP_", [("APP_HUNTER", "hunter2")]);
    let document = Document::from(json!("hunter2"));
    let merged = layers::<Value>([key.layer(), env.clone()]);
    let mut watcher = merged.watch();
    next(&mut watcher).unwrap();
    let text = format!("{document:?} {env:?} {merged:?} {watcher:?}");
    assert!(!text.contains("hunter2") && text.contains("file"), "{text}");
}

#[test]
fn all_can_be_sent_and_shared() {
    fn is_thread_safe<T: Send + Sync + Unpin + Debug + Clone + 'static>() {}
    fn is_send<T: Send + Unpin + Debug + 'static>() {}
    is_thread_safe::<Document>();
    is_thread_safe::<Layer>();
    is_thread_safe::<event_core::adapters::Shared<event_codec::Layers<u8>, u8>>();
    is_send::<event_codec::LayersWatcher<std::cell::Cell<u8>>>();
}
