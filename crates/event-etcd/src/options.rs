//! How a store connects.

mod source;

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use event_core::{Error, ErrorKind};
use rustls_pki_types::ServerName;

use crate::session::Timeouts;

pub(crate) use source::Source;

/// The longest timeout that is taken for one.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// How much longer than a connection a login may take, in connect timeouts. A server checks the passwords of all
/// clients that log in together at the same time, so it finishes none of them soon (C12).
pub(crate) const LOGIN: u32 = 3;

/// How a store connects.
///
/// The defaults suit production: every call has a timeout, a silent connection counts as dead, and the
/// store moves from a member without a leader to the next one.
///
/// ```
/// use std::time::Duration;
/// use event_etcd::Options;
///
/// let options = Options::new()
///     .user("reader", "password")
///     .liveness_timeout(Duration::from_secs(3));
/// ```
///
/// # Credentials that are renewed
///
/// A certificate, a key and a password can be given as they are, as files, or as a function of the program.
/// Files are read and functions are called again for each new connection, on a thread of their own. A changed
/// credential does not close an open connection: the next connection uses it.
///
/// If one can't be read when the store is created, [`connect`](crate::EtcdStore::connect) returns an error. If
/// one can't be read later, the store tries again without end, and the cause in
/// [`health`](crate::EtcdStore::health) names the file. No secret and no content of a file is printed. The error
/// that a function returns appears in these errors and in the log: it must not contain a secret.
///
/// ```no_run
/// use event_etcd::{EtcdStore, Options};
///
/// # async fn run() -> Result<(), event_core::Error> {
/// let options = Options::new()
///     .ca_certificate_file("/etc/etcd/ca.pem")
///     .identity_files("/etc/etcd/client.pem", "/etc/etcd/client.key")
///     .user_with_password_file("reader", "/run/secrets/etcd");
/// let store = EtcdStore::connect(["etcd.example.com:2379"], options).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Options {
    pub(crate) user: Option<Source<(String, String)>>,
    pub(crate) ca: Option<Source<Vec<u8>>>,
    pub(crate) identity: Option<Source<(Vec<u8>, Vec<u8>)>>,
    pub(crate) domain: Option<String>,
    pub(crate) assume_http2: bool,
    pub(crate) ordered_endpoints: bool,
    pub(crate) follow_members: bool,
    pub(crate) cluster_id: Option<u64>,
    pub(crate) connect_timeout: Duration,
    pub(crate) liveness_timeout: Duration,
    pub(crate) audit_interval: Option<Duration>,
}

/// What a function of the program may fail with.
type BoxError = Box<dyn StdError + Send + Sync>;

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The defaults: no user, TLS with the system's roots for `https://` endpoints, endpoints in a random
    /// order, a connect timeout of 5 s, a liveness timeout of 5 s. The [features](crate#features) of the crate say
    /// whether there is TLS, and which roots.
    pub fn new() -> Self {
        Self {
            user: None,
            ca: None,
            identity: None,
            domain: None,
            assume_http2: false,
            ordered_endpoints: false,
            follow_members: false,
            cluster_id: None,
            connect_timeout: Duration::from_secs(5),
            liveness_timeout: Duration::from_secs(5),
            audit_interval: None,
        }
    }

    /// Sets the user and the password to authenticate with.
    ///
    /// If the cluster has authentication disabled, the store reads without a user.
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        let name = name.into();
        self.user = Some(Source::given(name.clone(), (name, password.into())));
        self
    }

    /// Sets the user, and the file that has the password. A line break at its end is not part of the
    /// password. The file is read for each new connection.
    pub fn user_with_password_file(
        mut self,
        name: impl Into<String>,
        password: impl Into<PathBuf>,
    ) -> Self {
        self.user = Some(Source::password_file(name.into(), password.into()));
        self
    }

    /// Sets a function that returns the user and the password. It is called for each new connection, and
    /// may block.
    ///
    /// ```
    /// use event_etcd::Options;
    ///
    /// /// Reads what another program renews: the name of the user and the password, a line each.
    /// fn user() -> Result<(String, String), String> {
    ///     let text = std::fs::read_to_string("/run/secrets/etcd").map_err(|error| error.to_string())?;
    ///     let (name, password) = text.trim_end_matches('\n').split_once('\n').ok_or("expected two lines")?;
    ///     Ok((name.to_owned(), password.to_owned()))
    /// }
    ///
    /// let options = Options::new().user_from(user);
    /// ```
    pub fn user_from<E: Into<BoxError>>(
        mut self,
        user: impl Fn() -> Result<(String, String), E> + Send + Sync + 'static,
    ) -> Self {
        self.user = Some(Source::function("the user", user));
        self
    }

    /// Sets the certificate authority that signed the servers' certificates, as PEM, in place of the
    /// system's roots. The store then uses TLS: an endpoint without a scheme is `https`.
    ///
    /// It may be a bundle of several certificates. The store ignores those that can't be read, with a
    /// warning through `tracing`, unless none is left.
    pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca = Some(Source::given("given", pem.into()));
        self
    }

    /// Sets the file that has the certificate authority, in the form that
    /// [`ca_certificate`](Self::ca_certificate) takes. It is read for each new connection.
    pub fn ca_certificate_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca = Some(Source::file(path.into()));
        self
    }

    /// Sets a function that returns the certificate authority, as
    /// [`ca_certificate`](Self::ca_certificate) takes it. It is called for each new connection, and may
    /// block.
    pub fn ca_certificate_from<E: Into<BoxError>>(
        mut self,
        pem: impl Fn() -> Result<Vec<u8>, E> + Send + Sync + 'static,
    ) -> Self {
        self.ca = Some(Source::function("the authority's certificate", pem));
        self
    }

    /// Sets the client's certificate and its key, as PEM, for mutual TLS. The store then uses TLS.
    ///
    /// If an intermediate authority signed the certificate, append the intermediate certificates to
    /// `certificate`, after the client's own.
    pub fn identity(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.identity = Some(Source::given("given", (certificate.into(), key.into())));
        self
    }

    /// Sets the files that have the client's certificate and its key, as [`identity`](Self::identity) takes
    /// them. They are read for each new connection.
    pub fn identity_files(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.identity = Some(Source::files(certificate.into(), key.into()));
        self
    }

    /// Sets a function that returns the client's certificate and its key, as [`identity`](Self::identity)
    /// takes them. It is called for each new connection, and may block.
    pub fn identity_from<E: Into<BoxError>>(
        mut self,
        identity: impl Fn() -> Result<(Vec<u8>, Vec<u8>), E> + Send + Sync + 'static,
    ) -> Self {
        self.identity = Some(Source::function("the client's certificate", identity));
        self
    }

    /// Sets the name that the servers' certificates are for, if it differs from the host of the endpoint.
    /// The store then uses TLS.
    pub fn domain_name(mut self, name: impl Into<String>) -> Self {
        self.domain = Some(name.into());
        self
    }

    /// Sets whether to speak HTTP/2 over TLS with a server that does not negotiate it.
    ///
    /// `false` by default: a connection without ALPN fails, and the cause names this option. Set it if TLS
    /// ends before etcd, at something that knows no ALPN, such as stunnel or a load balancer that ends TLS.
    pub fn assume_http2(mut self, assume: bool) -> Self {
        self.assume_http2 = assume;
        self
    }

    /// Sets whether the endpoints are tried in the order they are given in.
    ///
    /// `false` by default: the order is random, which spreads many programs over the members.
    pub fn ordered_endpoints(mut self, ordered: bool) -> Self {
        self.ordered_endpoints = ordered;
        self
    }

    /// Sets whether the store also connects to members that it finds in the cluster's member list, at the
    /// client URLs that they advertise.
    ///
    /// `false` by default: the store connects to the given endpoints only.
    pub fn follow_members(mut self, follow: bool) -> Self {
        self.follow_members = follow;
        self
    }

    /// Sets the id of the only cluster that the store reads from. `etcdctl member list -w fields` prints it in
    /// decimal, and [`Health::cluster`](event_core::Health::cluster) has it in hexadecimal.
    ///
    /// `None` by default: any cluster. If a member of another cluster answers, the store treats it as a
    /// member that failed, with the cause [`OtherCluster`](event_core::CauseKind::OtherCluster). A cluster
    /// that was restored from a backup may have a new id: then set that one, or the store stays stalled.
    pub fn cluster_id(mut self, id: impl Into<Option<u64>>) -> Self {
        self.cluster_id = id.into();
        self
    }

    /// Sets how long a member may take from connecting to the first response. After that the next member
    /// is tried.
    ///
    /// 5 s by default. Connecting takes a round trip, and the first response another one. With the default,
    /// a round trip may therefore take about 2.4 s, and less with TLS and a user, which need further ones.
    /// Resolving the name of an endpoint may take as long again. If a user is set, then once the connection
    /// stands, the login may take another 15 s, which is three times this timeout, because an etcd that
    /// checks many passwords at once is slow.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long a connection may be wholly silent. After that it counts as dead, and the next member is
    /// tried.
    ///
    /// 5 s by default. While a key or a map is watched, the store reads one key, without its value, at
    /// least once per 40 % of this time: by default every 1.5 to 2 s, at random. The keys take turns.
    /// Behind `etcd grpc-proxy`, it reads up to 1024 of them each time, and not one. If the watch stream
    /// was silent meanwhile, the store also asks it for a sign of life. Each response must arrive within
    /// the remaining 60 %, which is 3 s by default. That time starts again as long as 16 kB arrive within
    /// it, as while a large value crosses a slow link. By default, an idle store that is not behind `etcd
    /// grpc-proxy` costs an etcd 30 to 40 small reads and as many small messages on the watch stream a
    /// minute. A longer timeout lowers both in proportion. A timeout of only a few round trips gives false
    /// alarms. [`EtcdStore::health`](crate::EtcdStore::health) says how soon other failures are noticed.
    pub fn liveness_timeout(mut self, timeout: Duration) -> Self {
        self.liveness_timeout = timeout;
        self
    }

    /// Sets how often the store checks that the watch of each map has sent all that it should.
    ///
    /// `None` by default: never. An etcd must not lose an event of a watch without a word, but it has happened:
    /// [etcd#17529](https://github.com/etcd-io/etcd/issues/17529). The store then keeps the old version until the key
    /// is written again, or until the store reads it. The watched keys and maps take turns: one is read every 1.5 to
    /// 2 s [by default](Self::liveness_timeout), if the store has nothing else to read. With `n` of them, a key is
    /// read within about `2 n` seconds. Of a map, one key is read each time, so with `m` keys in the map it is about
    /// `2 n m` seconds.
    ///
    /// If this is set, the store audits each map once per interval, or up to a quarter sooner: it reads the names and the
    /// revisions of all its keys, and compares them with what it knows. If a change was lost, the store warns through
    /// `tracing`, ends the connection with the cause
    /// [`ProtocolViolation`](event_core::CauseKind::ProtocolViolation), and reads everything anew from the next member.
    /// Watchers get what differs as one step.
    ///
    /// The values do not travel, but the server loads them: an audit of 100,000 keys of 1 kB makes it read 100 MB. Choose
    /// minutes, not seconds.
    pub fn audit_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.audit_interval = interval.into();
        self
    }

    pub(crate) fn timeouts(&self) -> Timeouts {
        let login = self.user.as_ref().map_or(Duration::ZERO, |_| LOGIN * self.connect_timeout);
        Timeouts { connect: self.connect_timeout, login, liveness: self.liveness_timeout }
    }

    /// Whether the options are for TLS, whatever the endpoints are.
    pub(crate) fn wants_tls(&self) -> bool {
        self.ca.is_some() || self.identity.is_some() || self.domain.is_some()
    }

    /// Refuses what can't be used. The credentials are read by whoever connects.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let timeouts = [self.connect_timeout, self.liveness_timeout];
        let is_wrong = |time: &Duration| time.is_zero() || *time > LONGEST;
        if timeouts.iter().any(is_wrong) {
            return Err(refused("a timeout must be longer than zero and not longer than a day"));
        }
        if self.audit_interval.as_ref().is_some_and(is_wrong) {
            return Err(refused("an interval must be longer than zero and not longer than a day"));
        }
        if let Some(name) = &self.domain
            && ServerName::try_from(name.as_str()).is_err()
        {
            return Err(refused(format!(
                "`{name}` is no name that a certificate can have: `Options::domain_name` takes a host name or \
                 an IP address, without a port"
            )));
        }
        Ok(())
    }
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

impl fmt::Debug for Options {
    /// Prints no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("user", &self.user)
            .field("ca_certificate", &self.ca)
            .field("identity", &self.identity)
            .field("domain_name", &self.domain)
            .field("assume_http2", &self.assume_http2)
            .field("ordered_endpoints", &self.ordered_endpoints)
            .field("follow_members", &self.follow_members)
            .field("cluster_id", &self.cluster_id)
            .field("connect_timeout", &self.connect_timeout)
            .field("liveness_timeout", &self.liveness_timeout)
            .field("audit_interval", &self.audit_interval)
            .finish()
    }
}
