//! Reserves loopback ports.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
};

/// The lowest port. All ports are below 32768, where the range starts from which Linux takes the ports of
/// outgoing connections. Otherwise an outgoing connection could take the port of a server that is down.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// A loopback port that is reserved for this process, even while nothing listens on it.
///
/// The reservation is a bound UDP socket with the same port number. All processes that use this harness
/// respect it. The operating system ends it when the process ends, even if the process crashes.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _claim: UdpSocket,
}

impl Port {
    /// Reserves a free port.
    ///
    /// # Panics
    ///
    /// If no port is free.
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
        // A process that does not use this harness may listen on the TCP port.
        TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        Some(Self { number, _claim: claim })
    }
}

#[cfg(test)]
mod tests {
    use super::Port;

    #[test]
    fn a_port_can_be_claimed_again_only_after_it_is_dropped() {
        let port = Port::claim();
        let number = port.number();
        assert!(Port::try_claim(number).is_none());
        drop(port);
        assert!(Port::try_claim(number).is_some());
    }
}
