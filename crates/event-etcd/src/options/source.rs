//! Where credentials come from.

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Credentials that are given, or that are read anew for each connection.
#[derive(Clone)]
pub(crate) struct Source<T> {
    /// Where they come from, without a secret.
    name: Arc<str>,
    is_given: bool,
    read: Arc<dyn Fn() -> Result<T, String> + Send + Sync>,
}

impl<T> Source<T> {
    pub(crate) fn given(name: impl Into<Arc<str>>, value: T) -> Self
    where
        T: Clone + Send + Sync + 'static,
    {
        Self { name: name.into(), is_given: true, read: Arc::new(move || Ok(value.clone())) }
    }

    /// A function of the program, which returns `what`.
    pub(crate) fn function<E: Into<Box<dyn StdError + Send + Sync>>>(
        what: &'static str,
        read: impl Fn() -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        let read = move || {
            read().map_err(|error| format!("the program's function for {what}: {}", error.into()))
        };
        Self::read_anew("from a function", read)
    }

    fn read_anew(
        name: impl Into<Arc<str>>,
        read: impl Fn() -> Result<T, String> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), is_given: false, read: Arc::new(read) }
    }

    /// Whether reading it takes no time.
    pub(crate) fn is_given(&self) -> bool {
        self.is_given
    }

    /// Reads it now, and may block. An error is in words, and names the file.
    pub(crate) fn read(&self) -> Result<T, String> {
        (self.read)()
    }

    /// What to call it in an error, if it is not the only one of its kind.
    #[cfg(feature = "tls")]
    pub(crate) fn origin(&self) -> String {
        if self.is_given { String::new() } else { format!(" ({})", self.name) }
    }
}

impl Source<Vec<u8>> {
    pub(crate) fn file(path: PathBuf) -> Self {
        Self::read_anew(path.display().to_string(), move || content(&path))
    }
}

impl Source<(Vec<u8>, Vec<u8>)> {
    pub(crate) fn files(certificate: PathBuf, key: PathBuf) -> Self {
        let name = format!("{}, {}", certificate.display(), key.display());
        Self::read_anew(name, move || Ok((content(&certificate)?, content(&key)?)))
    }
}

impl Source<(String, String)> {
    pub(crate) fn password_file(user: String, path: PathBuf) -> Self {
        let name = format!("{user}, {}", path.display());
        Self::read_anew(name, move || {
            let password = String::from_utf8(content(&path)?)
                .map_err(|_| format!("the password in {} is not UTF-8", path.display()))?;
            let password = password.strip_suffix('\n').unwrap_or(&password);
            let password = password.strip_suffix('\r').unwrap_or(password);
            if password.is_empty() {
                return Err(format!("the file {} has no password in it", path.display()));
            }
            Ok((user.clone(), password.to_owned()))
        })
    }
}

fn content(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path)
        .map_err(|error| format!("the file {} can't be read: {error}", path.display()))
}

impl<T> fmt::Debug for Source<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_ends_before_the_line_break_at_the_end_of_its_file() {
        let path = std::env::temp_dir().join(format!("event-etcd-password-{}", std::process::id()));
        for (content, password) in
            [("a b\n", Some("a b")), ("a\r\n", Some("a")), (" a", Some(" a")), ("\n", None)]
        {
            std::fs::write(&path, content).unwrap();
            let user = Source::password_file("reader".into(), path.clone()).read();
            assert_eq!(user.ok().map(|user| user.1).as_deref(), password, "{content:?}");
        }
        std::fs::remove_file(&path).unwrap();
        let error = Source::password_file("reader".into(), path.clone()).read().unwrap_err();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
}
