//! What a URL may look like, and what is said of one that can't be used.

use event_core::ErrorKind;
use event_open::{Url, open};

async fn refused(url: &str) -> String {
    let error = open(url).await.err().unwrap_or_else(|| panic!("{url} was opened"));
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{url}");
    format!("{error:#}")
}

#[test]
fn a_url_is_a_scheme_hosts_a_path_and_options() {
    for (url, hosts, path, prefix) in [
        ("etcd://a", &["a"][..], "", ""),
        ("etcd://a/", &["a"], "/", ""),
        ("etcd://a:2379,b:2379/app/", &["a:2379", "b:2379"], "/app/", "app/"),
        ("etcd://a//app/", &["a"], "//app/", "/app/"),
        ("etcd://a/../b//c", &["a"], "/../b//c", "../b//c"),
        ("etcd://[::1]:1,[fe80::1%25eth0]:1/", &["[::1]:1", "[fe80::1%eth0]:1"], "/", ""),
        ("etcd://unix:%2Frun%2Fe.sock/app/", &["unix:/run/e.sock"], "/app/", "app/"),
        ("etcd://a/caf%C3%A9%2f%40%23%3f/", &["a"], "/café/@#?/", "café/@#?/"),
        ("etcd://a/a+b?user=x", &["a"], "/a+b", "a+b"),
        ("file:///etc/app/", &[], "/etc/app/", "etc/app/"),
        ("mem:", &[], "", ""),
        ("mem:a/b", &[], "a/b", "a/b"),
    ] {
        let parsed = Url::parse(url).unwrap();
        assert_eq!(parsed.hosts(), hosts, "{url}");
        assert_eq!(String::from_utf8_lossy(parsed.path()), path, "{url}");
        assert_eq!(String::from_utf8_lossy(parsed.prefix()), prefix, "{url}");
    }
    assert_eq!(Url::parse("etcd://a/%ff").unwrap().prefix(), b"\xff");
}

#[test]
fn options_are_names_with_values() {
    let url = Url::parse("etcd://a?user=a%26b&&tls=&ca=x=y&follow_members").unwrap();
    for (name, value) in [
        ("user", Some("a&b")),
        ("tls", Some("")),
        ("ca", Some("x=y")),
        ("follow_members", Some("")),
        ("key", None),
    ] {
        assert_eq!(url.option(name), value, "{name}");
    }
}

#[tokio::test]
async fn a_bad_url_is_refused_with_what_is_allowed() {
    for (url, words) in [
        ("", "a URL begins with a scheme and a colon, as in etcd://localhost:2379/app/"),
        ("/etc/app", "a URL begins with a scheme and a colon, as in etcd://localhost:2379/app/"),
        (
            "10.0.0.1:2379",
            "a URL begins with a scheme and a colon, as in etcd://localhost:2379/app/",
        ),
        (
            "localhost:2379",
            "unknown scheme `localhost`: expected etcd://HOST:2379,HOST:2379/PREFIX, etcds://HOST:2379/PREFIX \
             (TLS), file:///PATH/ or mem:NAME",
        ),
        (
            "http://localhost:2379/",
            "unknown scheme `http`: expected etcd://HOST:2379,HOST:2379/PREFIX, etcds://HOST:2379/PREFIX (TLS), \
             file:///PATH/ or mem:NAME",
        ),
        (
            "etcd:///app/",
            "the URL has no host: expected etcd://HOST:2379/PREFIX, or several hosts, separated by commas",
        ),
        (
            "etcds:app/",
            "the URL has no host: expected etcds://HOST:2379/PREFIX, or several hosts, separated by commas",
        ),
        ("etcd://a,,b/", "a host is missing before or after a comma"),
        ("etcd://a,/", "a host is missing before or after a comma"),
        (
            "etcd://a:b/",
            "the port of the host `a` can't be read: expected a number from 1 to 65535",
        ),
        (
            "etcd://a/#app",
            "a URL of a store has no fragment: a # that is part of a name is written %23",
        ),
        (
            "etcd://a/100%",
            "after a % in the path come two hexadecimal digits: a % itself is written %25",
        ),
        (
            "etcd://a/?user=100%",
            "after a % in the option `user` come two hexadecimal digits: a % itself is written %25",
        ),
        ("etcd://a/?user=%ff", "the option `user` is not UTF-8"),
        ("etcd://%ff/", "a host is not UTF-8"),
    ] {
        assert_eq!(refused(url).await, words, "{url}");
    }
}

#[tokio::test]
async fn a_bad_option_is_refused_with_what_is_allowed() {
    for (url, words) in [
        (
            "etcd://a/?timeout=5s",
            "unknown option `timeout`: the options of etcd: are user, password_file, tls, ca, cert, key, \
             domain_name, assume_http2, connect_timeout, liveness_timeout, audit_interval, ordered_endpoints, follow_members, \
             cluster_id",
        ),
        ("etcd://a/?tls=true&tls=false", "the option `tls` is given twice"),
        ("etcd://a/?tls=yes", "the option `tls` can't be read: `yes` is neither true nor false"),
        ("etcd://a/?ca=", "the option `ca` has no value"),
        (
            "etcd://a/?connect_timeout=5",
            "the option `connect_timeout` can't be read: `5` is no time: expected a whole number and a unit, \
             such as 500ms, 5s or 2m",
        ),
        (
            "etcd://a/?liveness_timeout=0s",
            "a timeout must be longer than zero and not longer than a day",
        ),
        (
            "etcd://a/?audit_interval=often",
            "the option `audit_interval` can't be read: `often` is no time: expected a whole number and a unit, \
             such as 500ms, 5s or 2m",
        ),
        (
            "etcd://a/?cluster_id=abc",
            "the option `cluster_id` can't be read: `abc` is no id: expected a decimal number, or a hexadecimal \
             one after 0x",
        ),
        ("etcd://a/?cert=c.pem", "the option `cert` needs the option `key`"),
        ("etcd://a/?key=k.pem", "the option `key` needs the option `cert`"),
        ("etcd://a/?password_file=p", "the option `password_file` needs the option `user`"),
        ("etcds://a/?tls=false", "`tls=false` contradicts the scheme etcds:"),
        ("etcd://a/?tls=false&ca=c.pem", "`tls=false` contradicts the option `ca`"),
        ("file:", "the URL has no path: expected file:///PATH/ of a directory"),
        (
            "file://etc/app/",
            "the URL has the host `etc`: a directory is on this machine, so write file:///PATH/",
        ),
        ("file:///etc/%00/", "a path has no zero byte"),
        (
            "file:///etc/?max_size=1k",
            "the option `max_size` can't be read: `1k` is no number of bytes",
        ),
        (
            "file:///etc/?user=reader",
            "unknown option `user`: the options of file: are max_size, settle, poll_interval, only_poll, \
             follow_links_out",
        ),
        (
            "mem://a/",
            "a store in memory has no host and no path: write mem:NAME, or mem: for a new store",
        ),
        (
            "mem:/a",
            "a store in memory has no host and no path: write mem:NAME, or mem: for a new store",
        ),
        ("mem:?user=x", "unknown option `user`: mem: has no options"),
    ] {
        assert_eq!(refused(url).await, words, "{url}");
    }
}

#[tokio::test]
async fn a_password_in_a_url_is_refused_and_not_printed() {
    let where_to = "write ?user=NAME, and give the password by the environment variable EVENT_ETCD_PASSWORD or by \
                    ?password_file=PATH";
    for url in [
        "etcd://root:hunter2@a:2379/",
        "etcd://root:hunter2%40a:2379/",
        "etcd://root:hunter2/x@a:2379/",
        "etcd://root:hunter2?x@a:2379/",
        "etcd://root:hunter2#x@a:2379/",
        "etcd://root:hunter2,x@a:2379/",
        "etcd:root:hunter2@a:2379/",
        "redis://:hunter2@a/",
        "etcd://a/?user=root&password=hunter2",
        "etcd://a/?user=root&PASSWORD=hunter2",
        "etcd://a/?user=root&%70assword=hunter2",
        "mem:?password=hunter2",
        "etcd://a/?password%3Dhunter2",
        "etcd://a/?the_password:hunter2",
        "etcd://a/?user=root:hunter2",
        "etcd://a/?user=root;password=hunter2",
    ] {
        let message = refused(url).await;
        assert!(message.ends_with(where_to), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
    let message = refused("etcd://root:hunter2/").await;
    assert_eq!(
        message,
        "the port of the host `root` can't be read: expected a number from 1 to 65535"
    );
    let message = refused("etcd://a/?user=root&secret=hunter2").await;
    assert!(
        message.starts_with("unknown option `secret`: ") && !message.contains("hunter2"),
        "{message}"
    );
}
