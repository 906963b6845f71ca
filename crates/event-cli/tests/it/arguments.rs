//! The command line: what it can't use is said in one line, and help has examples.

use crate::support::{event, output, run};

#[tokio::test]
async fn bad_input_gets_one_clear_line() {
    for (arguments, line) in [
        (
            &[][..],
            "a command is missing: watch, get, check or completions; `event --help` has examples",
        ),
        (&["wacth"], "unrecognized subcommand 'wacth'; a similar subcommand exists: 'watch'"),
        (&["get", "mem:"], "the following required arguments were not provided: <KEY>"),
        (
            &["get", "mem:", "k", "--timeout", "5"],
            "invalid value '5' for '--timeout <TIME>': `5` is no time",
        ),
        (
            &["check", "mem:", "k", "--format", "xml"],
            "invalid value 'xml' for '--format <FORMAT>' [possible",
        ),
        (
            &["watch", "mem:", "k", "--values", "--lines"],
            "the argument '--values' cannot be used with '--lines'",
        ),
        (&["completions", "tcsh"], "invalid value 'tcsh' for '<SHELL>' [possible values: bash, "),
        (
            &["get", "nope://x/", "k"],
            "unknown scheme `nope`: expected etcd://HOST:2379,HOST:2379/PREFIX, ",
        ),
        (
            &["watch", "etcd:///app/", "k"],
            "the URL has no host: expected etcd://HOST:2379/PREFIX, ",
        ),
        (
            &["check", "etcd://a/?x=1", "k", "--format", "json"],
            "unknown option `x`: the options of etcd: are ",
        ),
        (&["get", "etcd://a\nb:1/", "k"], "the endpoint `a b:1` can't be read"),
        (
            &["get", "etcd://a:hunter2/", "k"],
            "the port of the host `a` can't be read: expected a number from 1 to 65535",
        ),
        (
            &["get", "etcd://a/?user=reader", "k"],
            "there is no password for the user `reader`: set the",
        ),
        (&["get", "etcd://127.0.0.1:1/", ""], "the key's name is empty, and etcd has no such key"),
    ] {
        let (code, out, err) = run(arguments).await;
        assert_eq!((code, out.as_str()), (64, ""), "{arguments:?}: {err}");
        assert_eq!(err.lines().count(), 1, "{arguments:?}: {err}");
        assert!(err.starts_with(&format!("error: {line}")), "{arguments:?}: {err}");
    }
}

#[tokio::test]
async fn a_password_in_the_url_is_not_printed() {
    for url in ["etcd://root:hunter2@a/", "etcd://a/?user=root&password=hunter2"] {
        for arguments in [
            &["get", url, "k"][..],
            &["watch", url, "k"],
            &["check", url, "k", "--format", "json"],
            &["--verbose", "get", url, "k"],
        ] {
            let (code, out, err) = run(arguments).await;
            assert_eq!(code, 64);
            assert!(err.contains("EVENT_ETCD_PASSWORD"), "{err}");
            assert!(!format!("{out}{err}").contains("hunter2"), "{err}");
        }
    }
}

#[tokio::test]
async fn help_has_examples_and_the_exit_codes() {
    for arguments in
        [&["--help"][..], &["watch", "--help"], &["get", "--help"], &["check", "--help"]]
    {
        let (code, out, _) = run(arguments).await;
        assert_eq!(code, 0);
        for part in ["Examples:\n  ", "URLs:\n  etcd://", "Exit codes:\n  0 "] {
            assert!(out.contains(part), "{arguments:?}: {out}");
        }
    }
    assert!(run(&["completions", "--help"]).await.1.contains("Examples:\n"));
}

#[tokio::test]
async fn shells_get_completions() {
    for (shell, part) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef event"),
        ("fish", "complete -c event"),
        ("elvish", "set edit:"),
    ] {
        let (code, out, err) = run(&["completions", shell]).await;
        assert_eq!((code, err.as_str()), (0, ""), "{shell}");
        assert!(out.contains(part) && out.contains("watch"), "{shell}: {out}");
    }
}

#[tokio::test]
async fn it_says_its_version() {
    let output = output(event(&["--version"])).await;
    assert_eq!(output.stdout, format!("event {}\n", env!("CARGO_PKG_VERSION")).into_bytes());
}
