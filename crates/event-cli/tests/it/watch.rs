//! `event watch` in a pipe.

use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::support::{BOUND, PROGRAM, cluster_with, event, output, put, url};

struct Watch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn start(arguments: &[&str]) -> Self {
        Self::of(event(arguments))
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn next_line(&mut self) -> Value {
        let line =
            timeout(BOUND, self.lines.next_line()).await.expect("a line within the bound").unwrap();
        serde_json::from_str(&line.expect("the program goes on"))
            .expect("each line is a JSON object")
    }

    /// The next line that is not about the health.
    async fn next(&mut self) -> Value {
        loop {
            let line = self.next_line().await;
            if line["event"] != "health" {
                return line;
            }
        }
    }

    /// The next line about the health that says this state.
    async fn health(&mut self, state: &str) -> Value {
        loop {
            let line = self.next_line().await;
            if line["event"] == "health" && line["state"] == state {
                return line;
            }
        }
    }

    async fn ended(&mut self) -> ExitStatus {
        timeout(BOUND, self.child.wait()).await.expect("it ends within the bound").unwrap()
    }

    async fn signal(mut self, signal: Signal) -> ExitStatus {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
        self.ended().await
    }
}

fn lines_of(bytes: &[u8]) -> usize {
    String::from_utf8_lossy(bytes).lines().count()
}

#[tokio::test]
async fn each_version_of_each_key_is_a_line_while_etcd_is_killed_and_started() {
    let cluster = cluster_with(&[(b"app/a", br#"{"limit": 1}"#)]).await;
    let url = url(&cluster, "/app/?liveness_timeout=1s");
    let mut watch = Watch::start(&["watch", &url, "a", "b"]);
    assert_eq!(
        watch.next().await,
        json!({"event": "value", "key": "a", "revision": 2, "value": {"limit": 1}})
    );
    put(&cluster, b"app/b", b"[1, 2]").await;
    assert_eq!(
        watch.next().await,
        json!({"event": "value", "key": "b", "revision": 3, "value": [1, 2]})
    );

    cluster.node(0).kill();
    let stalled = watch.health("stalled").await;
    assert!(stalled["cause"].as_str().unwrap().starts_with("unreachable"), "{stalled}");
    cluster.node(0).restart().await;
    put(&cluster, b"app/a", b"not hunter2").await;
    let line = watch.next().await;
    assert_eq!((&line["event"], &line["kind"]), (&json!("error"), &json!("decode")));
    let message = line["message"].as_str().unwrap();
    assert!(
        message.starts_with("key `app/a` at revision 4: ") && !message.contains("hunter2"),
        "{message}"
    );
    cluster.client().await.kv_client().delete("app/b", None).await.unwrap();
    assert_eq!(watch.next().await, json!({"event": "absent", "key": "b", "revision": 5}));
    assert_eq!(watch.signal(Signal::INT).await.code(), Some(0));
}

#[tokio::test]
async fn it_watches_before_the_cluster_starts_and_sigterm_ends_it() {
    let cluster = cluster_with(&[(b"k", b"plain text")]).await;
    cluster.node(0).kill();
    let mut watch = Watch::start(&["watch", &url(&cluster, "/"), "k", "--format", "raw"]);
    watch.health("stalled").await;
    cluster.node(0).restart().await;
    assert_eq!(watch.next().await["value"], "plain text");
    assert_eq!(watch.signal(Signal::TERM).await.code(), Some(0));
}

#[tokio::test]
async fn a_key_that_is_not_utf8_is_named_as_a_word_of_a_shell() {
    let cluster = cluster_with(&[(b"a\xff\n", b"1")]).await;
    let mut command = event(&["watch", &url(&cluster, "/")]);
    command.arg(std::ffi::OsStr::from_bytes(b"a\xff\n"));
    assert_eq!(Watch::of(command).next().await["key"], r"$'a\xff\n'");
}

#[tokio::test]
async fn a_reader_that_leaves_ends_it_quietly_though_nothing_changes() {
    let cluster = cluster_with(&[(b"k", b"1")]).await;
    let mut watch = Watch::start(&["watch", &url(&cluster, "/"), "k"]);
    watch.next().await;
    let Watch { mut child, lines } = watch;
    drop(lines);
    let status = timeout(BOUND, child.wait()).await.expect("it ends within the bound").unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn a_closed_pipe_is_success_for_every_command() {
    let cluster = cluster_with(&[(b"k", &vec![b'x'; 100_000])]).await;
    let url = url(&cluster, "/");
    for arguments in [
        &["get", &url, "k"][..],
        &["check", &url, "k", "--format", "utf8"],
        &["watch", &url, "k", "--format", "raw"],
        &["watch", &url, "k", "--format", "raw", "--lines"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = event(arguments);
        command.stdout(writer).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        drop(command);
        let output =
            timeout(BOUND, child.wait_with_output()).await.expect("it ends in time").unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

/// A shell's own pipe, as most people use it.
#[tokio::test]
async fn head_takes_one_line() {
    let cluster = cluster_with(&[(b"k", b"1")]).await;
    let script = format!("'{PROGRAM}' watch '{}' k | head -n 1", url(&cluster, "/"));
    let mut command = Command::new("sh");
    command.args(["-c", &script]).kill_on_drop(true);
    let output = output(command).await;
    assert_eq!(lines_of(&output.stdout), 1);
}

#[tokio::test]
async fn a_file_takes_the_lines_too() {
    let cluster = cluster_with(&[(b"k", b"1")]).await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut command = event(&["watch", &url(&cluster, "/"), "k"]);
    let mut child = command.stdout(file.reopen().unwrap()).spawn().unwrap();
    let mut text = String::new();
    etcd_harness::eventually(BOUND, "the value is in the file", async || {
        file.read_to_string(&mut text).unwrap();
        text.contains(r#""event":"value""#)
    })
    .await;
    child.kill().await.unwrap();
}

#[tokio::test]
async fn an_output_that_takes_nothing_is_exit_code_2() {
    let cluster = cluster_with(&[(b"k", b"1")]).await;
    let url = url(&cluster, "/");
    for arguments in [["get", &url, "k"], ["watch", &url, "k"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = event(&arguments);
        command.stdout(full).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let output = timeout(BOUND, child.wait_with_output()).await.expect("it ends").unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), err.lines().count()), (Some(2), 1), "{err}");
        assert!(err.starts_with("error: could not write to stdout: "), "{err}");
    }
}

#[tokio::test]
async fn the_log_goes_to_stderr_if_it_is_wanted() {
    let mut quiet = event(&["get", "etcd://127.0.0.1:1/", "k", "--timeout", "300ms"]);
    quiet.stderr(Stdio::piped());
    assert_eq!(lines_of(&output(quiet).await.stderr), 1);
    let verbose = event(&["get", "etcd://127.0.0.1:1/", "k", "--timeout", "300ms", "-v"]);
    let log = String::from_utf8(output(verbose).await.stderr).unwrap();
    assert!(log.contains("WARN") && log.contains("127.0.0.1:1"), "{log}");
}

#[tokio::test]
async fn a_prefix_is_lines_of_puts_and_deletes_and_one_that_says_synced() {
    let dir = tempfile::tempdir().unwrap();
    let services = dir.path().join("services");
    std::fs::create_dir_all(services.join("old")).unwrap();
    std::fs::create_dir(dir.path().join("services2")).unwrap();
    std::fs::write(services.join("a"), "1").unwrap();
    std::fs::write(dir.path().join("services2/b"), "2").unwrap();
    let url = format!("file://{}/", dir.path().display());
    let mut watch = Watch::start(&["watch", &url, "--prefix", "services"]);
    let put = watch.next().await;
    assert_eq!(put, json!({"event": "put", "key": "services/a", "revision": 1, "value": 1}));
    assert_eq!(watch.next().await, json!({"event": "synced", "prefix": "services/"}));
    std::fs::write(services.join("old/c"), "not hunter2").unwrap();
    let error = watch.next().await;
    assert_eq!((&error["event"], &error["kind"]), (&json!("error"), &json!("decode")));
    assert!(error["message"].as_str().unwrap().starts_with("key `services/old/c` at revision "));
    std::fs::remove_dir_all(services.join("old")).unwrap();
    assert_eq!(watch.next().await, json!({"event": "delete", "key": "services/old/c"}));
    assert_eq!(watch.signal(Signal::INT).await.code(), Some(0));
}

#[tokio::test]
async fn an_empty_prefix_is_every_key() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("file://{}/", dir.path().display());
    let mut watch = Watch::start(&["watch", &url, "--prefix", "", "--format", "raw"]);
    assert_eq!(watch.next().await, json!({"event": "synced", "prefix": ""}));
    std::fs::write(dir.path().join("a"), "text").unwrap();
    assert_eq!(watch.next().await["value"], "text");
}
