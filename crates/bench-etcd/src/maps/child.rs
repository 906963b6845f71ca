//! A follower of a map in a process of its own: this program once more, or one in Go.
//!
//! The child is given the endpoint and the prefix. It writes these lines:
//!
//! - `ready MILLISECONDS` when it has loaded the map, with the time since before it connected;
//! - `seen GENERATION CHANGES` when it takes a new generation of the sentinel, with the number of the changes
//!   that it has taken so far.
//!
//! It ends when its stdin does: with its parent at the latest.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child as Process, ChildStdout, Stdio};
use std::time::Instant;

use crate::maps::contenders::Contender;
use crate::maps::seen::{Seen, say};
use crate::process;

/// The word with which this program is a child.
pub(crate) const CHILD: &str = "map-child";

/// A child that follows a map.
pub(crate) struct Child {
    process: Process,
    output: BufReader<ChildStdout>,
    /// How long it took to load the map, in milliseconds.
    pub(crate) loaded: f64,
}

impl Child {
    /// Starts one, and waits until it has loaded the map.
    pub(crate) fn start(who: Contender, endpoint: &str, prefix: &str) -> Self {
        let mut command = who.command();
        let mut process = command
            .args([endpoint, prefix])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child's program runs");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut child = Self { process, output, loaded: f64::NAN };
        child.loaded = child.wait_for("ready", |words| words.first()?.parse().ok());
        child
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it has in memory, in bytes.
    pub(crate) fn resident(&self) -> f64 {
        process::resident(self.id())
    }

    /// Waits until it has a generation of the sentinel, and returns the number of the changes until then.
    pub(crate) fn sees(&mut self, generation: u32) -> f64 {
        self.wait_for("seen", |words| {
            let [seen, changes] = words else { return None };
            (seen.parse::<u32>().ok()? >= generation).then(|| changes.parse().ok())?
        })
    }

    /// Reads lines until one begins with the word, and is what is waited for. A child that fails ends its output.
    fn wait_for(&mut self, word: &str, found: impl Fn(&[&str]) -> Option<f64>) -> f64 {
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("a pipe");
            assert!(read > 0, "the child has ended before it was {word}");
            let words: Vec<&str> = line.split_whitespace().collect();
            let Some((first, rest)) = words.split_first() else { continue };
            if let Some(value) = (*first == word).then(|| found(rest)).flatten() {
                return value;
            }
        }
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
pub(crate) async fn run(arguments: &[String]) {
    let [who, endpoint, prefix] = arguments else { panic!("{CHILD} CONTENDER ENDPOINT PREFIX") };
    let who = Contender::of_word(who).expect("a contender");
    let (seen, start) = (Seen::default(), Instant::now());
    let following = who.follow(endpoint, prefix, &seen).await;
    say(&format!("ready {}", start.elapsed().as_secs_f64() * 1e3));
    // On this thread, which runs no task.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    drop(following);
}
