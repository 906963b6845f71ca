//! How a store reads.

use std::time::Duration;

use event_core::{Error, ErrorKind};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The options of a [`FileStore`](crate::FileStore). The defaults suit most programs.
///
/// ```
/// use std::time::Duration;
///
/// use event_file::Options;
///
/// let options = Options::new().max_size(64 * 1024).settle(Duration::from_millis(50));
/// # drop(options);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Options {
    pub(crate) max_size: u64,
    pub(crate) settle: Duration,
    pub(crate) poll_interval: Duration,
    pub(crate) only_polls: bool,
    pub(crate) follows_out: bool,
}

impl Options {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            max_size: 16 << 20,
            settle: Duration::from_millis(20),
            poll_interval: Duration::from_secs(1),
            only_polls: false,
            follows_out: false,
        }
    }

    /// Sets how large a file may be, in bytes. 16 MiB by default.
    ///
    /// A larger file is not read: its watchers wait, its health is stalled with
    /// [`TooLarge`](event_core::CauseKind::TooLarge), and a refresh returns
    /// [`ResourceExhausted`](ErrorKind::ResourceExhausted).
    ///
    /// ```
    /// # use event_file::Options;
    /// let options = Options::new().max_size(4096);
    /// # drop(options);
    /// ```
    pub fn max_size(self, bytes: u64) -> Self {
        Self { max_size: bytes, ..self }
    }

    /// Sets how long a file that is written in place has to stay unchanged before it is published. 20 ms by default.
    ///
    /// On Linux, a version is published earlier if its writer closes the file. If the file changes all the time, a
    /// version is published after 25 times as long: 500 ms by default. A key is published as deleted if its file was
    /// gone for this long. A [map](crate::FileStore#maps) is published when nothing in its folders has changed for this long.
    ///
    /// ```
    /// # use event_file::Options;
    /// let options = Options::new().settle(std::time::Duration::from_millis(100));
    /// # drop(options);
    /// ```
    pub fn settle(self, time: Duration) -> Self {
        Self { settle: time, ..self }
    }

    /// Sets how often files are looked at where the system notifies of no changes. 1 s by default.
    ///
    /// ```
    /// # use event_file::Options;
    /// let options = Options::new().poll_interval(std::time::Duration::from_secs(10));
    /// # drop(options);
    /// ```
    pub fn poll_interval(self, interval: Duration) -> Self {
        Self { poll_interval: interval, ..self }
    }

    /// Makes the store poll and not ask for notifications, for a file system where they don't arrive and the store does
    /// not know so. The health then has no cause for it.
    ///
    /// ```
    /// # use event_file::Options;
    /// let options = Options::new().only_poll();
    /// # drop(options);
    /// ```
    pub fn only_poll(self) -> Self {
        Self { only_polls: true, ..self }
    }

    /// Lets keys be symbolic links that lead out of the directory. By default, such a key can't be read: its health is
    /// stalled with [`PermissionDenied`](event_core::CauseKind::PermissionDenied).
    ///
    /// Links on the way to the directory itself are always followed, and those of [`file`](crate::file), too, since the
    /// program named them.
    ///
    /// ```
    /// # use event_file::Options;
    /// let options = Options::new().follow_links_out();
    /// # drop(options);
    /// ```
    pub fn follow_links_out(self) -> Self {
        Self { follows_out: true, ..self }
    }

    /// How long a file that changes all the time is not published.
    pub(crate) fn longest_settle(&self) -> Duration {
        25 * self.settle
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let times = [("settle time", self.settle), ("poll interval", self.poll_interval)];
        for (name, time) in times {
            if time.is_zero() || time > DAY {
                let why =
                    format!("the {name} is {time:?}: expected more than zero, and a day at most");
                return Err(Error::new(ErrorKind::InvalidArgument, why));
            }
        }
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
