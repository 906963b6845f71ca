//! One carried connection: bytes from a client to a target and back, until somebody cuts it.

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

const CHUNK: usize = 16 * 1024;
/// Chunks under way in one direction: what a delay may keep in flight, and all that a held connection
/// takes in before TCP itself backs up.
const IN_FLIGHT: usize = 64;
/// How long an orderly close waits for the other side's own.
const FAREWELL: Duration = Duration::from_secs(1);

/// How bytes may pass.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flow {
    pub(crate) held: bool,
    pub(crate) delay: Duration,
}

/// How a connection ends when it is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    /// RST, both ways.
    Reset,
    /// FIN, both ways.
    Close,
}

/// What all connections to one target share.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) target: SocketAddr,
    pub(crate) flow: watch::Sender<Flow>,
    pub(crate) to_server: AtomicU64,
    pub(crate) to_client: AtomicU64,
    /// How many more bytes pass to clients before a connection is closed.
    pub(crate) allowance: Mutex<Option<u64>>,
}

impl Route {
    pub(crate) fn to(target: SocketAddr) -> Arc<Self> {
        Arc::new(Self {
            target,
            flow: watch::Sender::new(Flow::default()),
            to_server: AtomicU64::new(0),
            to_client: AtomicU64::new(0),
            allowance: Mutex::new(None),
        })
    }

    /// Takes what may pass of `wanted` bytes, and says whether it was the last.
    fn take_allowance(&self, wanted: usize) -> (usize, bool) {
        let mut allowance = self.allowance.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(left) = *allowance else { return (wanted, false) };
        let granted = usize::try_from(left).map_or(wanted, |left| left.min(wanted));
        let rest = left - granted as u64;
        *allowance = (rest > 0).then_some(rest);
        (granted, rest == 0)
    }
}

/// A connection that is being carried; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Carried {
    cut: Option<oneshot::Sender<Cut>>,
    task: JoinHandle<()>,
}

impl Carried {
    pub(crate) fn start(client: TcpStream, route: Arc<Route>) -> Self {
        let (cut, order) = oneshot::channel();
        Self { cut: Some(cut), task: background::spawn(carry(client, route, order)) }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.task.is_finished()
    }

    /// Cuts the connection; it is gone when this returns.
    pub(crate) async fn cut(mut self, how: Cut) {
        if let Some(cut) = self.cut.take() {
            // Where the connection has just ended by itself, nobody takes the order.
            let _ = cut.send(how);
        }
        let _ = (&mut self.task).await;
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends a connection that is not carried at all.
pub(crate) fn reset(stream: TcpStream) {
    // A connection that is gone already cannot be reset; that is as good.
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    drop(stream);
}

async fn carry(mut client: TcpStream, route: Arc<Route>, mut order: oneshot::Receiver<Cut>) {
    let connected = tokio::select! {
        server = connect(&route) => server,
        cut = &mut order => return end(client, None, cut.unwrap_or(Cut::Reset)).await,
    };
    let Ok(mut server) = connected else { return reset(client) };
    let _ = client.set_nodelay(true);

    let passing = async {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::try_join!(
            pump(from_client, to_server, &route, Direction::ToServer),
            pump(from_server, to_client, &route, Direction::ToClient),
        )
    };
    let how = tokio::select! {
        passed = passing => match passed {
            Ok(_) => return,
            // `pump` closes a connection whose allowance is used up.
            Err(error) if error.kind() == io::ErrorKind::QuotaExceeded => Cut::Close,
            Err(_) => Cut::Reset,
        },
        cut = order => cut.unwrap_or(Cut::Reset),
    };
    end(client, Some(server), how).await;
}

async fn connect(route: &Route) -> io::Result<TcpStream> {
    released(&mut route.flow.subscribe()).await;
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
                    farewell(server).await;
                }
            };
            tokio::join!(farewell(client), server);
        }
    }
}

/// Sends a FIN and reads on until the other side's: closing with bytes unread would send a reset.
async fn farewell(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let mut rest = [0; 4096];
    let drained = async { while stream.read(&mut rest).await.is_ok_and(|n| n > 0) {} };
    let _ = timeout(FAREWELL, drained).await;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

/// Carries one direction until its end, which it passes on as a half-close.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    route: &Route,
    direction: Direction,
) -> io::Result<()> {
    let (sender, mut chunks) = mpsc::channel::<(Instant, Vec<u8>)>(IN_FLIGHT);
    let reading = async {
        let sender = sender;
        let mut flow = route.flow.subscribe();
        loop {
            released(&mut flow).await;
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
            released(&mut flow).await;
            write(&mut to, &chunk, route, direction).await?;
        }
        released(&mut flow).await;
        to.shutdown().await
    };
    tokio::try_join!(reading, writing).map(|_| ())
}

/// Counts first: who has got a byte must find it counted.
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
    let (granted, last) = route.take_allowance(chunk.len());
    route.to_client.fetch_add(granted as u64, Ordering::Relaxed);
    to.write_all(&chunk[..granted]).await?;
    if last { Err(io::ErrorKind::QuotaExceeded.into()) } else { Ok(()) }
}

/// Waits until nothing is held.
async fn released(flow: &mut watch::Receiver<Flow>) {
    // The sender lives in the route, which outlives every connection.
    let _ = flow.wait_for(|flow| !flow.held).await;
}
