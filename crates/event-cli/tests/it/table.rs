//! `event watch` in a pseudo-terminal.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use etcd_harness::eventually;
use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::termios::{LocalModes, tcgetattr};
use vt100::Parser;

use crate::support::{BOUND, PROGRAM, cluster_with, put, url};

const ROWS: u16 = 12;

fn size(of: u16) -> NonZero<u16> {
    NonZero::new(of).expect("a terminal has rows and columns")
}

/// The program in a terminal of its own. What it writes is drawn as a terminal does.
struct Terminal {
    pty: Arc<Pty>,
    screen: Arc<Mutex<Parser>>,
    child: Child,
}

impl Terminal {
    fn start(columns: u16, arguments: &[&OsStr]) -> Self {
        Self::of(columns, Command::new(PROGRAM).args(arguments))
    }

    fn of(columns: u16, command: Command) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(ROWS, columns)).unwrap();
        let child = command
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .env_remove("EVENT_ETCD_PASSWORD")
            .spawn(pts)
            .unwrap();
        let (pty, screen) =
            (Arc::new(pty), Arc::new(Mutex::new(Parser::new(size(ROWS), size(columns), 0))));
        let (reader, drawn) = (Arc::clone(&pty), Arc::clone(&screen));
        // Ends with the program, whose end closes the terminal.
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = (&*reader).read(&mut bytes) {
                drawn.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self { pty, screen, child }
    }

    fn resize(&self, columns: u16) {
        self.screen.lock().unwrap().screen_mut().set_size(size(ROWS), size(columns));
        self.pty.resize(Size::new(ROWS, columns)).unwrap();
    }

    fn rows(&self) -> Vec<String> {
        let screen = self.screen.lock().unwrap();
        let columns = screen.screen().size().1;
        screen.screen().rows(0, columns.get()).collect()
    }

    /// Waits until a row of the screen has all of these.
    async fn shows(&self, parts: &[&str]) -> String {
        let what = format!("a row has {parts:?}");
        eventually(BOUND, &what, async || {
            let rows = self.rows();
            let row = rows.iter().find(|row| parts.iter().all(|part| row.contains(part)));
            row.cloned().ok_or(rows)
        })
        .await
    }

    /// Waits until the row that begins so is highlighted, or is not.
    async fn highlights(&self, start: &str, is_highlighted: bool) {
        eventually(BOUND, "the row is highlighted as it should be", async || {
            let row =
                u16::try_from(self.rows().iter().position(|row| row.starts_with(start))?).unwrap();
            let screen = self.screen.lock().unwrap();
            (screen.screen().cell(row, 0)?.inverse() == is_highlighted).then_some(())
        })
        .await;
    }

    fn types(&self, keys: &[u8]) {
        (&*self.pty).write_all(keys).unwrap();
    }

    /// Waits for the end, and checks that the terminal is as it was.
    async fn ended(mut self) {
        let child = &mut self.child;
        let status =
            eventually(BOUND, "the program ends", async || child.try_wait().unwrap()).await;
        assert_eq!(status.code(), Some(0));
        let screen = Arc::clone(&self.screen);
        eventually(BOUND, "the terminal is restored", async || {
            let screen = screen.lock().unwrap();
            !screen.screen().alternate_screen() && !screen.screen().hide_cursor()
        })
        .await;
        assert!(self.echoes());
    }

    fn echoes(&self) -> bool {
        tcgetattr(self.pty.as_fd()).unwrap().local_modes.contains(LocalModes::ECHO)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_table_lives_through_a_killed_etcd() {
    let cluster = cluster_with(&[(b"app/limit", b"1"), (b"app/text", b"not json: hunter2")]).await;
    let url = url(&cluster, "/app/?liveness_timeout=1s");
    let arguments = ["watch", &url, "limit", "text", "other"].map(OsStr::new);
    let terminal = Terminal::start(80, &arguments);
    terminal.shows(&["live ", &cluster.node(0).endpoint()["http://".len()..]]).await;
    terminal.shows(&["KEY", "REVISION", "AGE", "STATE"]).await;
    terminal.shows(&["limit", " 2 ", "s ", "ok"]).await;
    terminal.shows(&["text", " 3 ", "bad"]).await;
    terminal.shows(&["  key `app/text` at revision 3: "]).await;
    terminal.shows(&["other", "missing"]).await;
    terminal.highlights("limit", false).await;
    assert!(!terminal.rows().concat().contains("hunter2"));

    put(&cluster, b"app/limit", b"2").await;
    terminal.shows(&["limit", " 4 ", "ok"]).await;
    terminal.highlights("limit", true).await;
    terminal.highlights("limit", false).await;

    cluster.node(0).kill();
    terminal.shows(&["stalled "]).await;
    terminal.shows(&["unreachable: "]).await;
    terminal.shows(&["limit", " 4 ", "stalled"]).await;
    cluster.node(0).restart().await;
    terminal.shows(&["live "]).await;
    terminal.shows(&["until ", " ago: unreachable: "]).await;
    put(&cluster, b"app/text", b"3").await;
    terminal.shows(&["text", " 5 ", "ok"]).await;
    terminal.shows(&["  before: key `app/text` at revision 3: "]).await;
    cluster.client().await.kv_client().delete("app/limit", None).await.unwrap();
    terminal.shows(&["limit", " 6 ", "deleted"]).await;

    assert!(!terminal.echoes());
    terminal.types(b"\x03");
    terminal.ended().await;
}

#[tokio::test]
async fn twenty_columns_are_enough() {
    let keys = ["config", "漢字漢字漢字漢字漢字", "a/very/long/name/of/a/key"];
    let cluster = cluster_with(&[
        (keys[0].as_bytes(), b"1"),
        (keys[1].as_bytes(), b"2"),
        (keys[2].as_bytes(), b"bad"),
        (b"a\xff\n", b"3"),
    ])
    .await;
    let url = url(&cluster, "/");
    let mut arguments = vec![OsStr::new("watch"), OsStr::new(&url)];
    arguments.extend(keys.map(OsStr::new));
    arguments.push(OsStr::from_bytes(b"a\xff\n"));
    let terminal = Terminal::start(20, &arguments);
    terminal.shows(&["live "]).await;
    terminal.shows(&["KEY", "STATE"]).await;
    terminal.shows(&["config       ok"]).await;
    terminal.shows(&["漢字漢字漢…  ok"]).await;
    terminal.shows(&["a/very/long… bad"]).await;
    terminal.shows(&["  key `a/very/long/…"]).await;
    terminal.shows(&[r"$'a\xff\n'   ok"]).await;
    let height = terminal.rows().iter().filter(|row| !row.trim().is_empty()).count();
    assert_eq!(height, 7, "no line is wrapped: {:?}", terminal.rows());

    // Down to one column, and up again.
    for columns in (1..20).rev() {
        terminal.resize(columns);
    }
    terminal.shows(&["…"]).await;
    terminal.resize(80);
    terminal.shows(&["a/very/long/name/of/a/key", "5", "bad"]).await;
    put(&cluster, b"config", b"9").await;
    terminal.shows(&["config ", " 6 ", "ok"]).await;
    terminal.types(b"q");
    terminal.ended().await;
}

#[tokio::test]
async fn values_are_shown_only_on_demand() {
    let cluster =
        cluster_with(&[(b"k", b"{\"a\": \"\x1b[31m\\u001b 1\"}"), (b"l", b"\"two words\"")]).await;
    let url = url(&cluster, "/");
    let terminal = Terminal::start(80, &["watch", &url, "l", "--values"].map(OsStr::new));
    terminal.shows(&["KEY", "VALUE"]).await;
    terminal.shows(&["l ", "ok", "\"two words\""]).await;

    // What could change the screen is replaced.
    let raw =
        Terminal::start(80, &["watch", &url, "k", "--values", "--format", "raw"].map(OsStr::new));
    raw.shows(&["k ", "ok", "{\"a\": \"·[31m\\u001b 1\"}"]).await;

    let narrow = Terminal::start(20, &["watch", &url, "l", "--values"].map(OsStr::new));
    narrow.shows(&["l ", "ok"]).await;
}

#[tokio::test]
async fn more_keys_than_rows_are_counted() {
    let keys: Vec<String> = (0..30).map(|n| format!("k{n}")).collect();
    let mut arguments = vec![OsStr::new("watch"), OsStr::new("mem:")];
    arguments.extend(keys.iter().map(OsStr::new));
    let terminal = Terminal::start(40, &arguments);
    terminal.shows(&["… 22 more lines"]).await;
}

#[tokio::test]
async fn a_signal_restores_the_terminal() {
    let terminal = Terminal::start(80, &["watch", "mem:", "k"].map(OsStr::new));
    terminal.shows(&["live "]).await;
    let id = rustix::process::Pid::from_child(&terminal.child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    terminal.ended().await;
}

/// As in `event watch … </dev/null`, and in a script that reads its own input.
#[tokio::test]
async fn a_terminal_to_read_from_is_not_needed() {
    let command = Command::new(PROGRAM).args(["watch", "mem:", "k"]).stdin(Stdio::null());
    let terminal = Terminal::of(80, command);
    terminal.shows(&["live "]).await;
    terminal.shows(&["k ", "missing"]).await;
    // Ctrl-C is a signal then.
    terminal.types(b"\x03");
    terminal.ended().await;
}

#[tokio::test]
async fn a_terminal_gets_lines_if_they_are_wanted() {
    let terminal = Terminal::start(200, &["watch", "mem:", "k", "--lines"].map(OsStr::new));
    terminal.shows(&[r#"{"cause":null,"#, r#""state":"live""#]).await;
    terminal.types(b"\x03");
    terminal.ended().await;
}

#[tokio::test]
async fn other_keys_do_nothing_and_ctrl_d_ends_it() {
    let terminal = Terminal::start(80, &["watch", "mem:", "k"].map(OsStr::new));
    terminal.shows(&["live "]).await;
    terminal.types(b"x\x1b[A");
    terminal.types(b"\x04");
    terminal.ended().await;
}

#[tokio::test]
async fn the_keys_under_a_prefix_are_rows_that_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let services = dir.path().join("services");
    std::fs::create_dir(&services).unwrap();
    std::fs::write(services.join("b"), "1").unwrap();
    let url = format!("file://{}/", dir.path().display());
    let arguments = ["watch", &url, "--prefix", "services", "--values"].map(OsStr::new);
    let terminal = Terminal::start(80, &arguments);
    terminal.shows(&["services/  1 key  synced"]).await;
    terminal.shows(&["services/b", "ok", " 1"]).await;
    terminal.highlights("services/b", false).await;
    std::fs::write(services.join("a"), "not json").unwrap();
    terminal.shows(&["services/  2 keys  synced"]).await;
    terminal.shows(&["services/a", "bad"]).await;
    terminal.highlights("services/a", true).await;
    let rows = terminal.rows();
    let at = |start: &str| rows.iter().position(|row| row.starts_with(start)).unwrap();
    assert!(at("services/a") < at("services/b"));
    std::fs::remove_file(services.join("b")).unwrap();
    terminal.shows(&["services/b", "deleted"]).await;
    terminal.shows(&["services/  1 key  synced"]).await;
    eventually(BOUND, "the deleted key goes", async || {
        let is_there = terminal.rows().iter().any(|row| row.starts_with("services/b"));
        (!is_there).then_some(())
    })
    .await;
    std::fs::remove_dir_all(dir.path()).unwrap();
    terminal.shows(&["services/  1 key  stalled"]).await;
    terminal.types(b"q");
    terminal.ended().await;
}
