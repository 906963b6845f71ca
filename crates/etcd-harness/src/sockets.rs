//! Finds the process that opened a connection, from the operating system's tables.

use std::{
    collections::HashSet,
    fs, io,
    net::{Ipv4Addr, SocketAddr},
};

/// The machine's TCP sockets, as `/proc/net/tcp` lists them. A row has the local address, the remote
/// address and the inode of one socket.
#[derive(Debug)]
pub(crate) struct Sockets(String);

impl Sockets {
    pub(crate) fn read() -> io::Result<Self> {
        Ok(Self(fs::read_to_string("/proc/net/tcp")?))
    }

    /// The inode of the socket with these addresses on loopback. `None` if the socket is closed.
    pub(crate) fn inode(&self, local: SocketAddr, remote: SocketAddr) -> Option<&str> {
        // This searches for one row and parses no other: there may be thousands of rows, and this runs
        // for every new connection while a member is cut off.
        let loopback = u32::from_ne_bytes(Ipv4Addr::LOCALHOST.octets());
        let addresses =
            format!("{loopback:08X}:{:04X} {loopback:08X}:{:04X} ", local.port(), remote.port());
        let row = &self.0[self.0.find(&addresses)? + addresses.len()..];
        // The columns after the addresses: state, queues, timer, retransmissions, user, timeout, inode.
        row.lines().next()?.split_whitespace().nth(6)
    }
}

/// The inodes of all open sockets of a process. Empty if the process is gone.
pub(crate) fn inodes_of(process: u32) -> HashSet<String> {
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

    use super::{Sockets, inodes_of};

    #[test]
    fn the_socket_of_a_connection_belongs_to_the_process_that_opened_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let remote = listener.local_addr().unwrap();
        let stream = TcpStream::connect(remote).unwrap();
        let local = stream.local_addr().unwrap();

        let sockets = Sockets::read().unwrap();
        let inode = sockets.inode(local, remote).unwrap();

        assert!(inodes_of(std::process::id()).contains(inode));
        assert!(!inodes_of(1).contains(inode));
        assert_ne!(sockets.inode(remote, local), Some(inode));
    }
}
