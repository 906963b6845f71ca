//! The faults of a node: killing, stopping, cutting off, wiping, restoring.

use std::{io, path::Path, time::Duration};

use rustix::process::Signal;

use super::{Node, State};
use crate::{DataCopy, eventually};

const TERMINATE_TIMEOUT: Duration = Duration::from_secs(20);

impl Node {
    /// Kills the node (SIGKILL), as a crash does. When this returns, the process has ended.
    pub fn kill(&self) {
        *self.state() = State::default();
    }

    /// Shuts the node down gracefully (SIGTERM). When this returns, the process has ended.
    ///
    /// # Panics
    ///
    /// If the node does not run, or does not end within 20 s.
    pub async fn terminate(&self) {
        self.signal(Signal::TERM);
        let ended = async || !self.is_running();
        eventually(TERMINATE_TIMEOUT, "the server ends after SIGTERM", ended).await;
        self.kill();
    }

    /// Stops the process (SIGSTOP). It keeps its connections and does not respond.
    ///
    /// # Panics
    ///
    /// If the node does not run.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
        self.state().stopped = true;
    }

    /// Continues the process (SIGCONT) after [`stop`](Self::stop).
    ///
    /// # Panics
    ///
    /// If the node does not run.
    pub fn cont(&self) {
        self.signal(Signal::CONT);
        self.state().stopped = false;
    }

    /// Deletes the node's data. Use it in a cluster of one node, while the node is down. Started again, the
    /// node is an empty store with the same ids and addresses.
    ///
    /// # Panics
    ///
    /// If the node runs, or if the folder can't be deleted.
    pub fn wipe(&self) {
        self.while_down("wipe", |data| std::fs::remove_dir_all(data));
    }

    /// Copies the node's data. Use it in a cluster of one node, while the node is down.
    ///
    /// # Panics
    ///
    /// If the node runs, or if the folder can't be copied.
    #[must_use]
    pub fn save_data(&self) -> DataCopy {
        self.while_down("copy", DataCopy::of)
    }

    /// Replaces the node's data with a copy, as restoring a backup does. Use it in a cluster of one node,
    /// while the node is down.
    ///
    /// # Panics
    ///
    /// If the node runs, or if the folder can't be written.
    pub fn restore_data(&self, copy: &DataCopy) {
        self.while_down("replace", |data| copy.write_to(data));
    }

    /// Cuts the node off from its peers, in both directions. Clients can still connect to it.
    ///
    /// When this returns, the connections to and from its peers are reset. New ones stay open and forward
    /// nothing.
    pub async fn cut_from_peers(&self) {
        self.peers.cut(self.config.index).await;
    }

    /// Ends [`cut_from_peers`](Self::cut_from_peers).
    pub fn rejoin_peers(&self) {
        self.peers.rejoin(self.config.index);
    }

    fn signal(&self, signal: Signal) {
        let sent = self.state().process.as_ref().map(|process| process.signal(signal));
        match sent {
            Some(Ok(())) => {}
            Some(Err(error)) => panic!("cannot signal {}: {error}", self.name()),
            None => panic!("cannot signal {}: it does not run", self.name()),
        }
    }

    fn while_down<T>(&self, action: &str, change: impl FnOnce(&Path) -> io::Result<T>) -> T {
        assert!(!self.is_running(), "cannot {action} the data of {}: it runs", self.name());
        match change(&self.data()) {
            Ok(result) => result,
            Err(error) => panic!("cannot {action} the data of {}: {error}", self.name()),
        }
    }
}
