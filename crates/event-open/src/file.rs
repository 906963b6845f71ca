//! `file:`, a directory.

use std::path::PathBuf;
use std::sync::Arc;

use event_core::{BoxStore, Error};
use event_file::{FileStore, Options};

use crate::option::{boolean, parsed};
use crate::{Url, parse_duration, refused};

const OPTIONS: [&str; 5] = ["max_size", "settle", "poll_interval", "only_poll", "follow_links_out"];

pub(crate) fn open(url: &Url) -> Result<BoxStore, Error> {
    url.allow_options(&OPTIONS)?;
    if let Some(host) = url.hosts().iter().find(|host| *host != "localhost") {
        return Err(refused(format!(
            "the URL has the host `{host}`: a directory is on this machine, so write file:///PATH/"
        )));
    }
    let mut options = Options::new();
    if let Some(bytes) = parsed(url, "max_size", bytes)? {
        options = options.max_size(bytes);
    }
    if let Some(time) = parsed(url, "settle", parse_duration)? {
        options = options.settle(time);
    }
    if let Some(interval) = parsed(url, "poll_interval", parse_duration)? {
        options = options.poll_interval(interval);
    }
    if parsed(url, "only_poll", boolean)? == Some(true) {
        options = options.only_poll();
    }
    if parsed(url, "follow_links_out", boolean)? == Some(true) {
        options = options.follow_links_out();
    }
    Ok(Arc::new(FileStore::open(path(url.path())?, options)?))
}

fn path(bytes: &[u8]) -> Result<PathBuf, Error> {
    if bytes.is_empty() {
        return Err(refused("the URL has no path: expected file:///PATH/ of a directory"));
    }
    if bytes.contains(&0) {
        return Err(refused("a path has no zero byte"));
    }
    #[cfg(unix)]
    let path = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes).into();
    #[cfg(not(unix))]
    let path = std::str::from_utf8(bytes).map_err(|_| refused("the path is not UTF-8"))?.into();
    Ok(path)
}

fn bytes(value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("`{value}` is no number of bytes"))
}
