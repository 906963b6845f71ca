//! What a connection is: its address, what the server is called on it, and how long it may take.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use event_core::{CauseKind, Health, ValueReader, WatcherExt};
use event_etcd::{EtcdStore, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::{BOUND, DETECTION, one_node, options, put, until};
use crate::terminator::{Signer, Terminator, params};

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn says(store: &EtcdStore, kind: CauseKind) -> String {
    let said = |health: &Health| health.cause.as_ref().is_some_and(|cause| cause.kind() == kind);
    let health = timeout(BOUND, store.health().watch().get_if(said)).await;
    health.expect("health says so").unwrap().cause.unwrap().to_string()
}

async fn store(endpoint: String, options: Options) -> EtcdStore {
    EtcdStore::connect([endpoint], options).await.unwrap()
}

#[tokio::test]
async fn a_unix_socket_is_an_endpoint() {
    let (cluster, client, _) = one_node().await;
    put(&client, "key", "a").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("etcd.sock");
    let (sockets, etcd) = (UnixListener::bind(&path).unwrap(), cluster.node(0).address());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = sockets.accept().await {
            let mut etcd = TcpStream::connect(etcd).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut socket, &mut etcd).await });
        }
    });
    for endpoint in [format!("unix://{}", path.display()), format!("unix:{}", path.display())] {
        let store = store(endpoint, options()).await;
        until(&mut store.value("key").watch(), "a").await;
    }
}

#[tokio::test]
async fn a_unix_socket_that_is_not_there_is_named() {
    let store = store("unix:///no/etcd.sock".to_owned(), options()).await;
    let _watcher = store.value("key").watch();
    let cause = says(&store, CauseKind::Unreachable).await;
    assert!(cause.contains("/no/etcd.sock") && cause.contains("No such file"), "{cause}");
}

#[tokio::test]
async fn a_server_is_called_by_the_name_in_the_endpoint_and_not_by_its_address() {
    let (listener, address) = listener().await;
    let (called, mut calls) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let called = called.clone();
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(socket).await.unwrap();
                while let Some(Ok((request, _respond))) = connection.accept().await {
                    let _ = called.send(request.uri().to_string());
                }
            });
        }
    });
    let endpoint = format!("http://LocalHost:{}/", address.port());
    let store = store(endpoint, options()).await;
    let _watcher = store.value("key").watch();
    let uri = timeout(BOUND, calls.recv()).await.unwrap().unwrap();
    assert_eq!(uri, format!("http://localhost:{}/etcdserverpb.KV/Range", address.port()));
}

#[tokio::test]
async fn a_certificate_is_checked_for_the_name_in_the_endpoint() {
    let (cluster, client, _) = one_node().await;
    put(&client, "key", "a").await;
    let authority = Signer::new("authority");
    let by_name = authority.sign(&params(&["localhost"]));
    let server = Terminator::start(cluster.node(0).address(), &by_name, &["h2"]).await;
    let trusted = options().ca_certificate(authority.pem());
    let port = server.address().port();
    let by_name = store(format!("https://localhost:{port}"), trusted.clone()).await;
    until(&mut by_name.value("key").watch(), "a").await;
    let by_address = store(format!("https://127.0.0.1:{port}"), trusted).await;
    let _watcher = by_address.value("key").watch();
    let cause = says(&by_address, CauseKind::Unreachable).await;
    assert!(cause.contains("for other names"), "{cause}");
}

/// A server that accepts connections, and is silent.
async fn silent() -> SocketAddr {
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        let mut sockets = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            sockets.push(socket);
        }
    });
    address
}

/// A server that speaks HTTP/2, and answers no request.
async fn busy() -> SocketAddr {
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(socket).await.unwrap();
                let mut requests = Vec::new();
                while let Some(Ok(request)) = connection.accept().await {
                    requests.push(request);
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_named_with_what_it_did_not_do() {
    let user = || options().user("reader", "hunter2");
    let trusted = options().ca_certificate(Signer::new("authority").pem());
    for (endpoint, options, kind, words) in [
        (format!("https://{}", silent().await), trusted, CauseKind::Unreachable, "no TLS"),
        (format!("http://{}", silent().await), user(), CauseKind::Unreachable, "the login"),
        // Many logins at once take longer than the timeout (C12). More of them would make it worse.
        (format!("http://{}", busy().await), user(), CauseKind::ResourceExhausted, "the login"),
    ] {
        let store = store(endpoint, options).await;
        let _watcher = store.value("key").watch();
        let cause = says(&store, kind).await;
        assert!(cause.contains(words) && !cause.contains("hunter2"), "{cause}");
    }
}

#[tokio::test]
async fn a_function_that_hangs_holds_up_neither_the_store_nor_the_runtime() {
    let (hangs, address) = (Arc::new(AtomicBool::new(false)), silent().await);
    let (threads, now) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&hangs));
    let counted = Arc::clone(&threads);
    let user = move || {
        if now.load(Ordering::Relaxed) {
            counted.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_secs(3600));
        }
        Ok::<_, String>(("reader".to_owned(), "hunter2".to_owned()))
    };
    let connect = EtcdStore::connect([address.to_string()], options().user_from(user));
    let store = connect.await.unwrap();
    hangs.store(true, Ordering::Relaxed);
    let _watcher = store.value("key").watch();
    let cause = says(&store, CauseKind::Unauthenticated).await;
    assert!(cause.contains("were not read within"), "{cause}");
    // Further connections wait for the same thread.
    tokio::time::sleep(2 * DETECTION).await;
    assert_eq!(threads.load(Ordering::Relaxed), 1);
    // And the runtime ends with this test.
}

#[tokio::test]
async fn a_port_that_speaks_http_1_says_so() {
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut bytes = [0; 1024];
                let _ = socket.read(&mut bytes).await;
                let _ = socket
                    .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                    .await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            });
        }
    });
    let store = store(format!("http://{address}"), options()).await;
    let _watcher = store.value("key").watch();
    let cause = says(&store, CauseKind::Unreachable).await;
    assert!(cause.contains("HTTP/2") && cause.contains("gRPC"), "{cause}");
}
