use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use etcd_harness::{Proxy, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::TIMEOUT;

/// How long a test waits to check that nothing arrives.
const SILENCE: Duration = Duration::from_millis(200);

/// A proxy to a server that sends back every byte.
async fn echo() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    Proxy::start(address)
}

async fn connected(proxy: &Proxy) -> TcpStream {
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    let mut response = [0; 5];
    timeout(TIMEOUT, stream.read_exact(&mut response)).await.expect("no response").unwrap();
    assert_eq!(&response, b"hello");
    stream
}

#[tokio::test]
async fn bytes_are_forwarded_and_counted() {
    let proxy = echo().await;
    let mut stream = connected(&proxy).await;
    assert_eq!(proxy.connections(), 1);

    let long = vec![7; 3_000_000];
    let (mut from, mut to) = stream.split();
    let mut back = vec![0; long.len()];
    let (sent, received) = tokio::join!(to.write_all(&long), from.read_exact(&mut back));
    sent.unwrap();
    received.unwrap();

    assert_eq!(back, long);
    assert_eq!(proxy.bytes_to_server(), 3_000_005);
    assert_eq!(proxy.bytes_to_client(), 3_000_005);
    drop(stream);
    eventually(TIMEOUT, "the connection is gone", async || proxy.connections() == 0).await;
}

#[tokio::test]
async fn reset_resets_connections_and_forwards_new_ones() {
    let proxy = echo().await;
    let mut stream = connected(&proxy).await;

    proxy.reset().await;

    assert_eq!(proxy.connections(), 0);
    assert_eq!(stream.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    connected(&proxy).await;
}

#[tokio::test]
async fn close_ends_connections_gracefully_and_forwards_new_ones() {
    let proxy = echo().await;
    let mut stream = connected(&proxy).await;

    let (closed, rest) = tokio::join!(proxy.close(), async {
        let rest = stream.read(&mut [0; 8]).await;
        drop(stream);
        rest
    });

    let () = closed;
    assert_eq!(rest.unwrap(), 0);
    connected(&proxy).await;
}

#[tokio::test]
async fn held_bytes_are_forwarded_after_release() {
    let proxy = echo().await;
    let mut old = connected(&proxy).await;

    proxy.hold();
    let mut new = TcpStream::connect(proxy.address()).await.unwrap();
    old.write_all(b"a").await.unwrap();
    new.write_all(b"b").await.unwrap();
    assert!(timeout(SILENCE, old.read_u8()).await.is_err(), "a held connection forwarded a byte");
    assert!(timeout(SILENCE, new.read_u8()).await.is_err(), "a new connection forwarded a byte");

    proxy.release();
    assert_eq!(timeout(TIMEOUT, old.read_u8()).await.unwrap().unwrap(), b'a');
    assert_eq!(timeout(TIMEOUT, new.read_u8()).await.unwrap().unwrap(), b'b');
}

#[tokio::test]
async fn reset_works_while_connections_are_held() {
    let proxy = echo().await;
    let mut old = connected(&proxy).await;
    proxy.hold();
    let mut new = TcpStream::connect(proxy.address()).await.unwrap();
    eventually(TIMEOUT, "both are accepted", async || proxy.connections() == 2).await;

    proxy.reset().await;

    assert_eq!(old.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(new.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_proxy_that_refused_accepts_again_on_the_same_port() {
    let proxy = echo().await;
    let mut stream = connected(&proxy).await;

    proxy.refuse().await;
    assert_eq!(stream.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);

    proxy.accept();
    connected(&proxy).await;
}

#[tokio::test]
async fn a_delay_applies_in_each_direction_and_does_not_add_up_over_bytes() {
    let proxy = echo().await;
    let mut stream = connected(&proxy).await;
    let delay = Duration::from_millis(300);

    proxy.delay(delay);
    let start = Instant::now();
    for _ in 0..20 {
        stream.write_u8(1).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut back = [0; 20];
    stream.read_exact(&mut back).await.unwrap();

    let elapsed = start.elapsed();
    assert!(elapsed >= 2 * delay, "{elapsed:?}");
    assert!(elapsed < 2 * delay * 20 / 2, "the delays of the bytes add up: {elapsed:?}");
}

#[tokio::test]
async fn a_throttle_limits_all_connections_together() {
    let proxy = echo().await;
    let (mut one, mut other) = (connected(&proxy).await, connected(&proxy).await);

    proxy.throttle(Some(100_000));
    let start = Instant::now();
    let (data, mut back, mut others) = (vec![1; 20_000], vec![0; 20_000], vec![0; 20_000]);
    one.write_all(&data).await.unwrap();
    other.write_all(&data).await.unwrap();
    let (first, second) = tokio::join!(one.read_exact(&mut back), other.read_exact(&mut others));
    first.unwrap();
    second.unwrap();

    let elapsed = start.elapsed();
    assert!(elapsed >= Duration::from_millis(400), "{elapsed:?}");
    assert!(elapsed < TIMEOUT, "{elapsed:?}");
    proxy.throttle(None);
    connected(&proxy).await;
}

#[tokio::test]
async fn cut_after_closes_the_connection_after_exactly_that_many_bytes() {
    let proxy = echo().await;
    let mut stream = connected(&proxy).await;

    proxy.cut_after(3);
    stream.write_all(b"abcdef").await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();

    assert_eq!(rest, b"abc");
    drop(stream);
    connected(&proxy).await;
}

#[tokio::test]
async fn if_the_target_refuses_the_client_is_reset() {
    let unused = etcd_harness::Port::claim();
    let proxy = Proxy::start(unused.address());

    // The reset may arrive before `connect` returns.
    let reset = async { TcpStream::connect(proxy.address()).await?.read_u8().await };
    assert_eq!(reset.await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}
