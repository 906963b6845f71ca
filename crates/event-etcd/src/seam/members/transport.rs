//! How one address is connected to: the socket, TLS, HTTP/2.
//!
//! Why not the connectors of tonic? They resolve names themselves, take the addresses in the resolver's
//! order and fail over only where the TCP connection fails (C13); they read the system's roots on the task
//! that connects; and they connect again by themselves, with certificates that may have been renewed.

use std::future::ready;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use event_core::CauseKind;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tonic::transport::{Endpoint as HttpEndpoint, Uri};
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

use super::link::{Io, Link, LinkError, Observed};
use super::tls::Tls;
use crate::endpoint::{Address, Endpoint};
use crate::seam::Failure;
use crate::seam::etcd::causes;
use crate::seam::failure::kind_of;

/// The server closes a connection whose keepalive is under 5 s (C2). The session finds faults sooner, by
/// its own question on the stream; this one is for the sockets.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// A smaller window than the HTTP/2 library gives a stream, which is 2 MB.
///
/// What the server has sent lies before the answer that overtakes it (E9): 20,000 small responses in
/// 2 MB. And the library ends a connection in which many small frames lie unread (C8): a frame counts
/// with what it lacks to 256 bytes, and all together may come to half the connection's window of 5 MB.
/// A watch's response has at least 70 bytes.
const STREAM_WINDOW: u32 = 512 << 10;

/// When to give up.
#[derive(Clone, Copy)]
pub(super) struct Deadlines {
    /// For the socket.
    pub(super) socket: Duration,
    pub(super) all: Instant,
    /// How long all of it may take.
    pub(super) all_within: Duration,
}

/// A connection to one member. It connects once: a new one is made with a new resolution and new
/// credentials.
pub(super) struct Transport {
    pub(super) channel: etcd_client::Channel,
    pub(super) link: Arc<Link>,
}

pub(super) async fn connect(
    endpoint: &Endpoint,
    address: &Address,
    tls: Option<&Tls>,
    deadlines: Deadlines,
) -> Result<Transport, Failure> {
    let socket = match timeout(deadlines.socket, connect_socket(address)).await {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => {
            return Err(unreachable(format!("no connection to {address}: {}", causes(&error))));
        }
        Err(_) => {
            let within = deadlines.socket;
            return Err(unreachable(format!("no connection to {address} within {within:?}")));
        }
    };
    let (io, link) = match tls {
        None => (socket, Link::plain()),
        Some(tls) => {
            let link = Link::tls(tls.has_identity(), tls.validity());
            match timeout_at(deadlines.all, tls.handshake(endpoint, socket)).await {
                Ok(Ok(io)) => (io, link.after_handshake()),
                Ok(Err(error)) => {
                    return Err(explained(format!(
                        "no TLS with {address}: {}",
                        link.explain(&error)
                    )));
                }
                Err(_) => {
                    return Err(unreachable(format!(
                        "no TLS with {address} within {:?}: the server does not answer the handshake, or does not \
                         speak TLS on this port",
                        deadlines.all_within
                    )));
                }
            }
        }
    };
    let link = Arc::new(link);
    let channel = http2(endpoint, tls.is_some(), io, Arc::clone(&link)).await?;
    Ok(Transport { channel, link })
}

async fn connect_socket(address: &Address) -> io::Result<Box<dyn Io>> {
    match address {
        Address::Tcp(address) => {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            Ok(Box::new(socket))
        }
        #[cfg(unix)]
        Address::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        Address::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

async fn http2(
    endpoint: &Endpoint,
    tls: bool,
    io: Box<dyn Io>,
    link: Arc<Link>,
) -> Result<etcd_client::Channel, Failure> {
    // `http`, because TLS is below it already. The server is told what the endpoint says.
    let scheme = if tls { "https" } else { "http" };
    let origin: Result<Uri, _> = format!("{scheme}://{}", endpoint.authority(tls)).parse();
    let origin = origin.map_err(|error| unreachable(causes(&error)))?;
    let mut io = Some(TokioIo::new(Observed::new(io, Arc::clone(&link))));
    let once = tower::service_fn(move |_: Uri| {
        ready(io.take().ok_or_else(|| io::Error::other("the connection has ended")))
    });
    let channel = HttpEndpoint::from(Uri::from_static("http://localhost"))
        .origin(origin)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .connect_with_connector(once)
        .await
        .map_err(|error| explained(link.explain(&error)))?;
    let channel = channel.map_err(move |error| LinkError(link.explain(&error)).into());
    Ok(etcd_client::Channel::Custom(BoxCloneSyncService::new(channel)))
}

fn explained(words: String) -> Failure {
    Failure::new(kind_of(0, &words), words)
}

fn unreachable(message: impl Into<String>) -> Failure {
    Failure::new(CauseKind::Unreachable, message)
}
