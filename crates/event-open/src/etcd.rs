//! `etcd:` and `etcds:`.

use std::env::{self, VarError};
use std::sync::Arc;

use event_core::{BoxStore, Error};
use event_etcd::{EtcdStore, Options};

use crate::option::{boolean, parsed, value};
use crate::url::secret;
use crate::{Url, parse_duration, refused};

const PASSWORD: &str = "EVENT_ETCD_PASSWORD";
const PORT: u16 = 2379;
const OPTIONS: [&str; 14] = [
    "user",
    "password_file",
    "tls",
    "ca",
    "cert",
    "key",
    "domain_name",
    "assume_http2",
    "connect_timeout",
    "liveness_timeout",
    "audit_interval",
    "ordered_endpoints",
    "follow_members",
    "cluster_id",
];

/// What holds for every etcd, unless its URL says otherwise.
#[derive(Clone, Default)]
pub(crate) struct Defaults {
    pub(crate) options: Options,
    pub(crate) password: Option<String>,
}

impl Defaults {
    pub(crate) async fn open(&self, url: &Url) -> Result<BoxStore, Error> {
        url.allow_options(&OPTIONS)?;
        if url.hosts().is_empty() {
            let scheme = url.scheme();
            return Err(refused(format!(
                "the URL has no host: expected {scheme}://HOST:2379/PREFIX, or several hosts, separated by commas"
            )));
        }
        let tls = wants_tls(url)?;
        let endpoints = url.hosts().iter().map(|host| endpoint(host, tls));
        let endpoints = endpoints.collect::<Result<Vec<_>, _>>()?;
        let store = EtcdStore::connect(endpoints, self.options(url)?).await?;
        Ok(Arc::new(store.namespace(url.prefix())))
    }

    fn options(&self, url: &Url) -> Result<Options, Error> {
        let mut options = self.options.clone();
        let user = value(url, "user")?;
        if user.is_some_and(|user| user.contains([':', ';', '='])) {
            return Err(secret(
                "a user has no `:`, `;` or `=` in its name, and no password after it",
            ));
        }
        options = match (user, value(url, "password_file")?) {
            (None, None) => options,
            (None, Some(_)) => return Err(needs("password_file", "user")),
            (Some(user), Some(file)) => options.user_with_password_file(user, file),
            (Some(user), None) => options.user(user, self.password(user)?),
        };
        if let Some(path) = value(url, "ca")? {
            options = options.ca_certificate_file(path);
        }
        options = match (value(url, "cert")?, value(url, "key")?) {
            (None, None) => options,
            (Some(_), None) => return Err(needs("cert", "key")),
            (None, Some(_)) => return Err(needs("key", "cert")),
            (Some(certificate), Some(key)) => options.identity_files(certificate, key),
        };
        if let Some(name) = value(url, "domain_name")? {
            options = options.domain_name(name);
        }
        if let Some(assume) = parsed(url, "assume_http2", boolean)? {
            options = options.assume_http2(assume);
        }
        if let Some(timeout) = parsed(url, "connect_timeout", parse_duration)? {
            options = options.connect_timeout(timeout);
        }
        if let Some(timeout) = parsed(url, "liveness_timeout", parse_duration)? {
            options = options.liveness_timeout(timeout);
        }
        if let Some(interval) = parsed(url, "audit_interval", parse_duration)? {
            options = options.audit_interval(interval);
        }
        if let Some(ordered) = parsed(url, "ordered_endpoints", boolean)? {
            options = options.ordered_endpoints(ordered);
        }
        if let Some(follow) = parsed(url, "follow_members", boolean)? {
            options = options.follow_members(follow);
        }
        if let Some(id) = parsed(url, "cluster_id", cluster_id)? {
            options = options.cluster_id(id);
        }
        Ok(options)
    }

    fn password(&self, user: &str) -> Result<String, Error> {
        if let Some(password) = &self.password {
            return Ok(password.clone());
        }
        env::var(PASSWORD).map_err(|error| match error {
            VarError::NotPresent => refused(format!(
                "there is no password for the user `{user}`: set the environment variable {PASSWORD}, or add the \
                 option password_file=PATH"
            )),
            VarError::NotUnicode(_) => refused(format!("the environment variable {PASSWORD} is not UTF-8")),
        })
    }
}

fn wants_tls(url: &Url) -> Result<bool, Error> {
    let scheme = Some("the scheme etcds:").filter(|_| url.scheme() == "etcds");
    let option =
        || ["ca", "cert", "key", "domain_name"].into_iter().find(|name| url.option(name).is_some());
    let why = scheme.map(str::to_owned).or_else(|| Some(format!("the option `{}`", option()?)));
    match (parsed(url, "tls", boolean)?, why) {
        (Some(false), Some(why)) => Err(refused(format!("`tls=false` contradicts {why}"))),
        (tls, why) => Ok(tls.unwrap_or(false) || why.is_some()),
    }
}

/// A host as event-etcd takes it.
fn endpoint(host: &str, tls: bool) -> Result<String, Error> {
    // A host may be called `unix`.
    let socket = host.strip_prefix("unix:").filter(|path| path.parse::<u16>().is_err());
    if let (Some(path), true) = (socket, tls) {
        return Ok(format!("unixs:{path}"));
    }
    // The port is not printed: in `root:secret/` it is a password.
    if let Some((name, port)) = host.rsplit_once(':').filter(|_| socket.is_none())
        && !host.ends_with(']')
        && port.parse::<u16>().is_err()
    {
        return Err(refused(format!(
            "the port of the host `{name}` can't be read: expected a number from 1 to 65535"
        )));
    }
    let has_port = host.contains(':') && !host.ends_with(']');
    let port = if has_port { String::new() } else { format!(":{PORT}") };
    let scheme = if tls { "https://" } else { "" };
    Ok(format!("{scheme}{host}{port}"))
}

fn cluster_id(value: &str) -> Result<u64, String> {
    let id = match value.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => value.parse(),
    };
    id.map_err(|_| {
        format!("`{value}` is no id: expected a decimal number, or a hexadecimal one after 0x")
    })
}

fn needs(option: &str, other: &str) -> Error {
    refused(format!("the option `{option}` needs the option `{other}`"))
}
