//! `event check`.

use crate::support::{cluster_with, run, url};

#[tokio::test]
async fn a_value_decodes_or_it_does_not() {
    let cluster = cluster_with(&[
        (b"good", br#"{"a": 1}"#),
        (b"bad", br#"{"password": hunter2}"#),
        (b"toml", b"a = 1"),
        (b"bytes", b"\xff"),
        (b"number", b"42"),
    ])
    .await;
    let url = url(&cluster, "/");
    for (key, format, code) in [
        ("good", "json", 0),
        ("good", "yaml", 0),
        ("good", "toml", 1),
        ("bad", "json", 1),
        ("toml", "toml", 0),
        ("toml", "json", 1),
        ("number", "int", 0),
        ("number", "float", 0),
        ("number", "bool", 1),
        ("number", "utf8", 0),
        ("bytes", "utf8", 1),
        ("bytes", "json", 1),
    ] {
        let (found, out, err) = run(&["check", &url, key, "--format", format]).await;
        assert_eq!(found, code, "{key} as {format}: {err}");
        if code == 0 {
            assert_eq!((out.as_str(), err.as_str()), ("ok\n", ""), "{key} as {format}");
        } else {
            assert_eq!((out.as_str(), err.lines().count()), ("", 1), "{key} as {format}: {err}");
            assert!(err.starts_with(&format!("error: key `{key}` at revision ")), "{err}");
            assert!(!err.contains("hunter2"), "{err}");
        }
    }
}

#[tokio::test]
async fn what_can_not_be_read_is_no_answer() {
    let (code, _, err) = run(&["check", "mem:", "k", "--format", "json"]).await;
    assert_eq!((code, err.as_str()), (1, "error: the key `k` does not exist\n"));
    let arguments = ["check", "etcd://127.0.0.1:1/", "k", "--format", "json", "--timeout", "300ms"];
    assert_eq!(run(&arguments).await.0, 2);
}
