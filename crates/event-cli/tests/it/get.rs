//! `event get`.

use std::time::{Duration, Instant};

use etcd_harness::auth;

use crate::support::{cluster_with, event, output, put, run, url};

#[tokio::test]
async fn the_value_is_printed_as_it_is() {
    let cluster = cluster_with(&[(b"app/k", b"\x00\xff no line break"), (b"app/empty", b"")]).await;
    for (key, value) in [("k", &b"\x00\xff no line break"[..]), ("empty", b"")] {
        let output = output(event(&["get", &url(&cluster, "/app/"), key])).await;
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), value));
        assert!(output.stderr.is_empty());
    }
}

#[tokio::test]
async fn a_key_that_does_not_exist_is_exit_code_1() {
    let cluster = cluster_with(&[(b"k", b"1")]).await;
    let answer = run(&["get", &url(&cluster, "/app/"), "k"]).await;
    assert_eq!(answer, (1, String::new(), "error: the key `app/k` does not exist\n".to_owned()));
    let answer = run(&["get", "mem:", "k"]).await;
    assert_eq!(answer, (1, String::new(), "error: the key `k` does not exist\n".to_owned()));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_exit_code_2_after_the_timeout_with_the_cause() {
    let start = Instant::now();
    let (code, out, err) = run(&["get", "etcd://127.0.0.1:1/", "k", "--timeout", "700ms"]).await;
    assert_eq!((code, out.as_str(), err.lines().count()), (2, "", 1));
    assert!(
        err.starts_with("error: not read within 700ms: unreachable: no connection to 127.0.0.1:1"),
        "{err}"
    );
    assert!(start.elapsed() >= Duration::from_millis(700));

    let cluster = cluster_with(&[]).await;
    cluster.node(0).stop();
    let (code, _, err) = run(&["get", &url(&cluster, "/"), "k", "--timeout", "300ms"]).await;
    assert_eq!(code, 2);
    assert!(err.starts_with("error: not read within 300ms: "), "{err}");
    cluster.node(0).cont();
}

#[tokio::test]
async fn who_may_not_read_is_told_at_once() {
    let cluster = cluster_with(&[(b"app/k", b"1")]).await;
    let client = cluster.client().await;
    auth::add_reader(&client, "reader", "hunter2", "role", "app/").await;
    put(&cluster, b"other", b"2").await;
    auth::enable(&client, "root").await;
    let get = async |rest: &str, key: &str, password: &str| {
        let url = url(&cluster, rest);
        let mut command = event(&["get", &url, key, "--timeout", "60s"]);
        command.env("EVENT_ETCD_PASSWORD", password);
        let output = output(command).await;
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    assert_eq!(get("/app/?user=reader", "k", "hunter2").await, (0, "1".to_owned(), String::new()));
    let (code, _, err) = get("/?user=reader", "other", "hunter2").await;
    assert_eq!((code, err.lines().count()), (2, 1));
    assert!(err.starts_with("error: permission denied: key `other`: "), "{err}");
    let (code, _, err) = get("/app/?user=reader", "k", "wrong").await;
    assert_eq!((code, err.lines().count()), (2, 1));
    assert!(err.starts_with("error: unauthenticated: ") && !err.contains("wrong\n"), "{err}");
}

#[tokio::test]
async fn a_directory_is_a_store_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("level"), "info\n").unwrap();
    let url = format!("file://{}/", folder.path().to_str().unwrap());
    assert_eq!(run(&["get", &url, "level"]).await, (0, "info\n".to_owned(), String::new()));
    assert_eq!(run(&["get", &url, "other"]).await.0, 1);
    let (code, _, err) = run(&["get", "file:///no/such/", "level", "--timeout", "300ms"]).await;
    assert_eq!(
        (code, err.as_str()),
        (2, "error: not read within 300ms: unreachable: the directory /no/such/ does not exist\n")
    );
}
