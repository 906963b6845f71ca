//! The story: two programs follow a key, and their etcd is killed.

use std::fmt::Write;

use etcd_harness::{Cluster, Node};

use crate::program::Program;

/// Runs both programs on a real etcd that is killed, and returns what they print.
///
/// # Panics
///
/// If there is no etcd, or a program does not print what it should.
pub(crate) async fn record() -> String {
    let cluster = Cluster::start(1).await;
    let node = cluster.node(0);
    let mut story = Story::default();

    story.step("etcdctl put config 1    # then both programs start");
    put(node, "1").await;
    let mut by_hand = Program::start("by_hand", &node.endpoint());
    let mut with_event = Program::start("with_event", &node.endpoint());
    story.by_hand(by_hand.until(&["config: 1"]).await);
    story.with_event(with_event.until(&["config: 1", "health: live"]).await);

    story.step("etcdctl put config 2");
    put(node, "2").await;
    story.by_hand(by_hand.until(&["config: 2"]).await);
    story.with_event(with_event.until(&["config: 2"]).await);

    story.step("kill -9 $(pidof etcd)");
    node.kill();
    story.by_hand(by_hand.end().await);
    story.with_event(with_event.until(&["health: stalled"]).await);

    story.step("etcd                    # again, on the same port, with the same data");
    node.restart().await;
    story.with_event(with_event.until(&["health: live"]).await);

    story.step("etcdctl put config 3");
    put(node, "3").await;
    story.with_event(with_event.until(&["config: 3"]).await);
    story.text
}

async fn put(node: &Node, value: &str) {
    node.client().await.put("config", value, None).await.expect("the server is healthy");
}

#[derive(Default)]
struct Story {
    text: String,
}

impl Story {
    fn step(&mut self, command: &str) {
        let gap = if self.text.is_empty() { "" } else { "\n" };
        self.line(format_args!("{gap}$ {command}"));
    }

    fn by_hand(&mut self, lines: Vec<String>) {
        self.printed("by hand", lines);
    }

    fn with_event(&mut self, lines: Vec<String>) {
        self.printed("event", lines);
    }

    fn printed(&mut self, who: &str, lines: Vec<String>) {
        for line in lines {
            self.line(format_args!("{who:>7} | {line}"));
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("a string takes everything");
    }
}
