//! Ports that nobody else takes.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
};

/// Below the range that Linux takes the ports of outgoing connections from (32768 and up), so that a
/// port that is free for a while, as while a server is down, is not taken by somebody's `connect`.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// A loopback port that this process keeps for itself, whether something listens on it or not.
///
/// Holding the UDP port of the same number is the claim: every test process of this harness honours
/// it, and it ends with the process, however that ends.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _claim: UdpSocket,
}

impl Port {
    /// Claims a free port.
    ///
    /// # Panics
    ///
    /// If none of several thousand is free.
    #[must_use]
    pub fn claim() -> Self {
        let seed = RandomState::new().hash_one(std::process::id());
        let start = u16::try_from(seed % u64::from(COUNT)).unwrap_or(0);
        (0..COUNT)
            .find_map(|step| Self::try_claim(FIRST + (start + step) % COUNT))
            .expect("no loopback port is free")
    }

    /// The port's number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// The port on the loopback address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.number))
    }

    fn try_claim(number: u16) -> Option<Self> {
        let claim = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        // Somebody who knows nothing of claims may listen there.
        TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        Some(Self { number, _claim: claim })
    }
}

#[cfg(test)]
mod tests {
    use super::Port;

    #[test]
    fn a_claimed_port_is_not_claimed_again_until_it_is_dropped() {
        let port = Port::claim();
        let number = port.number();
        assert!(Port::try_claim(number).is_none());
        drop(port);
        assert!(Port::try_claim(number).is_some());
    }
}
