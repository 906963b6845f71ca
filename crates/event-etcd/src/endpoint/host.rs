//! Where a server is, by name or by address.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use rustls_pki_types::ServerName;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// In lower case.
    Name(String),
    Ip(IpAddr),
    /// An address that holds on one network interface only, and the interface.
    Scoped(Ipv6Addr, String),
}

impl Host {
    /// Reads a host. An error says what is wrong, if that is known.
    pub(crate) fn parse(host: &str) -> Result<Self, &'static str> {
        if let Some(address) = host.strip_prefix('[') {
            let address = address.strip_suffix(']').ok_or("a bracket is missing")?;
            let (address, zone) = match address.split_once('%') {
                // In a URL the % is written %25.
                Some((address, zone)) => (address, Some(zone.strip_prefix("25").unwrap_or(zone))),
                None => (address, None),
            };
            let address = address.parse().map_err(|_| "in brackets stands an IPv6 address")?;
            return match zone {
                None => Ok(Self::Ip(IpAddr::V6(address))),
                Some(zone) if !zone.is_empty() && zone.chars().all(is_of_name) => {
                    Ok(Self::Scoped(address, zone.to_owned()))
                }
                Some(_) => Err("after % stands the name of a network interface"),
            };
        }
        if host.contains(':') {
            return Err("an IPv6 address stands in brackets: [::1]:2379");
        }
        if let Ok(address) = host.parse() {
            return Ok(Self::Ip(IpAddr::V4(address)));
        }
        if host.is_empty() || !host.chars().all(is_of_name) {
            return Err("");
        }
        Ok(Self::Name(host.to_ascii_lowercase()))
    }

    /// The host as the name of a certificate.
    pub(crate) fn server_name(&self) -> Option<ServerName<'static>> {
        match self {
            Self::Name(name) => ServerName::try_from(name.clone()).ok(),
            Self::Ip(ip) => Some(ServerName::from(*ip)),
            Self::Scoped(ip, _) => Some(ServerName::from(IpAddr::V6(*ip))),
        }
    }
}

impl fmt::Display for Host {
    /// As the system's resolver reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(ip) => ip.fmt(f),
            Self::Scoped(ip, zone) => write!(f, "{ip}%{zone}"),
        }
    }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}
