//! Noticing that nobody reads our lines any more, while there is none to print.

/// Ends the program with success when the reader of stdout leaves, as `head` does.
///
/// Why a thread? A pipe is closed for its writer when `poll` says so, and a tokio socket can't be made of every stdout.
#[cfg(unix)]
pub(crate) fn watch() {
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;

    std::thread::spawn(|| {
        let out = std::io::stdout();
        loop {
            // No flag is asked for: the kernel reports the end by itself.
            let mut fds = [PollFd::new(&out, PollFlags::empty())];
            match poll(&mut fds, None) {
                Err(Errno::INTR) => {}
                Ok(_) if fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) => {
                    std::process::exit(0);
                }
                // Something that has no reader, such as a file.
                _ => return,
            }
        }
    });
}

/// The next line that is printed notices it.
#[cfg(not(unix))]
pub(crate) fn watch() {}
