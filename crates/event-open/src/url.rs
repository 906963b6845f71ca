//! A URL of a store.

use std::fmt;

use event_core::Error;

use crate::{percent, refused};

/// A URL of a store, in its parts: `SCHEME://HOST,HOST/PATH?OPTION=VALUE&OPTION=VALUE`.
///
/// Why not the `url` crate? A URL of a store may have several hosts, and its path is bytes that begin a
/// key, so `..` and `//` stay as they are. Everything that a part returns is percent-decoded. A URL never
/// has a user or a password before its hosts, and never a fragment.
///
/// ```
/// use event_open::Url;
///
/// let url = Url::parse("etcd://a:2379,b:2379/app/?user=reader").unwrap();
/// assert_eq!(url.scheme(), "etcd");
/// assert_eq!(url.hosts(), ["a:2379", "b:2379"]);
/// assert_eq!(url.prefix(), b"app/");
/// assert_eq!(url.option("user"), Some("reader"));
/// ```
///
/// `Debug` prints the values of the options, which are no secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    scheme: String,
    /// `None`: no `//` follows the scheme.
    hosts: Option<Vec<String>>,
    path: Vec<u8>,
    options: Vec<(String, String)>,
}

impl Url {
    /// Takes a URL apart.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](event_core::ErrorKind::InvalidArgument), with words that say what is allowed. A URL that
    /// may have a password in it is not printed: one with an `@`, or with an option `password`.
    ///
    /// # Example
    ///
    /// ```
    /// use event_open::Url;
    ///
    /// let error = Url::parse("etcd://root:hunter2@a:2379/").unwrap_err();
    /// assert!(error.to_string().contains("EVENT_ETCD_PASSWORD"));
    /// assert!(!error.to_string().contains("hunter2"));
    /// ```
    pub fn parse(url: &str) -> Result<Self, Error> {
        let (scheme, rest) =
            url.split_once(':').filter(|(scheme, _)| is_scheme(scheme)).ok_or_else(|| {
                refused("a URL begins with a scheme and a colon, as in etcd://localhost:2379/app/")
            })?;
        // Wherever it is, since a password may have a slash or a question mark in it.
        if rest.contains('@') {
            return Err(secret(
                "a URL has no user in it, and an @ that is part of a name is written %40",
            ));
        }
        if rest.contains('#') {
            return Err(refused(
                "a URL of a store has no fragment: a # that is part of a name is written %23",
            ));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, path) = match rest.strip_prefix("//") {
            None => (None, rest),
            Some(rest) => {
                let (hosts, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(parse_hosts(hosts)?), path)
            }
        };
        let path = percent::decode(path).ok_or_else(|| bad_percent("the path"))?;
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            hosts,
            path,
            options: parse_options(query)?,
        })
    }

    /// What stands before the first colon, in lower case.
    ///
    /// ```
    /// # use event_open::Url;
    /// assert_eq!(Url::parse("MEM:settings").unwrap().scheme(), "mem");
    /// ```
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// What stands between `//` and the next slash, taken apart at the commas. It is empty if the URL has no host.
    ///
    /// ```
    /// # use event_open::Url;
    /// assert_eq!(Url::parse("etcd://a,[::1]:2379/").unwrap().hosts(), ["a", "[::1]:2379"]);
    /// assert!(Url::parse("file:///etc/app/").unwrap().hosts().is_empty());
    /// ```
    #[must_use]
    pub fn hosts(&self) -> &[String] {
        self.hosts.as_deref().unwrap_or_default()
    }

    /// What stands between the hosts, or the scheme, and the `?`.
    ///
    /// ```
    /// # use event_open::Url;
    /// assert_eq!(Url::parse("file:///etc/app/").unwrap().path(), b"/etc/app/");
    /// assert_eq!(Url::parse("mem:settings").unwrap().path(), b"settings");
    /// ```
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// The path as what keys begin with: without the slash after the hosts.
    ///
    /// ```
    /// # use event_open::Url;
    /// assert_eq!(Url::parse("etcd://a/app/").unwrap().prefix(), b"app/");
    /// assert_eq!(Url::parse("etcd://a//app/").unwrap().prefix(), b"/app/");
    /// ```
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        if self.hosts.is_some() {
            self.path.strip_prefix(b"/").unwrap_or(&self.path)
        } else {
            &self.path
        }
    }

    /// The value of an option; `None` if the URL does not have it. An option without a `=` has the empty value.
    ///
    /// ```
    /// # use event_open::Url;
    /// let url = Url::parse("etcd://a/?user=the%20reader").unwrap();
    /// assert_eq!(url.option("user"), Some("the reader"));
    /// assert_eq!(url.option("tls"), None);
    /// ```
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Checks that the URL has no other options than these.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](event_core::ErrorKind::InvalidArgument): it has another one. The error names it and lists
    /// those that are allowed.
    ///
    /// # Example
    ///
    /// ```
    /// # use event_open::Url;
    /// let url = Url::parse("consul://a/app/?datacentre=east").unwrap();
    /// assert_eq!(
    ///     url.allow_options(&["datacenter", "tls"]).unwrap_err().to_string(),
    ///     "unknown option `datacentre`: the options of consul: are datacenter, tls",
    /// );
    /// ```
    pub fn allow_options(&self, allowed: &[&str]) -> Result<(), Error> {
        let Some((other, _)) =
            self.options.iter().find(|(name, _)| !allowed.contains(&name.as_str()))
        else {
            return Ok(());
        };
        let scheme = &self.scheme;
        Err(refused(if allowed.is_empty() {
            format!("unknown option `{other}`: {scheme}: has no options")
        } else {
            format!("unknown option `{other}`: the options of {scheme}: are {}", allowed.join(", "))
        }))
    }
}

/// Whether a text can be the scheme of a URL.
pub(crate) fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn parse_hosts(hosts: &str) -> Result<Vec<String>, Error> {
    if hosts.is_empty() {
        return Ok(Vec::new());
    }
    let parse = |host: &str| {
        let host = text(host, "a host")?;
        if host.contains('@') {
            return Err(secret("a URL has no user in it"));
        }
        if host.is_empty() {
            return Err(refused("a host is missing before or after a comma"));
        }
        Ok(host)
    };
    hosts.split(',').map(parse).collect()
}

fn parse_options(query: &str) -> Result<Vec<(String, String)>, Error> {
    let mut options: Vec<(String, String)> = Vec::new();
    for option in query.split('&').filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let name = text(name, "the name of an option")?;
        // Also `password:hunter2`, where somebody took another sign for the `=`.
        if name != "password_file" && name.to_ascii_lowercase().contains("password") {
            return Err(secret("a URL has no password in it"));
        }
        if options.iter().any(|(known, _)| *known == name) {
            return Err(refused(format!("the option `{name}` is given twice")));
        }
        let value = text(value, &format!("the option `{name}`"))?;
        options.push((name, value));
    }
    Ok(options)
}

fn text(part: &str, what: &str) -> Result<String, Error> {
    let bytes = percent::decode(part).ok_or_else(|| bad_percent(what))?;
    String::from_utf8(bytes).map_err(|_| refused(format!("{what} is not UTF-8")))
}

fn bad_percent(what: &str) -> Error {
    refused(format!("after a % in {what} come two hexadecimal digits: a % itself is written %25"))
}

/// Does not print the URL: it may have a password in it.
pub(crate) fn secret(what: &str) -> Error {
    refused(format!(
        "{what}: write ?user=NAME, and give the password by the environment variable EVENT_ETCD_PASSWORD or by \
         ?password_file=PATH"
    ))
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Url")
            .field("scheme", &self.scheme)
            .field("hosts", &self.hosts())
            .field("path", &format_args!("{}", self.path.escape_ascii()))
            .field("options", &self.options)
            .finish()
    }
}
