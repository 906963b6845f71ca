//! What a connection is made with, read from the options.

use std::time::Duration;

use tokio::time::timeout;

use super::detached::Detached;
use super::tls::{Tls, UnreadableRoots};
use crate::Options;
use crate::options::Source;

/// The user and the TLS of one connection.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) user: Option<(String, String)>,
    pub(super) tls: Option<Tls>,
}

/// Reads the credentials for each connection.
pub(super) struct CredentialsReader {
    options: Options,
    tls: bool,
    unreadable_roots: UnreadableRoots,
    running: Detached<Result<Credentials, String>>,
}

impl CredentialsReader {
    pub(super) fn new(options: &Options, tls: bool) -> Self {
        Self {
            options: options.clone(),
            tls,
            unreadable_roots: UnreadableRoots::default(),
            running: Detached::new(),
        }
    }

    /// Reads what there is now. An error says in words what can't be used, and names its file.
    pub(super) async fn read(&self, within: Duration) -> Result<Credentials, String> {
        let (options, tls) = (self.options.clone(), self.tls);
        let unreadable_roots = self.unreadable_roots.clone();
        let read = move || read(&options, tls, &unreadable_roots);
        if self.takes_no_time() {
            return read();
        }
        match timeout(within, self.running.run("credentials", read)).await {
            Ok(Some(result)) => result,
            Ok(None) => {
                Err("the credentials can't be read: the function for them panicked, or the system \
                             gives the program no further thread"
                    .to_owned())
            }
            Err(_) => Err(format!(
                "the credentials were not read within {within:?}: check the file system of their files, and \
                 the functions for them"
            )),
        }
    }

    /// Whether no file is read. The system's roots are files.
    fn takes_no_time(&self) -> bool {
        let Options { user, ca, identity, .. } = &self.options;
        let roots_are_given = ca.as_ref().is_some_and(Source::is_given);
        user.as_ref().is_none_or(Source::is_given)
            && (!self.tls || roots_are_given)
            && identity.as_ref().is_none_or(Source::is_given)
    }
}

fn read(
    options: &Options,
    tls: bool,
    unreadable_roots: &UnreadableRoots,
) -> Result<Credentials, String> {
    let user = options.user.as_ref().map(Source::read).transpose()?;
    if let Some((name, password)) = &user {
        if name.is_empty() {
            return Err("the user has no name".to_owned());
        }
        if password.is_empty() {
            return Err(format!("the password of the user {name} is empty"));
        }
    }
    let tls = tls.then(|| Tls::read(options, unreadable_roots)).transpose()?;
    Ok(Credentials { user, tls })
}
