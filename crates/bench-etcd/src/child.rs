//! A follower in a process of its own, for what it takes of the system to be its own too.
//!
//! The program runs itself again as `child CONTENDER KEYS ENDPOINT`. The child says when it has all
//! first values, and ends when its stdin does: with its parent at the latest.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child as Process, Command, Stdio};
use std::sync::Arc;

use crate::board::Board;
use crate::contenders::Contender;
use crate::process;

/// A child that follows.
pub(crate) struct Child {
    process: Process,
    output: BufReader<std::process::ChildStdout>,
}

impl Child {
    /// Starts one, and waits until it has all first values.
    pub(crate) fn start(who: Contender, keys: usize, endpoint: &str) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut process = Command::new(program)
            .args(["child", who.word(), &keys.to_string(), endpoint])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program runs once more");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut child = Self { process, output };
        // A child that can't follow panics within the board's bound, which ends its output.
        assert_eq!(child.line(), "ready", "{} does not follow", who.name());
        child
    }

    /// What it has in memory, in bytes.
    pub(crate) fn resident(&self) -> f64 {
        process::resident(self.process.id())
    }

    /// How long it has run on a processor, in seconds.
    pub(crate) fn cpu_time(&self) -> f64 {
        process::cpu_time(self.process.id())
    }

    /// Ends it, and tells how many values it took.
    pub(crate) fn end(mut self) -> u64 {
        drop(self.process.stdin.take());
        self.line().parse().unwrap_or(0)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a pipe");
        line.trim_end().to_owned()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail only where the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the child does.
pub(crate) async fn follow(arguments: &[String]) {
    let [who, keys, endpoint] = arguments else { panic!("child CONTENDER KEYS ENDPOINT") };
    let who = Contender::of_word(who).expect("a contender");
    let keys = keys.parse().expect("a number of keys");
    let board = Arc::new(Board::new(keys));
    let following = who.follow(endpoint, keys, &board).await;
    board.complete().await;
    say("ready");
    // On this thread, which runs no task.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    drop(following);
    say(&board.taken().to_string());
}

/// Nobody listens where the parent is gone, and then it does not matter.
fn say(line: &str) {
    let mut output = std::io::stdout();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}
