//! A connection that fails for a certificate says in whose, and what to change.

use std::net::SocketAddr;

use etcd_harness::{Authority, Cluster};
use event_core::{CauseKind, Health, HealthState, ValueReader, WatcherExt};
use event_etcd::{EtcdStore, Options};
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, date_time_ymd};
use tokio::time::timeout;

use crate::support::{BOUND, options, put, until};
use crate::terminator::{Pair, Signer, Terminator, params, self_signed};

const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// Nothing listens here: the connection does not come so far.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9);

/// The cause for which a store can't connect.
async fn cause(endpoint: impl Into<String>, options: Options) -> String {
    cause_of_kind(CauseKind::Unreachable, endpoint, options).await
}

async fn cause_of_kind(kind: CauseKind, endpoint: impl Into<String>, options: Options) -> String {
    let store = EtcdStore::connect([endpoint.into()], options).await.unwrap();
    let _watcher = store.value("key").watch();
    let is_stalled = |health: &Health| health.state == HealthState::Stalled;
    let health = timeout(BOUND, store.health().watch().get_if(is_stalled)).await;
    let cause = health.expect("health says so").unwrap().cause.unwrap();
    assert_eq!(cause.kind(), kind, "{cause}");
    cause.to_string()
}

fn assert_says(cause: &str, words: &[&str]) {
    println!("{cause}");
    for words in words {
        assert!(cause.contains(words), "`{words}` is missing in: {cause}");
    }
}

/// What a store says to a server with this certificate, if it trusts the authority.
async fn cause_of_server(server: &Pair, authority: &str) -> String {
    let terminator = Terminator::start(NOWHERE, server, &["h2"]).await;
    cause(terminator.endpoint(), options().ca_certificate(authority)).await
}

#[tokio::test]
async fn a_bad_certificate_of_the_server_is_named_with_what_to_change() {
    let authority = Signer::new("authority");
    let good = authority.sign(&params(&NAMES));

    let mut ca = params(&NAMES);
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = self_signed(&ca);
    assert_says(&cause_of_server(&ca, &ca.certificate).await, &["CA:FALSE", "CaUsedAsEndEntity"]);

    let v1 = Pair { certificate: include_str!("x509_v1.pem").to_owned(), key: good.key.clone() };
    assert_says(
        &cause_of_server(&v1, &authority.pem()).await,
        &["version 3", "UnsupportedCertVersion"],
    );

    let stranger = Signer::new("stranger");
    let unknown = cause_of_server(&good, &stranger.pem()).await;
    assert_says(&unknown, &["`Options::ca_certificate`", "UnknownIssuer"]);

    let renewed = Signer::new("authority");
    assert_says(&cause_of_server(&good, &renewed.pem()).await, &["the authority was renewed"]);

    let below = authority.intermediate("intermediate");
    let alone = below.sign(&params(&NAMES));
    assert_says(&cause_of_server(&alone, &authority.pem()).await, &["intermediate certificates"]);

    let mut expired = params(&NAMES);
    expired.not_after = date_time_ymd(2020, 1, 1);
    let expired = authority.sign(&expired);
    assert_says(&cause_of_server(&expired, &authority.pem()).await, &["the server's", "renew it"]);

    let mut early = params(&NAMES);
    early.not_before = date_time_ymd(2090, 1, 1);
    let early = authority.sign(&early);
    assert_says(
        &cause_of_server(&early, &authority.pem()).await,
        &["not valid yet: set this machine's clock"],
    );

    let other = authority.sign(&params(&["elsewhere.example"]));
    let other = cause_of_server(&other, &authority.pem()).await;
    assert_says(&other, &["for other names", "`Options::domain_name`", "elsewhere.example"]);

    let nameless = authority.sign(&params(&[]));
    assert_says(&cause_of_server(&nameless, &authority.pem()).await, &["names"]);

    let mut of_client = params(&NAMES);
    of_client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let of_client = authority.sign(&of_client);
    assert_says(&cause_of_server(&of_client, &authority.pem()).await, &["is not for servers"]);

    let below = authority.sign_by_a_server(&params(&NAMES));
    assert_says(&cause_of_server(&below, &authority.pem()).await, &["CA:TRUE"]);
}

/// An etcd that takes the clients of an authority.
struct Mutual {
    cluster: Cluster,
    /// Its server's authority.
    server: Authority,
    clients: Signer,
    /// Where its authority's file lies.
    _folder: tempfile::TempDir,
}

impl Mutual {
    async fn start() -> Self {
        Self::start_with("--tls-max-version=TLS1.3").await
    }

    async fn start_with(flag: &str) -> Self {
        let (server, clients) = (Authority::new(), Signer::new("clients"));
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("clients.pem");
        std::fs::write(&bundle, server.pem() + &clients.pem()).unwrap();
        let trusted = format!("--trusted-ca-file={}", bundle.display());
        let cluster = Cluster::builder().mutual_tls(&server).arg(trusted).arg(flag).start().await;
        Self { cluster, server, clients, _folder: folder }
    }

    fn endpoint(&self) -> String {
        self.cluster.node(0).endpoint()
    }

    fn trusted(&self) -> Options {
        options().ca_certificate(self.server.pem())
    }

    async fn cause_of(&self, client: &Pair) -> String {
        let options = self.trusted().identity(client.certificate.as_str(), client.key.as_str());
        cause_of_kind(CauseKind::Unauthenticated, self.endpoint(), options).await
    }
}

#[tokio::test]
async fn a_bad_certificate_of_the_client_is_named_with_what_to_change() {
    let etcd = Mutual::start().await;
    let kind = CauseKind::Unauthenticated;
    let without = cause_of_kind(kind, etcd.endpoint(), etcd.trusted()).await;
    assert_says(&without, &["the server wants a certificate of the client", "`Options::identity`"]);

    let of_stranger = Signer::new("stranger").sign(&params(&[]));
    let of_stranger = etcd.cause_of(&of_stranger).await;
    assert_says(&of_stranger, &["--trusted-ca-file", "intermediate certificates"]);

    let below = etcd.clients.intermediate("intermediate");
    let mut client = below.sign(&params(&[]));
    assert_says(&etcd.cause_of(&client).await, &["followed by the intermediate certificates"]);
    client.certificate += &below.pem();
    put(&etcd.cluster.client().await, "key", "a").await;
    let complete = etcd.trusted().identity(client.certificate, client.key);
    let store = EtcdStore::connect([etcd.endpoint()], complete).await.unwrap();
    until(&mut store.value("key").watch(), "a").await;

    let mut of_server = params(&[]);
    of_server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let of_server = etcd.clients.sign(&of_server);
    assert_says(&etcd.cause_of(&of_server).await, &["for client authentication"]);
}

/// There the server's words arrive in the handshake.
#[tokio::test]
async fn with_tls_1_2_a_bad_certificate_of_the_client_is_named_too() {
    let etcd = Mutual::start_with("--tls-max-version=TLS1.2").await;
    // The server says no more than that the handshake failed, which may have another reason.
    let without = cause(etcd.endpoint(), etcd.trusted()).await;
    assert_says(&without, &["wants a certificate of the client, which `Options::identity` sets"]);
    let of_stranger = Signer::new("stranger").sign(&params(&[]));
    assert_says(&etcd.cause_of(&of_stranger).await, &["--trusted-ca-file"]);
    let mut expired = params(&[]);
    expired.not_after = date_time_ymd(2020, 1, 1);
    let expired = etcd.clients.sign(&expired);
    assert_says(&etcd.cause_of(&expired).await, &["the client's certificate expired"]);
}

#[tokio::test]
async fn an_expired_certificate_of_the_client_is_named_with_its_file_and_its_renewal_is_read() {
    let etcd = Mutual::start().await;
    put(&etcd.cluster.client().await, "key", "a").await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let write = |client: &Pair| {
        std::fs::write(file("client.pem"), &client.certificate).unwrap();
        std::fs::write(file("client.key"), &client.key).unwrap();
    };
    let mut expired = params(&[]);
    expired.not_after = date_time_ymd(2020, 1, 1);
    write(&etcd.clients.sign(&expired));
    let options = etcd.trusted().identity_files(file("client.pem"), file("client.key"));
    let store = EtcdStore::connect([etcd.endpoint()], options).await.unwrap();
    let mut watcher = store.value("key").watch();
    let is_stalled = |health: &Health| health.state == HealthState::Stalled;
    let health = timeout(BOUND, store.health().watch().get_if(is_stalled)).await.unwrap().unwrap();
    let cause = health.cause.unwrap().to_string();
    assert_says(&cause, &["the client's certificate", &file("client.pem"), "expired", "days ago"]);
    write(&etcd.clients.sign(&params(&[])));
    until(&mut watcher, "a").await;
}

#[tokio::test]
async fn http_and_https_at_the_wrong_port_say_which_one_to_write() {
    let authority = Authority::new();
    let tls = Cluster::builder().tls(&authority).start().await;
    let plain = Cluster::start(1).await;
    let address = tls.node(0).address();
    assert_says(&cause(format!("http://{address}"), options()).await, &["https://"]);
    let address = plain.node(0).address();
    let trusted = options().ca_certificate(authority.pem());
    assert_says(&cause(format!("https://{address}"), trusted).await, &["http://"]);
}

#[tokio::test]
async fn tls_that_ends_before_etcd_without_alpn_works_by_an_option() {
    let cluster = Cluster::start(1).await;
    put(&cluster.client().await, "key", "a").await;
    let authority = Signer::new("authority");
    let server = authority.sign(&params(&NAMES));
    let stunnel = Terminator::start(cluster.node(0).address(), &server, &[]).await;
    let trusted = || options().ca_certificate(authority.pem());
    assert_says(&cause(stunnel.endpoint(), trusted()).await, &["`Options::assume_http2`"]);
    let assuming = trusted().assume_http2(true);
    let store = EtcdStore::connect([stunnel.endpoint()], assuming).await.unwrap();
    until(&mut store.value("key").watch(), "a").await;

    let http1 = Terminator::start(cluster.node(0).address(), &server, &["http/1.1"]).await;
    assert_says(&cause(http1.endpoint(), trusted()).await, &["offers h2"]);
}
