//! Programs that people put before an etcd, or use in its place.

mod config;

use std::{
    fmt, io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::{
    Port, eventually, http, metrics,
    process::{Process, tail},
};

const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How many lines of the log an error message has.
const LOG_LINES: usize = 30;

/// Which program a [`Service`] is.
///
/// The reverse proxies have idle timeouts of 10 s, which are shorter than their defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceKind {
    /// `etcd gateway start`, which forwards connections. Its program is an etcd.
    Gateway,
    /// `etcd grpc-proxy start`, which shares one watch among the clients of a key. Its program is an etcd.
    GrpcProxy,
    /// haproxy that forwards connections.
    HaproxyTcp,
    /// haproxy that forwards each call.
    HaproxyHttp2,
    /// nginx that forwards each call by `grpc_pass`.
    Nginx,
    /// envoy that forwards each call.
    Envoy,
    /// kine, which serves a part of etcd's protocol from a file of sqlite. It has no etcd behind it.
    Kine,
}

/// A program between clients and an etcd, or in place of an etcd. Dropping it kills the program.
#[derive(Debug)]
pub struct Service {
    // The order matters: the program must end before its folder is deleted.
    process: Mutex<Option<Process>>,
    kind: ServiceKind,
    program: PathBuf,
    args: Vec<String>,
    port: Port,
    folder: TempDir,
}

impl Service {
    /// Starts a program and waits until it accepts connections. `targets` are the etcds behind it.
    ///
    /// # Panics
    ///
    /// If it does not accept connections within 30 s. The message has the end of its log.
    pub async fn start(
        kind: ServiceKind,
        program: impl Into<PathBuf>,
        targets: &[SocketAddr],
    ) -> Self {
        let program = program.into();
        let started = async {
            let (port, folder) = (Port::claim(), TempDir::with_prefix("etcd-harness-")?);
            let args = config::write(kind, port.address(), targets, folder.path())?;
            let process = Mutex::default();
            let service = Self { process, kind, program: program.clone(), args, port, folder };
            service.launch().await?;
            io::Result::Ok(service)
        };
        match started.await {
            Ok(service) => service,
            Err(error) => panic!("cannot start {kind} ({}): {error}", program.display()),
        }
    }

    /// The address that clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// The URL for clients.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Kills the program (SIGKILL).
    pub fn kill(&self) {
        self.process().take();
    }

    /// Kills the program if it runs, and starts it again on the same port and with the same data.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub async fn restart(&self) {
        self.kill();
        if let Err(error) = self.launch().await {
            panic!("cannot start {} again: {error}", self.kind);
        }
    }

    /// The value of a metric of a [`GrpcProxy`](ServiceKind::GrpcProxy), as of a
    /// [`Node`](crate::Node::metric).
    ///
    /// # Panics
    ///
    /// If it does not respond within 2 s, or has no such metric.
    pub async fn metric(&self, name: &str) -> f64 {
        // At `/metrics` it passes on those of the etcd behind it.
        match http::get(self.address(), "/proxy/metrics").await {
            Ok((_, text)) => metrics::value(&text, name)
                .unwrap_or_else(|| panic!("{} has no metric {name}", self.kind)),
            Err(error) => panic!("cannot read the metrics of {}: {error}", self.kind),
        }
    }

    /// The last lines of the program's log.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        tail(&self.folder.path().join("log"), lines)
    }

    async fn launch(&self) -> io::Result<()> {
        let log = self.folder.path().join("log");
        let process = Process::spawn(&self.program, &self.args, &log).await?;
        *self.process() = Some(process);
        let accepts = async || {
            let ended = self.process().as_mut().map(Process::try_wait);
            if let Some(Ok(Some(status))) = ended {
                let log = self.log_tail(LOG_LINES);
                panic!("{} ended ({status}); end of its log:\n{log}", self.kind);
            }
            TcpStream::connect(self.address()).await.is_ok()
        };
        eventually(START_TIMEOUT, "the program accepts connections", accepts).await;
        Ok(())
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for ServiceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gateway => "etcd gateway",
            Self::GrpcProxy => "etcd grpc-proxy",
            Self::HaproxyTcp => "haproxy, tcp",
            Self::HaproxyHttp2 => "haproxy, http2",
            Self::Nginx => "nginx, grpc_pass",
            Self::Envoy => "envoy",
            Self::Kine => "kine",
        })
    }
}
