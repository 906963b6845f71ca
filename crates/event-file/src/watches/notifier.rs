//! The watcher of notify, which runs while a directory is watched.

use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use notify::{Config, ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::inbox::{Inbox, Notified};

const ENDED: &str = "the thread that waits for notifications ended";

pub(super) struct Notifier {
    inbox: Arc<Inbox>,
    watcher: Option<RecommendedWatcher>,
    /// It panicked once.
    is_broken: bool,
}

impl Notifier {
    pub(super) fn new(inbox: Arc<Inbox>) -> Self {
        Self { inbox, watcher: None, is_broken: false }
    }

    /// Watches what happens in a directory, without those below it. The error says why that can't be.
    pub(super) fn watch(&mut self, dir: &Path) -> Result<(), String> {
        self.call(|watcher| watcher.watch(dir, RecursiveMode::NonRecursive))
    }

    pub(super) fn unwatch(&mut self, dir: &Path) {
        if self.watcher.is_some() {
            // It fails if the directory is gone, and then there is nothing to do.
            let _: Result<(), String> = self.call(|watcher| watcher.unwatch(dir));
        }
    }

    /// Ends the watcher and its thread.
    pub(super) fn stop(&mut self) {
        let watcher = self.watcher.take();
        if catch_unwind(AssertUnwindSafe(|| drop(watcher))).is_err() {
            self.is_broken = true;
        }
    }

    /// Calls notify, which panics if its thread could not be started, or has ended.
    fn call(
        &mut self,
        call: impl FnOnce(&mut RecommendedWatcher) -> notify::Result<()>,
    ) -> Result<(), String> {
        if self.is_broken {
            return Err(ENDED.to_owned());
        }
        let Self { inbox, watcher, .. } = self;
        let called = catch_unwind(AssertUnwindSafe(|| {
            let watcher = if let Some(watcher) = watcher {
                watcher
            } else {
                let notified = Notified(Arc::clone(inbox));
                watcher.insert(RecommendedWatcher::new(notified, Config::default())?)
            };
            call(watcher)
        }));
        let Ok(result) = called else {
            self.is_broken = true;
            mem::forget(self.watcher.take()); // its drop would panic, too
            self.inbox.lose(); // all watches are gone
            return Err(ENDED.to_owned());
        };
        result.map_err(|error| words(&error))
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Why there are no notifications, and what to do.
fn words(error: &notify::Error) -> String {
    const EMFILE: i32 = 24;
    match &error.kind {
        ErrorKind::MaxFilesWatch => {
            "the limit for watches is used up: raise fs.inotify.max_user_watches".to_owned()
        }
        ErrorKind::Io(error) if error.raw_os_error() == Some(EMFILE) => format!(
            "the limit for open files or for inotify instances is used up: raise the first, or \
             fs.inotify.max_user_instances: {error}"
        ),
        ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").field("runs", &self.watcher.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_limit_that_is_used_up_is_named() {
        let watches = words(&notify::Error::new(ErrorKind::MaxFilesWatch));
        assert!(watches.contains("fs.inotify.max_user_watches"), "{watches}");
        let instances = words(&notify::Error::io(io::Error::from_raw_os_error(24)));
        assert!(instances.contains("fs.inotify.max_user_instances"), "{instances}");
    }

    #[test]
    fn a_panic_of_notify_is_an_error_from_then_on() {
        let inbox = Arc::new(Inbox::new(crate::signal::Signal::new()));
        let mut notifier = Notifier::new(Arc::clone(&inbox));
        let error = notifier.call(|_| panic!("the thread of notify ended")).unwrap_err();
        assert!(error.contains("ended"), "{error}");
        assert!(inbox.take().are_incomplete);
        assert!(notifier.watch(Path::new("/")).is_err());
        assert!(!inbox.take().are_incomplete);
    }
}
