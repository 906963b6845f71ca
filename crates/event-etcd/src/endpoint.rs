//! What an endpoint may look like.

mod address;
mod host;
mod names;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use event_core::{Error, ErrorKind};
#[cfg(feature = "tls")]
use rustls_pki_types::ServerName;

pub(crate) use address::Address;
pub(crate) use host::Host;
pub(crate) use names::{EndpointNames, split};

const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// What the server behind a Unix socket is called, as in Go's client.
const LOCALHOST: &str = "localhost";

/// An endpoint, however it was spelled. Two spellings of one endpoint are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Tcp(Host, u16),
    Unix(PathBuf),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    None,
    Http,
    Https,
    Unix,
    Unixs,
}

impl Scheme {
    /// The scheme of an endpoint, and what follows it. An error is the name of an unknown scheme.
    fn of(endpoint: &str) -> Result<(Self, &str), &str> {
        let is_socket =
            |name: &str| ["unix", "unixs"].contains(&name.to_ascii_lowercase().as_str());
        let (name, rest) = match (endpoint.split_once("://"), endpoint.split_once(':')) {
            (Some(parts), _) => parts,
            // A host may be called `unix`.
            (None, Some((name, rest))) if is_socket(name) && rest.parse::<u16>().is_err() => {
                (name, rest)
            }
            (None, _) => return Ok((Self::None, endpoint)),
        };
        match name.to_ascii_lowercase().as_str() {
            "http" => Ok((Self::Http, rest)),
            "https" => Ok((Self::Https, rest)),
            "unix" => Ok((Self::Unix, rest)),
            "unixs" => Ok((Self::Unixs, rest)),
            // `host:2379://`
            _ if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphabetic()) => {
                Ok((Self::None, endpoint))
            }
            _ => Err(name),
        }
    }
}

impl Endpoint {
    /// Whether an endpoint is for TLS, whatever the options are.
    pub(crate) fn wants_tls(endpoint: &str) -> bool {
        matches!(Scheme::of(endpoint), Ok((Scheme::Https | Scheme::Unixs, _)))
    }

    /// Reads one endpoint of a store with or without TLS: `host:port`, `[address]:port`, a URL of these,
    /// or a Unix socket. A URL may leave out its port, as any URL may.
    pub(crate) fn parse(endpoint: &str, tls: bool) -> Result<Self, Error> {
        if has_user(endpoint) {
            return Err(user_in_endpoint());
        }
        let cant = |what: &str| {
            let what = if what.is_empty() { String::new() } else { format!(" ({what})") };
            refused(format!(
                "the endpoint `{endpoint}` can't be read{what}: expected host:port, http://host:port, \
                 https://host:port or unix:///path/of/socket"
            ))
        };
        let (scheme, rest) = Scheme::of(endpoint)
            .map_err(|scheme| cant(&format!("the scheme `{scheme}` is not one of etcd's")))?;
        match (scheme, tls) {
            (Scheme::Http | Scheme::Unix, true) => {
                return Err(refused(format!(
                    "the endpoint `{endpoint}` does not go with TLS: write https:// (or unixs://), or leave \
                     the scheme out"
                )));
            }
            (Scheme::Https | Scheme::Unixs, false) => {
                return Err(refused(format!(
                    "the endpoint `{endpoint}` needs TLS, and the store was connected without: connect it \
                     with an https:// endpoint, or with the options for TLS"
                )));
            }
            _ => {}
        }
        if matches!(scheme, Scheme::Unix | Scheme::Unixs) {
            if !rest.starts_with('/') || rest.len() == 1 {
                return Err(cant("the path of a socket starts with a slash"));
            }
            return Ok(Self::Unix(rest.into()));
        }
        let default_port = match scheme {
            Scheme::Http => Some(HTTP_PORT),
            Scheme::Https => Some(HTTPS_PORT),
            _ => None,
        };
        let authority = rest.strip_suffix('/').filter(|_| scheme != Scheme::None).unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(cant("an endpoint has no path"));
        }
        if let Ok(address) = authority.parse::<Ipv6Addr>() {
            return Err(cant(&format!("write an IPv6 address in brackets: [{address}]:2379")));
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let host = Host::parse(host).map_err(cant)?;
        let port = match port {
            Some(port) => port.parse().ok().filter(|port| *port > 0),
            None => Some(default_port.ok_or_else(|| cant("the port is missing: etcd's is 2379"))?),
        };
        let port = port.ok_or_else(|| cant("a port is a number from 1 to 65535"))?;
        if tls && host.server_name().is_none() {
            return Err(cant("the host is no name that a certificate can have"));
        }
        Ok(Self::Tcp(host, port))
    }

    /// The address, if no name has to be resolved.
    pub(crate) fn address(&self) -> Option<Address> {
        match self {
            Self::Unix(path) => Some(Address::Unix(path.clone())),
            Self::Tcp(Host::Ip(ip), port) => Some(Address::Tcp(SocketAddr::new(*ip, *port))),
            Self::Tcp(Host::Name(_) | Host::Scoped(..), _) => None,
        }
    }

    /// The name that the server's certificate is for. `None`: no certificate can have it.
    #[cfg(feature = "tls")]
    pub(crate) fn server_name(&self) -> Option<ServerName<'static>> {
        match self {
            Self::Tcp(host, _) => host.server_name(),
            Self::Unix(_) => ServerName::try_from(LOCALHOST).ok(),
        }
    }

    /// What HTTP/2 calls the server, whatever its address is. As in any URL, the scheme's own port is left
    /// out.
    pub(crate) fn authority(&self, tls: bool) -> String {
        let (host, port) = match self {
            Self::Tcp(Host::Name(name), port) => (name.clone(), *port),
            Self::Tcp(Host::Ip(IpAddr::V4(ip)), port) => (ip.to_string(), *port),
            Self::Tcp(Host::Ip(IpAddr::V6(ip)) | Host::Scoped(ip, _), port) => {
                (format!("[{ip}]"), *port)
            }
            Self::Unix(_) => return LOCALHOST.to_owned(),
        };
        if port == if tls { HTTPS_PORT } else { HTTP_PORT } {
            host
        } else {
            format!("{host}:{port}")
        }
    }
}

/// Whether an endpoint may have a user, and so a password.
fn has_user(endpoint: &str) -> bool {
    endpoint.contains('@') && !matches!(Scheme::of(endpoint), Ok((Scheme::Unix | Scheme::Unixs, _)))
}

/// Does not print the endpoint: it may have a password in it.
fn user_in_endpoint() -> Error {
    refused("an endpoint has a user in it: expected host:port, and the user by `Options::user`")
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(endpoint: &str) -> Endpoint {
        Endpoint::parse(endpoint, Endpoint::wants_tls(endpoint)).unwrap()
    }

    #[test]
    fn an_endpoint_is_a_host_and_a_port_a_url_or_a_socket() {
        for (endpoint, authority) in [
            ("localhost:2379", "localhost:2379"),
            ("http://10.0.0.1:2379", "10.0.0.1:2379"),
            ("http://10.0.0.1:2379/", "10.0.0.1:2379"),
            ("HTTP://Etcd.Example:2379", "etcd.example:2379"),
            ("[::1]:2379", "[::1]:2379"),
            ("[fe80::1%eth0]:2379", "[fe80::1]:2379"),
            ("http://[fe80::1%25eth0]:2379", "[fe80::1]:2379"),
            ("a_b-c:1", "a_b-c:1"),
            ("https://etcd.example.com", "etcd.example.com"),
            ("https://etcd.example.com.:80", "etcd.example.com.:80"),
            ("http://etcd.example.com", "etcd.example.com"),
            ("https://[::1]", "[::1]"),
            ("unix:///run/etcd.sock", "localhost"),
            ("unix:/run/etcd@1.sock", "localhost"),
            ("unixs:///run/etcd.sock", "localhost"),
            ("unix:2379", "unix:2379"),
        ] {
            let tls = Endpoint::wants_tls(endpoint);
            assert_eq!(parse(endpoint).authority(tls), authority, "{endpoint}");
        }
    }

    #[test]
    fn an_endpoint_that_cant_be_read_is_refused_with_what_to_write() {
        for (endpoint, what) in [
            ("", "expected host:port"),
            ("http://", "expected host:port"),
            (":2379", "expected host:port"),
            ("a b:1", "expected host:port"),
            ("\"a:1\"", "expected host:port"),
            ("http:/a:1", "expected host:port"),
            ("a:b", "from 1 to 65535"),
            ("a:0", "from 1 to 65535"),
            ("a:65536", "from 1 to 65535"),
            ("a:1:2", "brackets"),
            ("::1", "[::1]:2379"),
            ("::1:2379", "in brackets"),
            ("[x]:1", "an IPv6 address"),
            ("[::1:1", "a bracket is missing"),
            ("[fe80::1%]:1", "interface"),
            ("localhost", "the port is missing"),
            ("[::1]", "the port is missing"),
            ("a:1/", "no path"),
            ("http://a:1/v3", "no path"),
            ("http://a:1?x", "no path"),
            ("tcp://a:1", "the scheme `tcp`"),
            ("unix://run/etcd.sock", "starts with a slash"),
            ("unix:///", "starts with a slash"),
            ("unix:run/etcd.sock", "starts with a slash"),
            ("unix:@etcd", "starts with a slash"),
        ] {
            let error = Endpoint::parse(endpoint, false).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains("expected host:port"), "{error}");
            assert!(error.contains(&format!("`{endpoint}`")), "{error}");
        }
        assert!(Endpoint::parse("-a.example:1", true).is_err());
    }

    #[test]
    fn the_scheme_of_an_endpoint_has_to_fit_the_store() {
        for (endpoint, tls, fits) in [
            ("a:1", true, true),
            ("a:1", false, true),
            ("https://a:1", true, true),
            ("https://a:1", false, false),
            ("http://a:1", true, false),
            ("http://a:1", false, true),
            ("unix:///a", true, false),
            ("unixs:///a", true, true),
            ("unixs:///a", false, false),
        ] {
            assert_eq!(Endpoint::parse(endpoint, tls).is_ok(), fits, "{endpoint}, TLS {tls}");
        }
    }

    #[test]
    fn spellings_of_one_endpoint_are_equal() {
        for [one, other] in [
            ["http://localhost:2379/", "LOCALHOST:2379"],
            ["https://etcd.example", "https://etcd.example:443"],
            ["[0:0::1]:1", "http://[::1]:1"],
            ["unix:/run/etcd.sock", "unix:///run/etcd.sock"],
        ] {
            assert_eq!(parse(one), parse(other));
        }
        assert_ne!(parse("localhost:1"), parse("localhost:2"));
    }

    #[test]
    fn an_endpoint_with_a_password_is_not_printed() {
        for endpoint in ["http://root:hunter2@10.0.0.1:2379", "root:hunter2@10.0.0.1:2379"] {
            let message = Endpoint::parse(endpoint, false).unwrap_err().to_string();
            assert!(message.contains("Options::user") && !message.contains("hunter2"), "{message}");
        }
    }
}
