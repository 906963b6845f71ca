//! The example `service`: its parts over values that the test drives, and the whole program over a real etcd.

#[path = "../service/config.rs"]
mod config;
#[path = "../service/limit.rs"]
mod limit;
#[path = "../service/log_level.rs"]
mod log_level;
#[path = "../service/readiness.rs"]
mod readiness;
#[path = "../service/service.rs"]
mod service;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use etcd_harness::{Cluster, eventually};
use event_core::testing::TestValue;
use event_core::{
    Cause, CauseKind, Entry, Error, ErrorKind, Health, HealthState, MemoryValue, ReaderExt,
    ValueWriter,
};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tower::ServiceExt;
use tracing_subscriber::filter::LevelFilter;

use config::Config;
use limit::{Limit, limit};
use readiness::readiness;

const BOUND: Duration = Duration::from_secs(20);
const TOLERATED: Duration = Duration::from_secs(60);

fn config(greeting: &str, max_requests: usize) -> Config {
    Config { greeting: greeting.to_owned(), log_level: LevelFilter::INFO, max_requests }
}

fn decode_error() -> Error {
    Error::new(ErrorKind::Decode, "expected a document")
}

async fn request(router: &Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn each_request_reads_the_newest_config_and_a_bad_one_changes_nothing() {
    let value = TestValue::new();
    let router = service::router(&value.reader(), &value.health(), TOLERATED);
    assert_eq!(request(&router, "/").await.0, StatusCode::SERVICE_UNAVAILABLE);
    value.publish(config("hello", 10));
    assert_eq!(request(&router, "/").await, (StatusCode::OK, "hello\n".to_owned()));
    value.publish(config("good morning", 10));
    assert_eq!(request(&router, "/").await.1, "good morning\n");
    value.fail(decode_error());
    assert_eq!(request(&router, "/").await, (StatusCode::OK, "good morning\n".to_owned()));
    value.publish(config("good night", 10));
    assert_eq!(request(&router, "/").await.1, "good night\n");
}

#[tokio::test]
async fn a_request_too_many_is_refused_until_the_limit_grows() {
    let value = TestValue::new();
    value.publish(config("hello", 1));
    let (entered, mut entries) = mpsc::unbounded_channel();
    let may_leave = Arc::new(Semaphore::new(0));
    let handler = {
        let may_leave = Arc::clone(&may_leave);
        move || async move {
            entered.send(()).unwrap();
            may_leave.acquire().await.unwrap().forget();
        }
    };
    let limited = Limit::new(value.reader().current());
    let router = Router::new().route("/", get(handler)).layer(from_fn_with_state(limited, limit));
    let start = || {
        let router = router.clone();
        tokio::spawn(async move { request(&router, "/").await.0 })
    };

    let first = start();
    entries.recv().await.unwrap();
    assert_eq!(request(&router, "/").await.0, StatusCode::SERVICE_UNAVAILABLE);
    value.publish(config("hello", 2));
    let second = start();
    entries.recv().await.unwrap();
    assert_eq!(request(&router, "/").await.0, StatusCode::SERVICE_UNAVAILABLE);
    may_leave.add_permits(2);
    for admitted in [first, second] {
        assert_eq!(admitted.await.unwrap(), StatusCode::OK);
    }
    may_leave.add_permits(1);
    assert_eq!(request(&router, "/").await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_log_level_follows_the_config_and_stays_after_a_bad_version() {
    let value = TestValue::new();
    let applied = Arc::new(Mutex::new(Vec::new()));
    let task = tokio::spawn(log_level::follow(value.reader(), {
        let applied = Arc::clone(&applied);
        move |level| applied.lock().unwrap().push(level)
    }));
    value.publish(LevelFilter::INFO);
    value.handled().await;
    value.fail(decode_error());
    value.handled().await;
    value.publish(LevelFilter::DEBUG);
    value.handled().await;
    assert_eq!(*applied.lock().unwrap(), [LevelFilter::INFO, LevelFilter::DEBUG]);
    value.close();
    task.await.unwrap();
}

#[tokio::test]
async fn it_is_ready_once_it_has_a_config_and_until_that_is_stale_for_too_long() {
    let value = TestValue::new();
    let router = service::router(&value.reader(), &value.health(), TOLERATED);
    value.set_health(Health::new(HealthState::Connecting));
    let (status, body) = request(&router, "/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("no configuration yet, the store is connecting"), "{body}");

    value.publish(config("hello", 10));
    value.set_health(Health::new(HealthState::Live));
    assert_eq!(request(&router, "/ready").await, (StatusCode::OK, "ready\n".to_owned()));

    let stalled = Health::stalled(Cause::new(CauseKind::Unreachable, "connection refused"));
    value.set_health(stalled);
    let (status, body) = request(&router, "/ready").await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.contains("may be stale") && body.contains("connection refused"), "{body}");

    let impatient = service::router(&value.reader(), &value.health(), Duration::ZERO);
    let (status, body) = request(&impatient, "/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("stale for 0 s") && body.contains("connection refused"), "{body}");
}

#[test]
fn a_store_that_connects_again_is_no_reason_to_leave() {
    assert!(readiness(true, &Health::new(HealthState::Connecting), TOLERATED).is_ok());
}

#[test]
fn a_bad_document_is_counted_once_however_many_read_the_config() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        let document = MemoryValue::new(Entry::present("config", 1, "{}"));
        let config = document.reader().decode(Config::decoder()).on_error(service::report);
        let (one, another) = (config.current(), config.current());
        for (revision, document_of) in [
            (2, r#"{"greeting": "hi", "log_level": "debug", "max_requests": 1}"#),
            (3, r#"{"greeting": "hi", "log_level": "debug", "max_requests": 0}"#),
        ] {
            document.set(Entry::present("config", revision, document_of));
            for current in [&one, &another, &one] {
                assert_eq!(current.get().map(|config| config.max_requests), Some(1));
            }
        }
    });
    assert!(metrics.render().contains("config_errors_total 2"), "{}", metrics.render());
}

#[test]
fn an_error_names_the_field_and_not_its_value() {
    let document = MemoryValue::new(Entry::present(
        "config",
        7,
        r#"{"greeting": "hi", "log_level": "hunter2", "max_requests": 1}"#,
    ));
    let error = document.reader().decode(Config::decoder()).current().error().unwrap();
    let message = format!("{error:#}");
    assert!(message.contains("log_level") && message.contains("revision 7"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

/// The program, killed if the test ends before it does.
struct Program {
    child: Child,
    address: SocketAddr,
    stderr: Lines<BufReader<ChildStderr>>,
    _stdout: Lines<BufReader<ChildStdout>>,
}

impl Program {
    async fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(program());
        command
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("cargo test builds the example first");
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = timeout(BOUND, stdout.next_line()).await.expect("it listens").unwrap().unwrap();
        let address = line.strip_prefix("listening on ").unwrap().parse().unwrap();
        Self { child, address, stderr, _stdout: stdout }
    }

    /// GETs a path and returns the status and the body.
    async fn get(&self, path: &str) -> std::io::Result<(u16, String)> {
        let mut stream = TcpStream::connect(self.address).await?;
        // The end of a response to HTTP/1.0 is the end of the connection.
        let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await?;
        let mut response = String::new();
        stream.read_to_string(&mut response).await?;
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        Ok((head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned()))
    }

    /// Waits until a path answers like this.
    async fn answers(&self, path: &str, status: u16, part: &str) {
        eventually(BOUND, &format!("{path} answers {status} {part}"), async || {
            match self.get(path).await {
                Ok((is, body)) if is == status && body.contains(part) => Ok(()),
                other => Err(other),
            }
        })
        .await;
    }

    /// Waits for a line in the log.
    async fn logs(&mut self, part: &str) {
        let find = async {
            loop {
                let line = self.stderr.next_line().await.unwrap().expect("the program goes on");
                if line.contains(part) {
                    return;
                }
            }
        };
        timeout(BOUND, find).await.unwrap_or_else(|_| panic!("it does not log {part:?}"));
    }

    async fn terminate(mut self) -> ExitStatus {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        timeout(BOUND, self.child.wait()).await.expect("it ends within the bound").unwrap()
    }
}

/// `target/<profile>/examples/service`, beside this test.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples/service")
}

#[tokio::test]
async fn in_memory_it_serves_and_sigterm_ends_it() {
    let program = Program::start(&[]).await;
    assert_eq!(program.get("/").await.unwrap(), (200, "hello\n".to_owned()));
    assert_eq!(program.get("/ready").await.unwrap(), (200, "ready\n".to_owned()));
    assert!(program.terminate().await.success());
}

#[tokio::test]
async fn over_etcd_it_follows_the_config_and_outlives_the_server() {
    let cluster = Cluster::start(1).await;
    let node = cluster.node(0);
    let (endpoint, mut client) = (node.endpoint(), node.client().await);
    let mut program = Program::start(&["--etcd", &endpoint, "--tolerate-stale", "0"]).await;
    program.answers("/ready", 503, "no configuration yet").await;

    let good = |greeting, level| {
        format!(r#"{{"greeting": "{greeting}", "log_level": "{level}", "max_requests": 10}}"#)
    };
    client.put("config", good("hello", "info"), None).await.unwrap();
    program.answers("/", 200, "hello").await;
    program.answers("/ready", 200, "ready").await;
    client.put("config", good("good morning", "debug"), None).await.unwrap();
    program.logs("the log level is debug").await;
    program.answers("/", 200, "good morning").await;

    client.put("config", "no document", None).await.unwrap();
    program.logs("keeping the old configuration: ").await;
    program.answers("/", 200, "good morning").await;
    program.answers("/metrics", 200, "config_errors_total 1").await;
    // A bad document is no failure of the store.
    program.answers("/ready", 200, "ready").await;

    node.kill();
    program.answers("/ready", 503, "unreachable").await;
    program.answers("/", 200, "good morning").await;
    node.restart().await;
    program.answers("/ready", 200, "ready").await;
    node.client().await.put("config", good("good night", "info"), None).await.unwrap();
    program.answers("/", 200, "good night").await;
    assert!(program.terminate().await.success());
}
