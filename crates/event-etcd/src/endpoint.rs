//! What an endpoint may look like.

use std::net::Ipv6Addr;

use event_core::{Error, ErrorKind};

const HTTP: &str = "http://";
const HTTPS: &str = "https://";

/// Whether an endpoint is for TLS, whatever the options are.
pub(crate) fn wants_tls(endpoint: &str) -> bool {
    endpoint.starts_with(HTTPS)
}

/// Refuses an endpoint that does not fit a store with or without TLS, or that is no `host:port` or
/// `[address]:port`, with a scheme or without. With a scheme it may leave out the port, as any URL may.
pub(crate) fn check_endpoint(endpoint: &str, tls: bool) -> Result<(), Error> {
    if endpoint.contains('@') {
        // Not printed: it may have a password in it.
        return Err(refused(
            "an endpoint has a user in it: expected host:port, and the user by `Options::user`",
        ));
    }
    let url = endpoint.strip_prefix(HTTPS).or(endpoint.strip_prefix(HTTP));
    let authority = url.unwrap_or(endpoint);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match address {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        }
    };
    let is_port = match port {
        Some(port) => port.parse::<u16>().is_ok_and(|port| port > 0),
        None => url.is_some(),
    };
    if !is_host || !is_port {
        return Err(refused(format!(
            "the endpoint `{endpoint}` can't be read: expected host:port, http://host:port or https://host:port"
        )));
    }
    if tls && endpoint.starts_with(HTTP) {
        return Err(refused(format!(
            "the endpoint `{endpoint}` does not go with TLS: write https://, or leave the scheme out"
        )));
    }
    if !tls && endpoint.starts_with(HTTPS) {
        return Err(refused(format!(
            "the endpoint `{endpoint}` needs TLS, and the store was connected without: connect it with an \
             https:// endpoint, or with the options for TLS"
        )));
    }
    Ok(())
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_host_and_a_port_or_a_url() {
        for endpoint in ["localhost:2379", "http://10.0.0.1:2379", "[::1]:2379", "a_b-c:1"] {
            assert!(check_endpoint(endpoint, false).is_ok(), "{endpoint}");
        }
        assert!(check_endpoint("https://etcd.example.com", true).is_ok());
        for endpoint in [
            "",
            "http://",
            ":2379",
            "a:b",
            "a:0",
            "a:65536",
            "a:1:2",
            "::1:2379",
            "a b:1",
            "a:1/",
            "[x]:1",
            "localhost",
            "[::1]",
        ] {
            assert!(check_endpoint(endpoint, false).is_err(), "{endpoint}");
        }
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
        ] {
            assert_eq!(check_endpoint(endpoint, tls).is_ok(), fits, "{endpoint}, TLS {tls}");
        }
    }

    #[test]
    fn an_endpoint_with_a_password_is_not_printed() {
        for endpoint in ["http://root:hunter2@10.0.0.1:2379", "root:hunter2@10.0.0.1:2379"] {
            let message = check_endpoint(endpoint, false).unwrap_err().to_string();
            assert!(message.contains("Options::user") && !message.contains("hunter2"), "{message}");
        }
    }
}
