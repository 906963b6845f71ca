//! Where a connection goes to.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// One address of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Address {
    /// Reads what `Display` writes.
    pub(crate) fn parse(address: &str) -> Option<Self> {
        match address.strip_prefix("unix:") {
            Some(path) => Some(Self::Unix(path.into())),
            None => address.parse().ok().map(Self::Tcp),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for address in ["127.0.0.1:2379", "[::1]:2379", "[fe80::1%2]:2379", "unix:/run/etcd.sock"] {
            assert_eq!(Address::parse(address).unwrap().to_string(), address);
        }
        assert_eq!(Address::parse("localhost:2379"), None);
    }
}
