//! A TCP proxy that can reset, hold, refuse, delay and throttle connections.

use std::{
    io,
    net::{SocketAddr, TcpListener as StdListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::sleep,
};

use crate::{
    Port, background,
    connection::{Connection, Cut, Route},
};

/// A TCP proxy that can inject faults. It works with any protocol over TCP.
///
/// Dropping it ends all its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    /// Keeps the port reserved.
    _port: Option<Port>,
    route: Arc<Route>,
    open: Arc<Mutex<Vec<Connection>>>,
    /// The task that accepts connections. `None` while the proxy refuses them.
    listening: Mutex<Option<JoinHandle<()>>>,
}

impl Proxy {
    /// Starts a proxy that forwards connections to `target`. The proxy listens on a port of its own.
    ///
    /// # Panics
    ///
    /// If no port is free.
    #[must_use]
    pub fn start(target: SocketAddr) -> Self {
        let port = Port::claim();
        Self::with(port.address(), Some(port), target)
    }

    /// Starts a proxy that listens on `address`, for example on one of several loopback addresses with the
    /// same port.
    ///
    /// # Panics
    ///
    /// If the address is taken.
    #[must_use]
    pub fn start_at(address: SocketAddr, target: SocketAddr) -> Self {
        Self::with(address, None, target)
    }

    fn with(address: SocketAddr, port: Option<Port>, target: SocketAddr) -> Self {
        let proxy = Self {
            address,
            _port: port,
            route: Route::to(target),
            open: Arc::default(),
            listening: Mutex::default(),
        };
        proxy.accept();
        proxy
    }

    /// The address that clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address that clients connect to, as an `http://` URL.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Ends all connections with a reset (RST), as a crash or a firewall does. New connections are forwarded.
    ///
    /// When this returns, the connections are closed.
    pub async fn reset(&self) {
        self.cut(Cut::Reset).await;
    }

    /// Closes all connections gracefully (FIN), as a server that shuts down does. New connections are
    /// forwarded.
    ///
    /// When this returns, the connections are closed. If one side does not close its end, this takes one
    /// second.
    pub async fn close(&self) {
        self.cut(Cut::Close).await;
    }

    /// Stops forwarding bytes, in both directions, until [`release`](Self::release).
    ///
    /// Connections stay open, and new ones are accepted. Each becomes a half-open connection, as after a
    /// cable is pulled. The proxy also stops reading, so the sender's buffers fill.
    pub fn hold(&self) {
        self.route.flow.send_modify(|flow| flow.held = true);
    }

    /// Forwards the bytes that were held, and all later ones.
    pub fn release(&self) {
        self.route.flow.send_modify(|flow| flow.held = false);
    }

    /// Delays every byte by `one_way`, in each direction. Zero ends the delay.
    ///
    /// The proxy buffers up to 1 MiB in each direction of a connection.
    pub fn delay(&self, one_way: Duration) {
        self.route.flow.send_modify(|flow| flow.delay = one_way);
    }

    /// Lets so many bytes a second pass in each direction, over all connections, as a slow link does. `None`
    /// ends the limit.
    pub fn throttle(&self, bytes_per_second: Option<u32>) {
        self.route.flow.send_modify(|flow| flow.rate = bytes_per_second);
    }

    /// Resets all connections, and refuses new ones until [`accept`](Self::accept).
    ///
    /// When this returns, the connections are closed and new ones are refused.
    pub async fn refuse(&self) {
        let task = lock(&self.listening).take();
        if let Some(task) = task {
            task.abort();
            // The end of the task closes the listener.
            let _ = task.await;
        }
        self.reset().await;
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
        let listener = match listen(self.address()) {
            Ok(listener) => listener,
            Err(error) => panic!("the proxy cannot listen on {}: {error}", self.address()),
        };
        *listening =
            Some(background::spawn(serve(listener, self.route.clone(), self.open.clone())));
    }

    /// Closes one connection after `bytes` more bytes from the server: the connection that forwards the last
    /// of these bytes.
    ///
    /// The bytes of all connections count. The close may be in the middle of a message. It happens once.
    pub fn cut_after(&self, bytes: u64) {
        *lock(&self.route.quota) = Some(bytes);
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.open).iter().filter(|connection| connection.is_open()).count()
    }

    /// How many connections the proxy has accepted since it started.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.route.accepted.load(Ordering::Relaxed)
    }

    /// How many bytes the proxy has forwarded to the server.
    #[must_use]
    pub fn bytes_to_server(&self) -> u64 {
        self.route.to_server.load(Ordering::Relaxed)
    }

    /// How many bytes the proxy has forwarded to clients.
    #[must_use]
    pub fn bytes_to_client(&self) -> u64 {
        self.route.to_client.load(Ordering::Relaxed)
    }

    async fn cut(&self, how: Cut) {
        let open = std::mem::take(&mut *lock(&self.open));
        cut_all(open, how).await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.listening).take() {
            task.abort();
        }
        lock(&self.open).clear();
    }
}

/// Cuts connections concurrently, because a graceful close may take a second.
pub(crate) async fn cut_all(connections: Vec<Connection>, how: Cut) {
    let cuts: Vec<_> =
        connections.into_iter().map(|connection| background::spawn(connection.cut(how))).collect();
    for cut in cuts {
        let _ = cut.await;
    }
}

/// Binds a listener. When this returns, clients can connect, although no task accepts them yet.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    // `bind` sets SO_REUSEADDR, so earlier connections do not block the port.
    let listener = StdListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let _inside = background::handle().enter();
    TcpListener::from_std(listener)
}

/// Accepts a connection. Retries on errors.
pub(crate) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The connection ended before it was accepted, or the process has too many open files. The
            // second lasts, so this sleeps before it tries again.
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve(listener: TcpListener, route: Arc<Route>, open: Arc<Mutex<Vec<Connection>>>) {
    loop {
        let (client, _) = accept(&listener).await;
        let mut open = lock(&open);
        open.retain(Connection::is_open);
        open.push(Connection::start(client, route.clone()));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
