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

use crate::BOUND;

/// Long enough to see that nothing comes.
const SILENCE: Duration = Duration::from_millis(200);

/// A server that answers every byte with the same byte.
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
    assert_eq!(answer(&mut stream, b"hello").await, b"hello");
    stream
}

async fn answer(stream: &mut TcpStream, question: &[u8]) -> Vec<u8> {
    stream.write_all(question).await.unwrap();
    let mut answer = vec![0; question.len()];
    timeout(BOUND, stream.read_exact(&mut answer)).await.expect("an answer").unwrap();
    answer
}

#[tokio::test]
async fn bytes_pass_and_are_counted() {
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
    eventually(BOUND, "the connection is gone", async || proxy.connections() == 0).await;
}

#[tokio::test]
async fn a_reset_is_a_reset_and_new_connections_are_carried() {
    let proxy = echo().await;
    let mut stream = connected(&proxy).await;

    proxy.reset().await;

    assert_eq!(proxy.connections(), 0);
    assert_eq!(stream.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    connected(&proxy).await;
}

#[tokio::test]
async fn a_close_is_orderly_and_new_connections_are_carried() {
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
async fn what_is_held_comes_when_it_is_released() {
    let proxy = echo().await;
    let mut old = connected(&proxy).await;

    proxy.hold();
    let mut new = TcpStream::connect(proxy.address()).await.unwrap();
    old.write_all(b"a").await.unwrap();
    new.write_all(b"b").await.unwrap();
    assert!(timeout(SILENCE, old.read_u8()).await.is_err(), "a held connection spoke");
    assert!(timeout(SILENCE, new.read_u8()).await.is_err(), "a new connection spoke");

    proxy.release();
    assert_eq!(timeout(BOUND, old.read_u8()).await.unwrap().unwrap(), b'a');
    assert_eq!(timeout(BOUND, new.read_u8()).await.unwrap().unwrap(), b'b');
}

#[tokio::test]
async fn a_connection_that_is_held_can_be_reset() {
    let proxy = echo().await;
    let mut old = connected(&proxy).await;
    proxy.hold();
    let mut new = TcpStream::connect(proxy.address()).await.unwrap();
    eventually(BOUND, "both are accepted", async || proxy.connections() == 2).await;

    proxy.reset().await;

    assert_eq!(old.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(new.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_refusing_proxy_accepts_again_on_the_same_port() {
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
async fn a_delay_is_added_each_way_and_does_not_keep_bytes_from_following() {
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

    let took = start.elapsed();
    assert!(took >= 2 * delay, "{took:?}");
    assert!(took < 2 * delay * 20 / 2, "one byte waited for the other: {took:?}");
}

#[tokio::test]
async fn a_connection_is_closed_after_the_byte_that_was_named() {
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
async fn a_target_that_refuses_is_a_connection_that_is_reset() {
    let nobody = etcd_harness::Port::claim();
    let proxy = Proxy::start(nobody.address());

    // The reset may be there before `connect` has returned.
    let reset = async { TcpStream::connect(proxy.address()).await?.read_u8().await };
    assert_eq!(reset.await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}
