//! A TCP proxy that resets, holds, refuses and delays.

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
    carry::{Carried, Cut, Route},
};

/// A TCP proxy before any address, with faults to switch on and off.
///
/// It knows nothing of what it carries. Everything ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: Port,
    route: Arc<Route>,
    open: Arc<Mutex<Vec<Carried>>>,
    /// The task that listens; none while connections are refused.
    listening: Mutex<Option<JoinHandle<()>>>,
}

impl Proxy {
    /// Starts a proxy before `target`, on a port of its own.
    ///
    /// # Panics
    ///
    /// If no port is free.
    #[must_use]
    pub fn start(target: SocketAddr) -> Self {
        let proxy = Self {
            port: Port::claim(),
            route: Route::to(target),
            open: Arc::default(),
            listening: Mutex::default(),
        };
        proxy.accept();
        proxy
    }

    /// Where clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Where clients connect to, as an `http://` address.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Ends all connections with a reset, as a crash or a firewall does; new ones are carried.
    ///
    /// They are gone when this returns.
    pub async fn reset(&self) {
        self.cut(Cut::Reset).await;
    }

    /// Ends all connections in good order (FIN), as a server that shuts down does; new ones are carried.
    ///
    /// They are gone when this returns, which takes up to a second where a side does not close its own.
    pub async fn close(&self) {
        self.cut(Cut::Close).await;
    }

    /// Passes no more bytes, either way, until [`release`](Self::release).
    ///
    /// Connections stay open, new ones are accepted and hear nothing: a half-open connection, as after
    /// a cable is pulled. The proxy stops reading too, so that a sender's own buffers fill.
    pub fn hold(&self) {
        self.route.flow.send_modify(|flow| flow.held = true);
    }

    /// Passes what was held, and all that follows.
    pub fn release(&self) {
        self.route.flow.send_modify(|flow| flow.held = false);
    }

    /// Delays every byte by this much, each way; zero ends that.
    ///
    /// Up to 1 MiB is under way in each direction of a connection.
    pub fn delay(&self, one_way: Duration) {
        self.route.flow.send_modify(|flow| flow.delay = one_way);
    }

    /// Resets all connections and refuses new ones until [`accept`](Self::accept).
    ///
    /// That is in force when this returns.
    pub async fn refuse(&self) {
        let task = lock(&self.listening).take();
        if let Some(task) = task {
            task.abort();
            // The listener is closed once the task is gone.
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
            Err(error) => panic!("a proxy cannot listen at {}: {error}", self.address()),
        };
        *listening =
            Some(background::spawn(serve(listener, self.route.clone(), self.open.clone())));
    }

    /// Closes the connection that carries the `bytes`-th byte from the server from now on, after it.
    ///
    /// That happens once; in the middle of a message if the number says so.
    pub fn cut_after(&self, bytes: u64) {
        *lock(&self.route.allowance) = Some(bytes);
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.open).iter().filter(|carried| carried.is_open()).count()
    }

    /// How many bytes have passed to the server.
    #[must_use]
    pub fn bytes_to_server(&self) -> u64 {
        self.route.to_server.load(Ordering::Relaxed)
    }

    /// How many bytes have passed to clients.
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

/// Cuts connections side by side: one that is slow to say farewell delays no other.
pub(crate) async fn cut_all(open: Vec<Carried>, how: Cut) {
    let cuts: Vec<_> =
        open.into_iter().map(|carried| background::spawn(carried.cut(how))).collect();
    for cut in cuts {
        let _ = cut.await;
    }
}

/// Binds a listener that is at work before any task runs.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    // `bind` sets SO_REUSEADDR, so connections of the past do not keep the port.
    let listener = StdListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let _inside = background::handle().enter();
    TcpListener::from_std(listener)
}

/// Accepts a connection.
pub(crate) async fn next_client(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // It died before it was accepted; or we are out of files, which does not pass in a hurry.
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve(listener: TcpListener, route: Arc<Route>, open: Arc<Mutex<Vec<Carried>>>) {
    loop {
        let (client, _) = next_client(&listener).await;
        let mut open = lock(&open);
        open.retain(Carried::is_open);
        open.push(Carried::start(client, route.clone()));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
