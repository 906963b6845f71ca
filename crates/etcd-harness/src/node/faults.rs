//! What can befall a node.

use std::{io, path::Path, time::Duration};

use rustix::process::Signal;

use super::{Node, State};
use crate::{DataCopy, eventually};

const STOP_BOUND: Duration = Duration::from_secs(20);

impl Node {
    /// Ends it at once (SIGKILL), as a crash does; it is gone when this returns.
    pub fn kill(&self) {
        *self.state() = State::default();
    }

    /// Ends it in good order (SIGTERM); it is gone when this returns.
    ///
    /// # Panics
    ///
    /// If it does not run, or does not end within 20 s.
    pub async fn terminate(&self) {
        self.signal(Signal::TERM);
        eventually(STOP_BOUND, "the server ends on SIGTERM", async || !self.is_running()).await;
        self.kill();
    }

    /// Stops it (SIGSTOP): it keeps its connections and answers nobody.
    ///
    /// # Panics
    ///
    /// If it does not run.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
        self.state().stopped = true;
    }

    /// Lets it go on after [`stop`](Self::stop).
    ///
    /// # Panics
    ///
    /// If it does not run.
    pub fn cont(&self) {
        self.signal(Signal::CONT);
        self.state().stopped = false;
    }

    /// Deletes its data, while it is down. Meant for a cluster of one: started again, it is a new store
    /// with the same ids and addresses.
    ///
    /// # Panics
    ///
    /// If it runs, or if the folder cannot be deleted.
    pub fn wipe(&self) {
        self.while_down("wiped", |data| std::fs::remove_dir_all(data));
    }

    /// Copies its data, while it is down. Meant for a cluster of one.
    ///
    /// # Panics
    ///
    /// If it runs, or if the folder cannot be copied.
    #[must_use]
    pub fn save_data(&self) -> DataCopy {
        self.while_down("saved", DataCopy::of)
    }

    /// Puts saved data in the place of its own, while it is down, as restoring a backup does. Meant for
    /// a cluster of one.
    ///
    /// # Panics
    ///
    /// If it runs, or if the folder cannot be written.
    pub fn restore_data(&self, copy: &DataCopy) {
        self.while_down("restored", |data| copy.write_to(data));
    }

    /// Cuts it off from its peers: their connections are reset, and new ones hear nothing, both ways.
    /// Clients reach it as before. That is in force when this returns.
    pub async fn cut_from_peers(&self) {
        self.peers.cut(self.place.index).await;
    }

    /// Ends [`cut_from_peers`](Self::cut_from_peers).
    pub fn rejoin_peers(&self) {
        self.peers.rejoin(self.place.index);
    }

    fn signal(&self, signal: Signal) {
        let sent = self.state().process.as_ref().map(|process| process.signal(signal));
        match sent {
            Some(Ok(())) => {}
            Some(Err(error)) => panic!("{} takes no signal: {error}", self.name()),
            None => panic!("{} does not run", self.name()),
        }
    }

    fn while_down<T>(&self, what: &str, change: impl FnOnce(&Path) -> io::Result<T>) -> T {
        assert!(!self.is_running(), "{} runs: its data cannot be {what}", self.name());
        match change(&self.data()) {
            Ok(done) => done,
            Err(error) => panic!("the data of {} cannot be {what}: {error}", self.name()),
        }
    }
}
