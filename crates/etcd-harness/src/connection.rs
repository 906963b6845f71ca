//! One proxied connection: forwards bytes between a client and a server until one side ends it or the
//! proxy cuts it.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};

use crate::background;

/// The largest chunk, in bytes.
const CHUNK: usize = 16 * 1024;
/// How many chunks the proxy buffers in each direction. When the buffer is full, the proxy stops reading,
/// and the sender's TCP buffers fill.
const BUFFERED_CHUNKS: usize = 64;
/// How long a graceful close waits for the other side's FIN.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How the proxy forwards bytes now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flow {
    pub(crate) held: bool,
    pub(crate) delay: Duration,
    /// How many bytes a second pass in each direction, over all connections. `None`: no limit.
    pub(crate) rate: Option<u32>,
}

/// How a connection ends when it is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    /// RST, to both sides.
    Reset,
    /// FIN, to both sides.
    Close,
}

/// The state that all connections to one target share.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) target: SocketAddr,
    pub(crate) flow: watch::Sender<Flow>,
    pub(crate) accepted: AtomicU64,
    pub(crate) to_server: AtomicU64,
    pub(crate) to_client: AtomicU64,
    /// When the link is free again, in each direction.
    pub(crate) free_at: [Mutex<Option<Instant>>; 2],
    /// How many more bytes to forward to clients before a connection is closed. `None`: no limit.
    pub(crate) quota: Mutex<Option<u64>>,
}

impl Route {
    pub(crate) fn to(target: SocketAddr) -> Arc<Self> {
        Arc::new(Self {
            target,
            flow: watch::Sender::new(Flow::default()),
            accepted: AtomicU64::new(0),
            to_server: AtomicU64::new(0),
            to_client: AtomicU64::new(0),
            free_at: Default::default(),
            quota: Mutex::new(None),
        })
    }

    /// When the last of these bytes has passed the link.
    fn passed_at(&self, bytes: usize, direction: Direction) -> Option<Instant> {
        let rate = self.flow.borrow().rate?;
        let mut free_at =
            self.free_at[direction as usize].lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let start = free_at.map_or(now, |free_at| free_at.max(now));
        let nanos = bytes as u64 * 1_000_000_000 / u64::from(rate.max(1));
        *free_at = Some(start + Duration::from_nanos(nanos));
        *free_at
    }

    /// Takes up to `wanted` bytes from the quota. Returns how many to forward, and whether that used the
    /// quota up.
    fn take_quota(&self, wanted: usize) -> (usize, bool) {
        let mut quota = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(left) = *quota else { return (wanted, false) };
        let granted = usize::try_from(left).map_or(wanted, |left| left.min(wanted));
        let rest = left - granted as u64;
        *quota = (rest > 0).then_some(rest);
        (granted, rest == 0)
    }
}

/// A proxied connection. Dropping it ends the connection.
#[derive(Debug)]
pub(crate) struct Connection {
    cut: Option<oneshot::Sender<Cut>>,
    task: JoinHandle<()>,
}

impl Connection {
    pub(crate) fn start(client: TcpStream, route: Arc<Route>) -> Self {
        let (sender, receiver) = oneshot::channel();
        route.accepted.fetch_add(1, Ordering::Relaxed);
        Self { cut: Some(sender), task: background::spawn(forward(client, route, receiver)) }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.task.is_finished()
    }

    /// Cuts the connection. When this returns, the connection is closed.
    pub(crate) async fn cut(mut self, how: Cut) {
        if let Some(sender) = self.cut.take() {
            // This fails only if the connection just ended by itself.
            let _ = sender.send(how);
        }
        let _ = (&mut self.task).await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Closes a stream with a reset.
pub(crate) fn reset(stream: TcpStream) {
    // This fails only if the connection is already closed.
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    drop(stream);
}

async fn forward(mut client: TcpStream, route: Arc<Route>, mut cut: oneshot::Receiver<Cut>) {
    let connected = tokio::select! {
        server = connect(&route) => server,
        how = &mut cut => return end(client, None, how.unwrap_or(Cut::Reset)).await,
    };
    let Ok(mut server) = connected else { return reset(client) };
    let _ = client.set_nodelay(true);

    let forwarding = async {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::try_join!(
            copy(from_client, to_server, &route, Direction::ToServer),
            copy(from_server, to_client, &route, Direction::ToClient),
        )
    };
    let how = tokio::select! {
        result = forwarding => match result {
            Ok(_) => return,
            Err(error) if error.kind() == io::ErrorKind::QuotaExceeded => Cut::Close,
            Err(_) => Cut::Reset,
        },
        how = cut => how.unwrap_or(Cut::Reset),
    };
    end(client, Some(server), how).await;
}

async fn connect(route: &Route) -> io::Result<TcpStream> {
    until_released(&mut route.flow.subscribe()).await;
    let server = TcpStream::connect(route.target).await?;
    server.set_nodelay(true)?;
    Ok(server)
}

async fn end(client: TcpStream, server: Option<TcpStream>, how: Cut) {
    match how {
        Cut::Reset => {
            reset(client);
            if let Some(server) = server {
                reset(server);
            }
        }
        Cut::Close => {
            let server = async {
                if let Some(server) = server {
                    close(server).await;
                }
            };
            tokio::join!(close(client), server);
        }
    }
}

/// Sends a FIN, then reads until the other side's FIN. Closing a stream with unread bytes would send a
/// reset.
async fn close(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let mut rest = [0; 4096];
    let drained = async { while stream.read(&mut rest).await.is_ok_and(|n| n > 0) {} };
    let _ = timeout(CLOSE_TIMEOUT, drained).await;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

/// Copies bytes in one direction until the end of the stream, and then shuts down the other stream.
///
/// Fails with [`io::ErrorKind::QuotaExceeded`] when the quota is used up.
async fn copy(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    route: &Route,
    direction: Direction,
) -> io::Result<()> {
    let (sender, mut chunks) = mpsc::channel::<(Instant, Vec<u8>)>(BUFFERED_CHUNKS);
    let reading = async {
        let sender = sender;
        let mut flow = route.flow.subscribe();
        loop {
            until_released(&mut flow).await;
            let mut chunk = Vec::with_capacity(CHUNK);
            if from.read_buf(&mut chunk).await? == 0 {
                return Ok(());
            }
            if sender.send((Instant::now(), chunk)).await.is_err() {
                return Ok(());
            }
        }
    };
    let writing = async {
        let mut flow = route.flow.subscribe();
        while let Some((read_at, chunk)) = chunks.recv().await {
            let delay = flow.borrow().delay;
            sleep_until(read_at + delay).await;
            if let Some(passed_at) = route.passed_at(chunk.len(), direction) {
                sleep_until(passed_at).await;
            }
            until_released(&mut flow).await;
            write(&mut to, &chunk, route, direction).await?;
        }
        until_released(&mut flow).await;
        to.shutdown().await
    };
    tokio::try_join!(reading, writing).map(|_| ())
}

/// Writes a chunk. It counts the bytes first, so a byte that was received is already counted.
async fn write(
    to: &mut WriteHalf<'_>,
    chunk: &[u8],
    route: &Route,
    direction: Direction,
) -> io::Result<()> {
    if direction == Direction::ToServer {
        route.to_server.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        return to.write_all(chunk).await;
    }
    let (granted, last) = route.take_quota(chunk.len());
    route.to_client.fetch_add(granted as u64, Ordering::Relaxed);
    to.write_all(&chunk[..granted]).await?;
    if last { Err(io::ErrorKind::QuotaExceeded.into()) } else { Ok(()) }
}

/// Waits while the proxy holds connections.
async fn until_released(flow: &mut watch::Receiver<Flow>) {
    // This can't fail: the sender is in the route, which outlives every connection.
    let _ = flow.wait_for(|flow| !flow.held).await;
}
