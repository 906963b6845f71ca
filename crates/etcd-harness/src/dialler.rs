//! Which process has dialled a connection: the operating system tells.

use std::{
    collections::HashSet,
    fs, io,
    net::{Ipv4Addr, SocketAddr},
};

/// The machine's TCP sockets, as `/proc/net/tcp` lists them: a row for each, in it the local address,
/// the remote one, and the socket's number.
#[derive(Debug)]
pub(crate) struct Sockets(String);

impl Sockets {
    pub(crate) fn read() -> io::Result<Self> {
        Ok(Self(fs::read_to_string("/proc/net/tcp")?))
    }

    /// The number of the socket that is at the dialler's end of a loopback connection; none if it is
    /// closed already.
    pub(crate) fn dialling(&self, dialler: SocketAddr, reached: SocketAddr) -> Option<&str> {
        // One search and no parsing of rows: there may be thousands, and this runs for every connection
        // that is made while a member is cut off.
        let loopback = u32::from_ne_bytes(Ipv4Addr::LOCALHOST.octets());
        let ends =
            format!("{loopback:08X}:{:04X} {loopback:08X}:{:04X} ", dialler.port(), reached.port());
        let row = &self.0[self.0.find(&ends)? + ends.len()..];
        // After the addresses: state, queues, timer, retransmissions, user, timeout, number.
        row.lines().next()?.split_whitespace().nth(6)
    }
}

/// The numbers of all sockets that a process has open; none if it is gone.
pub(crate) fn sockets_of(process: u32) -> HashSet<String> {
    let Ok(files) = fs::read_dir(format!("/proc/{process}/fd")) else { return HashSet::new() };
    files
        .filter_map(|file| {
            fs::read_link(file.ok()?.path()).ok()?.into_os_string().into_string().ok()
        })
        .filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::{Sockets, sockets_of};

    #[test]
    fn a_connection_of_our_own_is_found_to_be_ours() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let reached = listener.local_addr().unwrap();
        let stream = TcpStream::connect(reached).unwrap();
        let dialler = stream.local_addr().unwrap();

        let sockets = Sockets::read().unwrap();
        let socket = sockets.dialling(dialler, reached).unwrap();

        assert!(sockets_of(std::process::id()).contains(socket));
        assert!(!sockets_of(1).contains(socket));
        assert_ne!(sockets.dialling(reached, dialler), Some(socket));
    }
}
