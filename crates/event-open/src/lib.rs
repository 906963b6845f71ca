//! Opens a store of values by its URL.
//!
//! Where a program is wired together, a line of its settings says where the values live. The rest of the program
//! takes a [`Store`](event_core::Store), and does not know.
//!
#![cfg_attr(feature = "mem", doc = "```")]
#![cfg_attr(not(feature = "mem"), doc = "```ignore")]
//! use event_core::{ReaderExt, StoreExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), event_core::Error> {
//! # event_open::memory_store("settings").set("greeting", "hello");
//! // In production: etcd://10.0.0.1:2379,10.0.0.2:2379/app/?user=reader
//! let url = std::env::var("SETTINGS").unwrap_or("mem:settings".to_owned());
//! let store = event_open::open(&url).await?;
//! let greeting = store.value("greeting").decode(|bytes: &[u8]| String::from_utf8(bytes.to_vec()));
//! println!("{}", greeting.get().await?);
//! # Ok(()) }
//! ```
//!
//! # The URLs
//!
//! | URL | what it opens | feature |
//! |---|---|---|
//! | `etcd://10.0.0.1:2379,10.0.0.2:2379/app/` | The keys of an etcd that begin with `app/`. The port may be left out: it is 2379 (and not 80 or 443, as in an endpoint of `event_etcd`). | `etcd` (default) |
//! | `etcds://etcd.example.com/app/` | The same, over TLS. | `etcd` |
//! | `file:///etc/app/` | The files in the directory `/etc/app`. | `file` |
//! | `mem:` | A new store in memory, without keys. | `mem` (default) |
//! | `mem:settings` | The store in memory that this process calls `settings`: see [`memory_store`]. | `mem` |
//!
//! [`Opener::register`] adds a scheme of your own.
//!
//! # The path is the prefix
//!
//! The slash after the hosts belongs to the URL. What follows it is what the keys begin with, as it is: end
//! it with a slash if you mean a folder. If the keys begin with a slash, write two. A name that you pass to
//! the store does not have the prefix. Entries and errors have the full key.
//!
//! | URL | the name `port` is the key |
//! |---|---|
//! | `etcd://a:2379` or `etcd://a:2379/` | `port` |
//! | `etcd://a:2379/app/` | `app/port` |
//! | `etcd://a:2379/app` | `appport` |
//! | `etcd://a:2379//app/` | `/app/port` |
//! | `etcd://a:2379/caf%C3%A9/` | `café/port` |
//!
//! A `%` with two hexadecimal digits stands for a byte, in the hosts, the path and the options. Write an `@` as `%40`
//! and a `#` as `%23` wherever they are part of a name. A `+` is a plus.
//!
//! # The options of `etcd:` and `etcds:`
//!
//! They stand after the `?`, with a `&` between two of them: `?user=reader&connect_timeout=2s`. Any other option is an
//! error, which lists these.
//!
//! | option | value | meaning |
//! |---|---|---|
//! | `user` | a name | The user to authenticate as. Its password is [elsewhere](#secrets). |
//! | `password_file` | a path | The file that has the password. It is read again for each new connection. |
//! | `tls` | `true` or `false` | Whether to use TLS. `etcds:`, `ca`, `cert` and `domain_name` turn it on. |
//! | `ca` | a path | The certificate authority of the servers, as PEM. It is read again for each new connection. |
//! | `cert`, `key` | two paths | The client's certificate and its key, as PEM. They are read again for each new connection. |
//! | `domain_name` | a name | The name that the servers' certificates are for, if it is not that of the host. |
//! | `assume_http2` | `true` or `false` | Whether to speak HTTP/2 though TLS does not negotiate it. |
//! | `connect_timeout`, `liveness_timeout` | `5s`, `500ms`, `2m` | How long a member may take to connect and answer, and how long a connection may be silent. |
//! | `audit_interval` | `5m` | How often to check that no event of a map was lost. |
//! | `ordered_endpoints` | `true` or `false` | Whether to try the hosts in the order they are written in. |
//! | `follow_members` | `true` or `false` | Whether to connect to members that the cluster lists, too. |
//! | `cluster_id` | `123` or `0x7b` | The id of the only cluster to read from. |
//!
//! The docs of `event_etcd::Options` say more about each, and what the defaults are. A host may be an IPv6 address
//! (`[::1]:2379`) or a Unix socket, whose slashes are written `%2F` (`etcd://unix:%2Frun%2Fetcd.sock/app/`).
//!
//! # The directories of `file:`
//!
//! The path is that of a directory, with or without a slash at its end. `file:settings/` is relative to the current
//! directory. The key `log/level` is the file `level` in its folder `log`. The options are `max_size` (in bytes),
//! `settle` and `poll_interval` (times), `only_poll` and `follow_links_out` (`true` or `false`). The docs of
//! `event_file::Options` say more about each.
//!
//! # Secrets
//!
//! A URL is in logs, in process lists and in error messages. It must not have a secret: a password in it is refused,
//! and not printed. The password of the user in a URL is the first that there is of
//!
//! 1. the file that `password_file` names;
//! 2. `Opener::etcd_password`;
//! 3. the environment variable `EVENT_ETCD_PASSWORD`.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `etcd` (default) | the schemes `etcd` and `etcds` |
//! | `file` | the scheme `file` |
//! | `mem` (default) | the scheme `mem` |
//! | `tls-ring`, `native-roots` (default) | TLS for etcd, with the cryptography of ring and the system's root certificates |
//! | `tls-aws-lc`, `webpki-roots` | TLS for etcd, with the cryptography of aws-lc-rs, and Mozilla's root certificates. Switch the default features off, too |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod opener;
mod url;

#[cfg(feature = "etcd")]
mod etcd;
#[cfg(feature = "file")]
mod file;
#[cfg(feature = "mem")]
mod mem;

mod duration;
#[cfg(any(feature = "etcd", feature = "file"))]
mod option;
mod percent;

use event_core::Error;

pub use duration::parse_duration;
#[cfg(feature = "mem")]
pub use mem::memory_store;
pub use opener::{Opener, open};
pub use url::Url;

fn refused(message: impl Into<String>) -> Error {
    Error::new(event_core::ErrorKind::InvalidArgument, message)
}
