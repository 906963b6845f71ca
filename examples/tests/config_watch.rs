//! `config_watch` as other programs drive it: its arguments, its lines, its end.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use etcd_harness::{Authority, Cluster, auth};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

const BOUND: Duration = Duration::from_secs(20);

/// The program, killed if the test ends before it does.
struct ConfigWatch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl ConfigWatch {
    fn start(arguments: &[&str], password: Option<&str>) -> Self {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        command
            .env_remove("ETCD_PASSWORD")
            .envs(password.map(|password| ("ETCD_PASSWORD", password)));
        let mut child = command.spawn().expect("cargo test builds the example first");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line that is no news of the connection.
    async fn next(&mut self) -> Option<Value> {
        let line = self.next_text().await?;
        Some(serde_json::from_str(&line).expect("each line is a JSON object"))
    }

    /// The same line as it was printed.
    async fn next_text(&mut self) -> Option<String> {
        loop {
            let text = timeout(BOUND, self.lines.next_line())
                .await
                .expect("a line within the bound")
                .unwrap()?;
            let line: Value = serde_json::from_str(&text).expect("each line is a JSON object");
            if line["event"] != "health" {
                return Some(text);
            }
        }
    }

    /// The next line about the connection with this state.
    async fn health(&mut self, state: &str) -> Value {
        loop {
            let line = timeout(BOUND, self.lines.next_line())
                .await
                .expect("a line within the bound")
                .unwrap();
            let line: Value = serde_json::from_str(&line.expect("the program goes on")).unwrap();
            if line["event"] == "health" && line["state"] == state {
                return line;
            }
        }
    }

    async fn signal(mut self, signal: rustix::process::Signal) -> ExitStatus {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
        self.end().await
    }

    async fn end(&mut self) -> ExitStatus {
        timeout(BOUND, self.child.wait()).await.expect("it ends within the bound").unwrap()
    }
}

/// `target/<profile>/examples/config_watch`, beside this test.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples/config_watch")
}

#[tokio::test]
async fn in_memory_it_prints_each_version_and_ends_by_itself() {
    let mut program = ConfigWatch::start(&[], None);
    let mut revisions = Vec::new();
    while let Some(line) = program.next().await {
        assert_eq!(line["event"], "value");
        revisions.push(line["revision"].as_i64().unwrap());
    }
    assert_eq!(revisions, [1, 2, 3, 4]);
    assert!(program.end().await.success());
}

#[tokio::test]
async fn over_etcd_it_prints_values_errors_and_deletions() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client().await;
    let (endpoints, mut kv) = (cluster.endpoints().join(","), client.kv_client());
    let mut program =
        ConfigWatch::start(&["--etcd", &endpoints, "--key", "config", "--namespace", "app/"], None);
    program.health("live").await;
    kv.put("app/config", r#"{"limit": 1}"#, None).await.unwrap();
    let value = json!({"event": "value", "key": "config", "revision": 2, "value": {"limit": 1}});
    assert_eq!(program.next().await.unwrap(), value);
    let document = "{\"big\": 123456789012345678901234567890,\r\n \"a\": 1.10, \"a\": \"\\u0041\"}";
    kv.put("app/config", document, None).await.unwrap();
    let line = program.next_text().await.unwrap();
    let printed = document.replace("\r\n", "  ");
    assert!(line.contains(&format!("\"value\":{printed}")), "{line}");
    kv.put("app/config", "not hunter2", None).await.unwrap();
    let error = program.next().await.unwrap();
    assert_eq!((&error["event"], &error["kind"]), (&json!("error"), &json!("decode")));
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("config")
            && message.contains("revision 4")
            && !message.contains("hunter2"),
        "{message}"
    );
    kv.delete("app/config", None).await.unwrap();
    assert_eq!(
        program.next().await.unwrap(),
        json!({"event": "absent", "key": "config", "revision": 5})
    );
    assert_eq!(program.signal(rustix::process::Signal::INT).await.code(), Some(0));
}

#[tokio::test]
async fn a_url_names_any_store() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client().await;
    client.kv_client().put("app/config", "1", None).await.unwrap();
    auth::add_reader(&client, "reader", "hunter2", "role", "app/").await;
    auth::enable(&client, "root").await;
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&password, "hunter2").unwrap();
    let host = cluster.endpoints()[0].trim_start_matches("http://").to_owned();
    let file = password.path().to_str().unwrap();
    let url = format!("etcd://{host}/app/?user=reader&password_file={file}");
    let mut program = ConfigWatch::start(&["--url", &url, "--key", "config"], None);
    let value = json!({"event": "value", "key": "config", "revision": 2, "value": 1});
    assert_eq!(program.next().await.unwrap(), value);
    assert_eq!(program.signal(rustix::process::Signal::INT).await.code(), Some(0));

    let mut in_memory = ConfigWatch::start(&["--url", "mem:", "--key", "config"], None);
    in_memory.health("live").await;
    assert_eq!(in_memory.signal(rustix::process::Signal::TERM).await.code(), Some(0));
}

#[tokio::test]
async fn raw_it_prints_text_and_sigterm_ends_it() {
    let cluster = Cluster::start(1).await;
    cluster.client().await.kv_client().put("k", "plain text", None).await.unwrap();
    let endpoints = cluster.endpoints().join(",");
    let mut program =
        ConfigWatch::start(&["--etcd", &endpoints, "--key", "k", "--format", "raw"], None);
    assert_eq!(program.next().await.unwrap()["value"], "plain text");
    assert_eq!(program.signal(rustix::process::Signal::TERM).await.code(), Some(0));
}

#[tokio::test]
async fn it_authenticates_and_speaks_tls() {
    let authority = Authority::new();
    let cluster = Cluster::builder().mutual_tls(&authority).start().await;
    let client = cluster.client().await;
    client.kv_client().put("app/k", "1", None).await.unwrap();
    auth::add_reader(&client, "reader", "hunter2", "role", "app/").await;
    auth::enable(&client, "root").await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (ca, cert, key) = (file("ca.pem"), file("cert.pem"), file("key.pem"));
    std::fs::write(&ca, authority.pem()).unwrap();
    authority.client("program").write_to(cert.as_ref(), key.as_ref()).unwrap();
    let endpoints = cluster.endpoints().join(",");
    let arguments = [
        "--etcd",
        &endpoints,
        "--key",
        "app/k",
        "--user",
        "reader",
        "--cacert",
        &ca,
        "--cert",
        &cert,
        "--tls-key",
        &key,
    ];
    let mut program = ConfigWatch::start(&arguments, Some("hunter2"));
    assert_eq!(program.next().await.unwrap()["value"], 1);

    let password = file("password");
    std::fs::write(&password, "hunter2\n").unwrap();
    let by_file = [
        &arguments[..],
        &["--password-file", &password, "--server-name", "localhost", "--ordered-endpoints"],
    ]
    .concat();
    let mut program = ConfigWatch::start(&by_file, None);
    assert_eq!(program.next().await.unwrap()["value"], 1);

    let mut refused = ConfigWatch::start(&arguments, Some("wrong"));
    let health = refused.health("stalled").await;
    assert!(health["cause"].as_str().unwrap().contains("unauthenticated"), "{health}");
    assert!(!health.to_string().contains("wrong"));
}

/// As after a rotation: what the files hold is right only from some time on.
#[tokio::test]
async fn certificates_are_read_again_for_each_connection() {
    let authority = Authority::new();
    let cluster = Cluster::builder().mutual_tls(&authority).start().await;
    cluster.client().await.kv_client().put("k", "1", None).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (ca, cert, key) = (file("ca.pem"), file("cert.pem"), file("key.pem"));
    let write_identity = |of: &Authority| {
        of.client("program").write_to(cert.as_ref(), key.as_ref()).unwrap();
    };
    let endpoints = cluster.endpoints().join(",");
    let arguments = ["--etcd", &endpoints, "--key", "k", "--cacert", &ca];
    let arguments = [&arguments[..], &["--cert", &cert, "--tls-key", &key]].concat();

    // The authority that signed the server's certificate is new.
    std::fs::write(&ca, Authority::new().pem()).unwrap();
    write_identity(&authority);
    let mut program = ConfigWatch::start(&arguments, None);
    let health = program.health("stalled").await;
    assert!(health["cause"].as_str().unwrap().contains("certificate"), "{health}");
    std::fs::write(&ca, authority.pem()).unwrap();
    assert_eq!(program.next().await.unwrap()["value"], 1);

    // The client's certificate is new.
    write_identity(&Authority::new());
    let mut program = ConfigWatch::start(&arguments, None);
    let health = program.health("stalled").await;
    assert!(health["cause"].as_str().unwrap().contains("certificate"), "{health}");
    write_identity(&authority);
    assert_eq!(program.next().await.unwrap()["value"], 1);
}

#[tokio::test]
async fn a_key_that_is_a_folder_of_keys_is_told_on_stderr() {
    let cluster = Cluster::start(1).await;
    cluster.client().await.kv_client().put("app/port", "80", None).await.unwrap();
    let mut command = Command::new(program());
    command.args(["--etcd", &cluster.endpoints().join(","), "--key", "app"]).env_remove("RUST_LOG");
    let mut child =
        command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line =
        timeout(BOUND, lines.next_line()).await.expect("a line within the bound").unwrap().unwrap();
    assert!(line.contains("the key `app` is not there, but keys below `app/` are"), "{line}");
}

#[tokio::test]
async fn what_it_cant_use_is_told_and_the_exit_code_says_so() {
    for (arguments, told) in [
        (&["--etcd", "not an endpoint", "--key", "k"][..], Some("invalid_argument")),
        (&["--etcd", "127.0.0.1:1"], None),
        (&["--url", "mem:"], None),
        (&["--key", "k"], None),
        (&["--url", "mem:", "--key", "k", "--etcd", "127.0.0.1:1"], None),
        (&["--url", "nope:", "--key", "k"], Some("invalid_argument")),
        (&["--url", "etcd://root:hunter2@a/", "--key", "k"], Some("invalid_argument")),
        (&["--etcd", "127.0.0.1:1", "--key", "k", "--user", "reader"], None),
        (
            &["--etcd", "127.0.0.1:1", "--key", "k", "--cacert", "/no/such/file"],
            Some("invalid_argument"),
        ),
    ] {
        let mut program = ConfigWatch::start(arguments, None);
        let line = program.next().await;
        assert_eq!(line.as_ref().and_then(|line| line["kind"].as_str()), told, "{arguments:?}");
        assert!(!program.end().await.success(), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_prefix_is_lines_of_puts_deletes_and_synced() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("app/services")).unwrap();
    std::fs::write(dir.path().join("app/services/a"), r#"{"port": 80}"#).unwrap();
    let url = format!("file://{}/app/", dir.path().display());
    let mut watch = ConfigWatch::start(&["--url", &url, "--prefix", "services"], None);
    assert_eq!(
        watch.next_text().await.unwrap(),
        r#"{"event":"put","key":"services/a","revision":1,"value":{"port": 80}}"#
    );
    assert_eq!(watch.next().await, Some(json!({"event": "synced", "prefix": "services/"})));
    std::fs::remove_file(dir.path().join("app/services/a")).unwrap();
    assert_eq!(watch.next().await, Some(json!({"event": "delete", "key": "services/a"})));
}
