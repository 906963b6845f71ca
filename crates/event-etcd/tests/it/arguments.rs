//! Bad input gets a clear error.

use std::time::Duration;

use event_core::{CauseKind, Health};
use event_core::{ErrorKind, ValueReader, WatcherExt};
use event_etcd::{EtcdStore, Options};
use tokio::time::timeout;

use crate::support::{BOUND, options};

#[tokio::test]
async fn endpoints_that_cant_be_read_are_refused_with_their_name() {
    for endpoint in ["not a url", "http://", "host:port:port", "", "127.0.0.1:99999"] {
        let error = EtcdStore::connect([endpoint], Options::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{endpoint}");
        let text = error.to_string();
        assert!(
            text.contains(&format!("`{endpoint}`")) && text.contains("expected host:port"),
            "{text}"
        );
    }
    let error = EtcdStore::connect(Vec::<String>::new(), Options::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn timeouts_of_zero_or_without_end_are_refused() {
    let without_end = Options::new().connect_timeout(Duration::MAX);
    assert_eq!(
        EtcdStore::connect(["127.0.0.1:1"], without_end).await.unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    let error =
        EtcdStore::connect(["127.0.0.1:1"], Options::new().liveness_timeout(Duration::ZERO))
            .await
            .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn http_and_tls_dont_go_together() {
    let options = Options::new().ca_certificate("x");
    let error = EtcdStore::connect(["http://127.0.0.1:1"], options).await.unwrap_err();
    assert!(error.to_string().contains("https://"), "{error}");
}

#[tokio::test]
async fn an_endpoint_that_connect_refuses_cant_be_added_either() {
    let plain = EtcdStore::connect(["127.0.0.1:1"], Options::new()).await.unwrap();
    let tls = EtcdStore::connect(["https://127.0.0.1:1"], Options::new()).await.unwrap();
    for (store, endpoint) in [
        (&plain, "not a url"),
        (&plain, "https://127.0.0.1:2"),
        (&tls, "http://127.0.0.1:2"),
        (&tls, "127.0.0.1"),
    ] {
        let error = store.add_endpoint(endpoint).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{endpoint}");
        assert!(error.to_string().contains(&format!("`{endpoint}`")), "{error}");
    }
    plain.add_endpoint("http://127.0.0.1:2").unwrap();
    tls.add_endpoint("127.0.0.1:2").unwrap();
    plain.remove_endpoint("127.0.0.1:3").unwrap();
}

#[tokio::test]
async fn the_endpoints_of_a_client_are_not_the_stores_to_change() {
    let client = etcd_client::Client::connect(["127.0.0.1:1"], None).await.unwrap();
    let store = EtcdStore::from_client(client).unwrap();
    for result in [store.add_endpoint("127.0.0.1:2"), store.remove_endpoint("127.0.0.1:1")] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn a_store_outside_a_runtime_is_an_error_and_no_panic() {
    let store =
        futures_util::FutureExt::now_or_never(EtcdStore::connect(["127.0.0.1:1"], Options::new()));
    assert_eq!(store.expect("it does not wait").unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_named_by_health() {
    let port = etcd_harness::Port::claim();
    let store = EtcdStore::connect([port.address().to_string()], options()).await.unwrap();
    let mut watcher = store.value("key").watch();
    let said =
        |health: &Health| health.cause.as_ref().is_some_and(|c| c.kind() == CauseKind::Unreachable);
    let health =
        timeout(BOUND, store.health().watch().get_if(said)).await.expect("health says so").unwrap();
    let cause = health.cause.unwrap().to_string();
    // Where the port is claimed, a busy machine may say reset.
    assert!(cause.contains("refused") || cause.contains("reset"), "{cause}");
    assert_eq!(health.source.as_deref(), Some(&*port.address().to_string()));
    assert!(watcher.try_get().is_none());
}

#[tokio::test]
async fn a_key_is_any_bytes_and_a_value_may_be_empty() {
    let (_cluster, client, store) = crate::support::one_node().await;
    let key: &[u8] = &[0xff, 0, b'/', 0xc3];
    client.kv_client().put(key, "", None).await.unwrap();
    let entry = crate::support::next(&mut store.value(key).watch()).await.unwrap();
    assert_eq!((&entry.key[..], entry.value().map(|value| &value[..])), (key, Some(&b""[..])));
}

#[test]
fn options_print_no_secret() {
    let options = Options::new().user("reader", "hunter2").identity("certificate", "hunter2");
    let text = format!("{options:?}");
    assert!(text.contains("reader") && !text.contains("hunter2"), "{text}");
    let options = Options::new()
        .user_with_password_file("reader", "/run/password")
        .ca_certificate_from(|| Ok::<_, String>(b"hunter2".to_vec()))
        .identity_files("/run/client.pem", "/run/client.key")
        .assume_http2(true)
        .ordered_endpoints(true)
        .follow_members(true)
        .cluster_id(14_841_639);
    let text = format!("{options:?}");
    for printed in [
        "reader",
        "/run/password",
        "/run/client.pem",
        "/run/client.key",
        "assume_http2: true",
        "ordered_endpoints: true",
        "follow_members: true",
        "cluster_id: Some(14841639)",
    ] {
        assert!(text.contains(printed), "{printed}: {text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn options_go_wherever_a_program_takes_them() {
    fn goes_anywhere<T: Clone + Send + Sync + 'static>() {}
    goes_anywhere::<Options>();
}

async fn refused(options: Options) -> String {
    let error = EtcdStore::connect(["https://127.0.0.1:1"], options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    format!("{error:#}")
}

#[tokio::test]
async fn an_empty_name_or_password_is_refused() {
    let nobody = || Ok::<_, String>((String::new(), "password".to_owned()));
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "\n").unwrap();
    for (options, words) in [
        (options().user("", "password"), "the user has no name"),
        (options().user("reader", ""), "the password of the user reader is empty"),
        (options().user_from(nobody), "the user has no name"),
        (options().user_with_password_file("reader", &empty), "empty has no password in it"),
        (options().domain_name(""), "`Options::domain_name`"),
        (options().domain_name("etcd.example:2379"), "`Options::domain_name`"),
    ] {
        let error = refused(options).await;
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn credentials_that_cant_be_read_are_refused_with_their_file() {
    let fails = || Err::<(Vec<u8>, Vec<u8>), _>("the vault is sealed");
    for (options, words) in [
        (options().user_with_password_file("reader", "/no/password"), "/no/password"),
        (options().ca_certificate_file("/no/ca.pem"), "/no/ca.pem"),
        (options().identity_files("/no/client.pem", "/no/client.key"), "/no/client.pem"),
        (options().identity_from(fails), "the vault is sealed"),
    ] {
        let error = refused(options).await;
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn an_endpoint_is_taken_in_any_spelling_and_counts_once() {
    let (cluster, client, _) = crate::support::one_node().await;
    crate::support::put(&client, "key", "a").await;
    let address = cluster.node(0).address();
    for spelling in [
        format!(" HTTP://{address}/ "),
        format!("127.0.0.1:1, {address},"),
        format!("http://{address}"),
    ] {
        let store = EtcdStore::connect([spelling.as_str()], options()).await.unwrap();
        crate::support::until(&mut store.value("key").watch(), "a").await;
    }
    let store = EtcdStore::connect([format!("http://{address}/")], options()).await.unwrap();
    let mut watcher = store.value("key").watch();
    crate::support::until(&mut watcher, "a").await;
    store.add_endpoint(address.to_string()).unwrap();
    // If it counted twice, one would be left.
    store.remove_endpoint(format!("HTTP://{address}")).unwrap();
    let said = |health: &Health| {
        let kind = health.cause.as_ref().map(event_core::Cause::kind);
        kind == Some(CauseKind::EndpointRemoved)
    };
    timeout(BOUND, store.health().watch().get_if(said)).await.expect("health says so").unwrap();
    crate::support::put(&client, "key", "b").await;
    store.add_endpoint(address.to_string()).unwrap();
    crate::support::until(&mut watcher, "b").await;
}

#[tokio::test]
async fn a_password_in_an_endpoint_is_not_printed() {
    for endpoints in [&["http://root:hun,ter2@a:1"][..], &["http://root:hun", "ter2@a:1"]] {
        let error = EtcdStore::connect(endpoints.iter().copied(), options()).await.unwrap_err();
        let text = format!("{error:#} {error:?}");
        assert!(text.contains("Options::user") && !text.contains("hun"), "{text}");
    }
}

#[test]
fn a_runtime_without_time_or_io_is_an_error_and_no_panic() {
    use tokio::runtime::Builder;
    let connect = || async { EtcdStore::connect(["127.0.0.1:1"], Options::new()).await };
    let without_time = Builder::new_current_thread().enable_io().build().unwrap();
    let error = without_time.block_on(connect()).unwrap_err();
    assert!(error.to_string().contains("enable_time"), "{error}");
    let without_io = Builder::new_current_thread().enable_time().build().unwrap();
    let error = without_io.block_on(connect()).unwrap_err();
    assert!(error.to_string().contains("enable_io"), "{error}");
    let with_both = Builder::new_current_thread().enable_all().build().unwrap();
    assert!(with_both.block_on(connect()).is_ok());
}
