//! Tests that measure memory.

use std::process::Command;

/// Runs a test in a process of its own, where no other test allocates.
pub(super) async fn alone(name: &str, test: impl AsyncFnOnce()) {
    pub(super) const ALONE: &str = "EVENT_ETCD_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return test().await;
    }
    let mut command = Command::new(std::env::current_exe().expect("this is a program"));
    command.args([&format!("hostile::{name}"), "--exact", "--nocapture"]).env(ALONE, "1");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&printed));
}

/// The memory of this process, in bytes.
pub(super) fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("this is Linux");
    let pages: usize = pages.split(' ').nth(1).unwrap().parse().unwrap();
    pages * rustix::param::page_size()
}
