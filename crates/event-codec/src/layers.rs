//! `layers`: one typed value from the documents of several readers.
//!
//! Why a watcher of its own, and not a chain of `zip`s? An error of one side of a `zip` takes the side's value
//! away. A layer keeps its last good document.
//!
//! Why is it not recorded which layer set which field? Only an error needs it, and the documents of all layers
//! are at hand: [`origin`] looks it up then. A good version does not pay for it.

mod document;
mod environment;
mod layer;
mod merge;
mod origin;
mod watcher;

use std::fmt;
use std::marker::PhantomData;

use event_core::adapters::Shared;
use event_core::{ReaderExt, Refresh, ValueReader};
use serde::de::DeserializeOwned;

pub use self::document::Document;
pub use self::layer::Layer;
pub use self::watcher::LayersWatcher;

/// Merges the documents of several readers into one typed value. List the layers from the weakest to the strongest,
/// such as defaults, etcd, environment. A later layer overrides those before it, which are *below* it.
///
/// The documents are merged as [RFC 7396](https://www.rfc-editor.org/rfc/rfc7396) has it: objects are merged
/// member by member, a `null` removes the member of the layers below, and anything else replaces what is below.
/// An array replaces an array. If no layer adds anything, the merged document is `{}`: for example, if each key
/// is missing and its decoder has a default that is empty.
///
/// Each change of a layer is one version. If several layers changed before a poll, that is one version too. The
/// layers are read one after the other, so a version can hold documents of different moments. Once writes stop,
/// the last version holds the newest good document of each layer. The documents are merged once per version, no
/// matter how many watchers there are.
///
/// ```
/// use event_codec::{DecoderExt, Json, Layer, layers};
/// use event_core::{Entry, MemoryValue, ReaderExt, ValueReader, ValueWriter, WatcherExt};
///
/// #[derive(Clone, Debug, PartialEq, serde::Deserialize)]
/// struct Config {
///     host: String,
///     port: u16,
/// }
///
/// # futures_executor::block_on(async {
/// let defaults = MemoryValue::new(Entry::present("defaults", 1, r#"{"host": "::1", "port": 80}"#));
/// let key = MemoryValue::new(Entry::never_seen("config")); // or a key in etcd
/// let config = layers::<Config>([
///     Layer::new("defaults", defaults.reader(), Json::new()),
///     Layer::new("etcd", key.reader(), Json::new().or_default()), // the key need not exist
///     Layer::env("APP_"),
/// ]);
/// let mut watcher = config.watch();
/// assert_eq!(watcher.get().await.unwrap(), Config { host: "::1".to_owned(), port: 80 });
///
/// key.set(Entry::present("config", 5, r#"{"port": 8080}"#));
/// assert_eq!(watcher.get().await.unwrap().port, 8080);
///
/// key.set(Entry::present("config", 6, r#"{"port": "hunter2"}"#));
/// assert_eq!(
///     watcher.get().await.unwrap_err().to_string(),
///     "key `config` at revision 6: layer `etcd`: port: invalid type: string, expected u16",
/// );
/// # });
/// ```
///
/// # Missing layers
///
/// Until each layer has a document, `get` waits. The decoder of a layer says what a missing key means, as [it
/// does elsewhere](crate#missing-keys-and-empty-values). With
/// [`or_default`](crate::DecoderExt::or_default), a layer whose key does not exist adds nothing. `get` still waits
/// until the backend has read that the key does not exist. To start before the backend can be reached, call
/// [`or_else`](ReaderExt::or_else) on the layer's reader, with a [`MemoryValue`](event_core::MemoryValue) of
/// [`Entry::never_seen`](event_core::Entry::never_seen): until the backend answers, the key then counts as missing.
///
/// # Errors
///
/// An error names the layer, and the key and the revision if there is one. Like every error, it is yielded at most
/// once. It prints a value only if you call `reveal` on the decoder of a layer.
///
/// - A layer is bad: its document does not decode, its key was deleted though the decoder needs it, or its reader
///   yields any other error. The kind of the error stays. The last good document of the layer stays in force, as
///   long as a watcher is alive. The next change of another layer yields a merged version that is built from it. If
///   the bad layer has had no good document yet, there is no value until it has one.
/// - The merged document is not a `T`. The error is of kind [`ErrorKind::Decode`](event_core::ErrorKind::Decode).
///   It names the path of the field, as the error of [`Json`](crate::Json#errors) does, and the layer and the key
///   that the field comes from. For the environment, the error gives the variable's name as the key. If a field is
///   missing because a layer removed it with a `null`, the error names that layer. If a field is missing in all
///   layers, the error names the layers that set any member of the enclosing object. The next change of any layer
///   yields the next version.
///
/// If one layer is bad and another has a new document, the error comes first, and then the merged version.
///
/// To report errors and go on with the last good version, see [`on_error`](ReaderExt::on_error) and
/// [`last_good`](ReaderExt::last_good).
///
/// The value ends when all layers have ended. It ends earlier if a layer ends that never had a good document. A layer
/// with a fixed document, such as the environment, counts as ended.
///
/// # Cancel safety
///
/// As with every reader, dropping a pending `get` loses nothing.
///
/// # Panics
///
/// The type is deserialized inside a poll of one of the watchers, without a lock, like the function of
/// [`map`](ReaderExt::map). A panic has the same effect.
pub fn layers<T>(layers: impl IntoIterator<Item = Layer>) -> Shared<Layers<T>, T>
where
    T: DeserializeOwned + Clone + Send + 'static,
{
    Layers { layers: layers.into_iter().collect(), of: PhantomData }.shared()
}

/// A reader of the merged documents of several layers.
///
/// [`layers`](fn@layers) returns it inside a [`Shared`].
pub struct Layers<T> {
    layers: Vec<Layer>,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> ValueReader<T> for Layers<T> {
    type Watcher = LayersWatcher<T>;

    fn watch(&self) -> LayersWatcher<T> {
        LayersWatcher::new(&self.layers)
    }

    fn refresh(&self) -> Refresh {
        self.layers.iter().fold(Refresh::nothing(), |all, layer| all.and(layer.refresh()))
    }
}

impl<T> fmt::Debug for Layers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Layers").field(&self.layers).finish()
    }
}
