//! A minimal HTTP client for health checks and metrics.

use std::{io, net::SocketAddr, time::Duration};

use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A stopped server accepts connections but does not respond.
const TIMEOUT: Duration = Duration::from_secs(2);

/// GETs a path and returns the status and the body.
pub(crate) async fn get(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    timeout(TIMEOUT, request(address, path)).await?
}

/// Sends an HTTP/1.0 request: its response is never chunked, and the end of the connection ends the body.
async fn request(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    // Waiting for a condition makes up to a hundred requests a second. With this option the close is a
    // reset, which leaves no socket in TIME_WAIT.
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    parse(&response).ok_or_else(|| io::Error::other("invalid HTTP response"))
}

fn parse(response: &str) -> Option<(u16, String)> {
    let (head, body) = response.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}
