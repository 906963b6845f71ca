//! One layer: where a document comes from.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use event_core::{
    BoxReader, BoxWatcher, Decoder, Entry, MemoryValue, ReaderExt, Refresh, ValueReader,
    ValueWriter, Versioned,
};

use super::document::Document;
use super::environment;

/// A named source of documents, for [`layers`](fn@crate::layers).
///
/// A handle that is cheap to clone. `Debug` prints the name.
#[derive(Clone)]
pub struct Layer {
    name: Arc<str>,
    reader: BoxReader<Versioned<Document>>,
}

impl Layer {
    /// The documents of a reader. Errors call the layer by its name.
    ///
    /// The decoder is that of the format: [`Json::new()`](crate::Json), [`Toml::new()`](crate::Toml),
    /// [`Yaml::new()`](crate::Yaml), or one of your own that returns a [`Document`]. You may add combinators: if
    /// the key of a layer may be missing, its decoder is `Json::new().or_default()`.
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// use event_codec::{DecoderExt, Json, Layer, layers};
    /// use event_core::{Entry, MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let key = MemoryValue::new(Entry::never_seen("config"));
    /// let config = layers::<HashMap<String, u16>>([
    ///     Layer::new("etcd", key.reader(), Json::new().or_default()),
    /// ]);
    /// assert!(config.get().await.unwrap().is_empty());
    /// # });
    /// ```
    pub fn new<R, D>(name: impl Into<Arc<str>>, reader: R, decoder: D) -> Self
    where
        R: ValueReader<Entry, Watcher: Send + 'static> + Send + Sync + 'static,
        D: Decoder<Output = Document> + Send + Sync + 'static,
    {
        let name = name.into();
        Self { name, reader: reader.decode_versioned(decoder).boxed() }
    }

    /// The variables of the environment whose names begin with `prefix`, read once, when you call this. The name of
    /// the layer is `environment`.
    ///
    /// After the prefix, `__` separates the names of nested members, and upper case becomes lower case:
    /// with the prefix `APP_`, the variable `APP_DB__HOST=localhost` is the document
    /// `{"db": {"host": "localhost"}}`. A value that is JSON, such as `8080`, `true`, `null` or `["a", "b"]`, is
    /// that value. Any other is a string. To set a string that looks like a number, put it in the quotes of
    /// JSON: `APP_PASSWORD='"12345"'`.
    ///
    /// If a variable is not Unicode, the layer has no document. The merged value then yields an error that names the
    /// variable, and ends.
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// use event_codec::{Layer, layers};
    /// use event_core::ReaderExt;
    ///
    /// # futures_executor::block_on(async {
    /// let config = layers::<HashMap<String, String>>([Layer::env("NO_SUCH_APP_")]);
    /// assert!(config.get().await.unwrap().is_empty());
    /// # });
    /// ```
    #[must_use]
    pub fn env(prefix: &str) -> Self {
        Self::env_of(prefix, env::vars_os())
    }

    /// Like [`env`](Self::env), but for the given variables. Use it in tests.
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// use event_codec::{Layer, layers};
    /// use event_core::ReaderExt;
    ///
    /// # futures_executor::block_on(async {
    /// let variables = [("APP_DB__PORT", "5432"), ("PATH", "/bin")];
    /// let ports = layers::<HashMap<String, HashMap<String, u16>>>([Layer::env_of("APP_", variables)]);
    /// assert_eq!(ports.get().await.unwrap()["db"]["port"], 5432);
    /// # });
    /// ```
    pub fn env_of<N, V>(prefix: &str, variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        let fixed = MemoryValue::empty();
        match environment::document(prefix, variables) {
            Ok(document) => fixed.set(Versioned::new("", None, document)),
            Err(error) => fixed.fail(error),
        }
        Self { name: "environment".into(), reader: fixed.reader().boxed() }
    }

    pub(super) fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    pub(super) fn watch(&self) -> BoxWatcher<Versioned<Document>> {
        self.reader.watch()
    }

    pub(super) fn refresh(&self) -> Refresh {
        self.reader.refresh()
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Layer").field(&self.name).finish()
    }
}
