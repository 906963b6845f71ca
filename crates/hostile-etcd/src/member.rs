//! A server on loopback.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use etcd_client::proto::{PbResponseHeader, PbWatchResponse};
use etcd_harness::Port;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::broadcast,
    task::JoinHandle,
};

use crate::{
    Behaviour, Cluster, Counts, background, calls,
    counts::{Count, Counters},
};

/// How many pushed responses a stream may be behind.
const PUSHED: usize = 1024;

/// A server that speaks etcd's protocol. Dropping it ends its connections.
#[derive(Debug)]
pub struct Member {
    port: Port,
    shared: Arc<Shared>,
    connections: Arc<Mutex<Vec<JoinHandle<()>>>>,
    listening: Mutex<Option<JoinHandle<()>>>,
}

/// What the calls of all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) cluster: Cluster,
    pub(crate) id: u64,
    pub(crate) counters: Counters,
    behaviour: RwLock<Arc<Behaviour>>,
    pub(crate) pushed: broadcast::Sender<PbWatchResponse>,
}

impl Shared {
    pub(crate) fn behaviour(&self) -> Arc<Behaviour> {
        Arc::clone(&self.behaviour.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The header of an answer, as the behaviour has it.
    pub(crate) fn header(&self, behaviour: &Behaviour) -> PbResponseHeader {
        behaviour.apply_header(self.cluster.header(self.id))
    }
}

impl Member {
    /// Starts a member of a cluster, on a port of its own.
    ///
    /// # Panics
    ///
    /// If no port is free.
    #[must_use]
    pub fn start(cluster: &Cluster, behaviour: Behaviour) -> Self {
        let port = Port::claim();
        let id = cluster.join(&format!("http://{}", port.address()));
        let shared = Arc::new(Shared {
            cluster: cluster.clone(),
            id,
            counters: Counters::default(),
            behaviour: RwLock::new(Arc::new(behaviour)),
            pushed: broadcast::Sender::new(PUSHED),
        });
        let member =
            Self { port, shared, connections: Arc::default(), listening: Mutex::default() };
        member.accept();
        member
    }

    /// Starts a member that refuses connections until [`accept`](Self::accept).
    ///
    /// # Panics
    ///
    /// If no port is free.
    #[must_use]
    pub fn start_refusing(cluster: &Cluster, behaviour: Behaviour) -> Self {
        let member = Self::start(cluster, behaviour);
        member.refuse();
        member
    }

    /// The address that clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// The address that clients connect to, as an `http://` URL.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Changes what the server answers from now on. Streams that are open keep their
    /// [`StreamMode`](crate::StreamMode) and their flood.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.shared.behaviour.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(behaviour);
    }

    /// Sends a response on every open stream.
    pub fn push(&self, response: PbWatchResponse) {
        // This fails only if no stream is open.
        let _ = self.shared.pushed.send(response);
    }

    /// What the server has seen.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.counters.all()
    }

    /// How many connections are open.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        let mut connections = lock(&self.connections);
        connections.retain(|connection| !connection.is_finished());
        connections.len()
    }

    /// Ends all connections. New ones are accepted.
    pub fn disconnect(&self) {
        lock(&self.connections).drain(..).for_each(|connection| connection.abort());
    }

    /// Ends all connections, and refuses new ones until [`accept`](Self::accept).
    pub fn refuse(&self) {
        if let Some(task) = lock(&self.listening).take() {
            task.abort();
            // The end of the task closes the listener.
            while !task.is_finished() {
                std::thread::yield_now();
            }
        }
        self.disconnect();
    }

    /// Accepts connections again, on the same port.
    ///
    /// # Panics
    ///
    /// If the port cannot be bound again.
    pub fn accept(&self) {
        let mut listening = lock(&self.listening);
        if listening.is_some() {
            return;
        }
        let listener = match background::enter(|| listen(self.address())) {
            Ok(listener) => listener,
            Err(error) => panic!("the server cannot listen on {}: {error}", self.address()),
        };
        let serving = serve(listener, Arc::clone(&self.shared), Arc::clone(&self.connections));
        *listening = Some(background::spawn(serving));
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.shared.cluster.leave(self.shared.id);
        self.refuse();
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    connections: Arc<Mutex<Vec<JoinHandle<()>>>>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        shared.counters.add(Count::Connections);
        let connection = background::spawn(connection(stream, Arc::clone(&shared)));
        let mut connections = lock(&connections);
        connections.retain(|connection| !connection.is_finished());
        connections.push(connection);
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, std::convert::Infallible>(calls::call(shared, request).await) }
    });
    let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service);
    // However a connection ends, it is the client's or the test's wish.
    let _ = serving.await;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
