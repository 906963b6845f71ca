//! From a URL to a store.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use event_core::{BoxStore, Error};

use crate::url::is_scheme;
use crate::{Url, refused};

type Opening = Pin<Box<dyn Future<Output = Result<BoxStore, Error>> + Send>>;
type OpenFn = Arc<dyn Fn(Url) -> Opening + Send + Sync>;

/// The schemes of this crate, each with how its URLs look and the feature that it needs.
const SCHEMES: [(&str, &str, &str, bool); 4] = [
    ("etcd", "etcd://HOST:2379,HOST:2379/PREFIX", "etcd", cfg!(feature = "etcd")),
    ("etcds", "etcds://HOST:2379/PREFIX (TLS)", "etcd", cfg!(feature = "etcd")),
    ("file", "file:///PATH/", "file", cfg!(feature = "file")),
    ("mem", "mem:NAME", "mem", cfg!(feature = "mem")),
];

/// Opens the store that a URL names. [The docs of the crate](crate#the-urls) list the URLs.
///
/// It only checks the URL and returns: the store connects when its first key is watched. Call it inside a tokio
/// runtime with time and I/O, as `#[tokio::main]` has it, if the store is an etcd.
///
/// # Errors
///
/// [`InvalidArgument`](event_core::ErrorKind::InvalidArgument), with words that say what is allowed:
///
/// - the scheme is unknown, a host is missing, or an option is unknown or has a bad value;
/// - the URL has a password in it, which is not printed;
/// - the URL has a user, and there is no password;
/// - a file that an option names can't be read.
///
/// # Example
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let error = event_open::open("etc://localhost/").await.err().unwrap();
/// assert!(error.to_string().starts_with("unknown scheme `etc`: expected "));
/// # }
/// ```
pub async fn open(url: &str) -> Result<BoxStore, Error> {
    Opener::new().open(url).await
}

/// Opens stores by their URLs, with schemes and secrets of your own.
///
/// ```
/// use std::sync::Arc;
///
/// use event_core::{BoxStore, Error, MemoryStore, ReaderExt, StoreExt};
/// use event_open::{Opener, Url};
///
/// /// A store that has one key, which the URL says: `one:port=8080`.
/// async fn open_one(url: Url) -> Result<BoxStore, Error> {
///     url.allow_options(&[])?;
///     let path = String::from_utf8_lossy(url.path()).into_owned();
///     let (name, value) = path.split_once('=').unwrap_or((&path, ""));
///     let store = MemoryStore::new();
///     store.set(name, value.to_owned());
///     Ok(Arc::new(store))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let opener = Opener::new().register("one", open_one);
/// let store = opener.open("one:port=8080").await?;
/// assert_eq!(store.value("port").get().await?.value().unwrap(), "8080");
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Opener {
    registered: BTreeMap<String, OpenFn>,
    #[cfg(feature = "etcd")]
    etcd: crate::etcd::Defaults,
}

impl Opener {
    /// An opener with the schemes of this crate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a scheme: the function opens its URLs. It takes the place of an earlier one of that name, also of one of
    /// this crate, so a test may register `etcd`.
    ///
    /// A scheme is letters, digits, `+`, `-` and `.`, and begins with a letter. Upper and lower case are
    /// the same. If a name that is not of this form is registered, [`open`](Self::open) refuses every URL.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use event_core::MemoryStore;
    /// use event_open::Opener;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// // A test of the program's wiring, without an etcd.
    /// let opener = Opener::new().register("etcd", async |_| Ok(Arc::new(MemoryStore::new()) as _));
    /// assert!(opener.open("etcd://10.0.0.1:2379/app/").await.is_ok());
    /// # }
    /// ```
    pub fn register<F, Opened>(mut self, scheme: impl Into<String>, open: F) -> Self
    where
        F: Fn(Url) -> Opened + Send + Sync + 'static,
        Opened: Future<Output = Result<BoxStore, Error>> + Send + 'static,
    {
        let open: OpenFn = Arc::new(move |url| Box::pin(open(url)));
        self.registered.insert(scheme.into().to_ascii_lowercase(), open);
        self
    }

    /// Sets the password of the user that a URL of an etcd names. It is never printed.
    ///
    /// Without it, the password is read from the environment variable `EVENT_ETCD_PASSWORD`. If the URL has a
    /// `password_file`, that is used.
    ///
    /// ```
    /// use event_open::Opener;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), event_core::Error> {
    /// let opener = Opener::new().etcd_password("hunter2");
    /// let store = opener.open("etcd://localhost:2379/app/?user=reader").await?;
    /// assert!(!format!("{opener:?}").contains("hunter2"));
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "etcd")]
    pub fn etcd_password(mut self, password: impl Into<String>) -> Self {
        self.etcd.password = Some(password.into());
        self
    }

    /// Sets the options of every etcd, such as a user whose password a function returns. An option in the
    /// URL overrides them.
    ///
    /// ```
    /// use event_open::Opener;
    ///
    /// # async fn password_of(user: &str) -> String { String::new() }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), event_core::Error> {
    /// let options = event_etcd::Options::new().user("reader", "hunter2").follow_members(true);
    /// let store = Opener::new().etcd_options(options).open("etcd://localhost:2379/app/").await?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "etcd")]
    pub fn etcd_options(mut self, options: event_etcd::Options) -> Self {
        self.etcd.options = options;
        self
    }

    /// Opens the store that a URL names.
    ///
    /// # Errors
    ///
    /// Those of [`open`], and what the function of a registered scheme returns.
    ///
    /// # Example
    ///
    #[cfg_attr(feature = "mem", doc = "```")]
    #[cfg_attr(not(feature = "mem"), doc = "```ignore")]
    /// use event_open::Opener;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// assert!(Opener::new().open("mem:").await.is_ok());
    /// # }
    /// ```
    pub async fn open(&self, url: &str) -> Result<BoxStore, Error> {
        if let Some(scheme) = self.registered.keys().find(|scheme| !is_scheme(scheme)) {
            return Err(refused(format!(
                "the scheme `{scheme}` can't be registered: expected letters, digits, +, - and ., and a letter first"
            )));
        }
        let url = Url::parse(url)?;
        if let Some(open) = self.registered.get(url.scheme()) {
            return open(url).await;
        }
        match url.scheme() {
            #[cfg(feature = "etcd")]
            "etcd" | "etcds" => self.etcd.open(&url).await,
            #[cfg(feature = "file")]
            "file" => crate::file::open(&url),
            #[cfg(feature = "mem")]
            "mem" => crate::mem::open(&url),
            scheme => Err(self.unknown(scheme)),
        }
    }

    fn unknown(&self, scheme: &str) -> Error {
        if let Some((.., feature, _)) = SCHEMES.iter().find(|(known, ..)| *known == scheme) {
            return refused(format!(
                "the scheme `{scheme}` needs the feature `{feature}` of the crate event-open"
            ));
        }
        let is_replaced = |scheme: &str| self.registered.contains_key(scheme);
        let ours = SCHEMES.iter().filter(|(known, .., is_on)| *is_on && !is_replaced(known));
        let mut urls: Vec<String> = ours.map(|(_, form, ..)| (*form).to_owned()).collect();
        urls.extend(self.registered.keys().map(|scheme| format!("{scheme}:…")));
        let last = urls.pop().unwrap_or_else(|| "a scheme that the program registers".to_owned());
        let expected =
            if urls.is_empty() { last } else { format!("{} or {last}", urls.join(", ")) };
        refused(format!("unknown scheme `{scheme}`: expected {expected}"))
    }
}

impl fmt::Debug for Opener {
    /// Prints no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener")
            .field("registered", &self.registered.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #[cfg(not(feature = "etcd"))]
    #[tokio::test]
    async fn without_etcd_its_scheme_names_the_feature() {
        let error = super::open("etcd://localhost:2379/").await.err().unwrap();
        assert_eq!(
            error.to_string(),
            "the scheme `etcd` needs the feature `etcd` of the crate event-open"
        );
    }
}
