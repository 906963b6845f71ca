//! Proxies the traffic between the members of a cluster, so that a test can cut a member off.
//!
//! Each member advertises an address of the harness, which forwards the connections to the member. A member
//! that is cut off must have no connections in either direction, because raft sends messages both ways over
//! each.
//!
//! Why not one proxy for each pair of members? etcd gives all members the same list of addresses. The proxy
//! therefore can't know from the address which member opened a connection. It asks the operating system.

use std::{
    collections::HashSet,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{
    Port, background,
    connection::{self, Connection, Cut, Route},
    proxy::{accept, cut_all, listen},
    sockets::{Sockets, inodes_of},
};

/// The connections between the members of one cluster.
#[derive(Debug)]
pub(crate) struct Peers {
    ports: Vec<Port>,
    listening: Vec<JoinHandle<()>>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    members: Vec<Member>,
    links: Vec<Link>,
    /// Connections to or from a member that is cut off. They stay open, and nothing is forwarded. If they
    /// were refused, members would connect again ten times a second.
    unanswered: Vec<TcpStream>,
}

#[derive(Debug)]
struct Member {
    advertised: SocketAddr,
    is_cut: bool,
    process: Option<u32>,
}

/// A connection that one member opened to another.
#[derive(Debug)]
struct Link {
    /// The address of the member that opened it.
    from: SocketAddr,
    /// The advertised address of the other member.
    to: SocketAddr,
    connection: Connection,
}

impl Peers {
    /// Starts a proxy for each member. `targets` are the addresses on which the members listen.
    pub(crate) fn start(targets: &[SocketAddr]) -> io::Result<Self> {
        let ports: Vec<Port> = targets.iter().map(|_| Port::claim()).collect();
        let members = ports.iter().map(Port::address).map(Member::at).collect();
        let state = State { members, links: Vec::new(), unanswered: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let mut listening = Vec::new();
        for (port, target) in ports.iter().zip(targets) {
            let listener = listen(port.address())?;
            let serving = serve(listener, port.address(), *target, Arc::downgrade(&state));
            listening.push(background::spawn(serving));
        }
        Ok(Self { ports, listening, state })
    }

    /// The address that a member advertises to its peers.
    pub(crate) fn advertised(&self, member: usize) -> String {
        format!("http://{}", self.ports[member].address())
    }

    /// Sets the process id of a member.
    pub(crate) fn set_process(&self, member: usize, process: u32) {
        lock(&self.state).members[member].process = Some(process);
    }

    pub(crate) fn is_cut(&self, member: usize) -> bool {
        lock(&self.state).members[member].is_cut
    }

    /// Cuts a member off. When this returns, its connections are closed, and new ones are not forwarded.
    pub(crate) async fn cut(&self, member: usize) {
        let to_cut: Vec<Connection> = {
            let mut state = lock(&self.state);
            state.members[member].is_cut = true;
            let cut_off = state.cut_off();
            let is_separated = |link: &mut Link| cut_off.separates(link.from, link.to);
            state.links.extract_if(.., is_separated).map(|link| link.connection).collect()
        };
        cut_all(to_cut, Cut::Reset).await;
    }

    /// Reconnects a member.
    pub(crate) fn rejoin(&self, member: usize) {
        let mut state = lock(&self.state);
        state.members[member].is_cut = false;
        // The members connect again at once. The new connections of members that are still cut off become
        // unanswered again.
        state.unanswered.drain(..).for_each(connection::reset);
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        for task in &self.listening {
            task.abort();
        }
        let mut state = lock(&self.state);
        state.links.clear();
        state.unanswered.clear();
    }
}

impl Member {
    fn at(advertised: SocketAddr) -> Self {
        Self { advertised, is_cut: false, process: None }
    }
}

impl State {
    fn cut_off(&self) -> CutOff {
        let members = || self.members.iter().filter(|member| member.is_cut);
        CutOff {
            advertised: members().map(|member| member.advertised).collect(),
            inodes: members().filter_map(|member| member.process).flat_map(inodes_of).collect(),
            // Without this table, connections that a cut member opens would be forwarded. The harness's
            // own tests would fail.
            sockets: Sockets::read().ok(),
        }
    }
}

/// The members that are cut off, as the operating system identifies them.
#[derive(Debug)]
struct CutOff {
    advertised: Vec<SocketAddr>,
    /// The inodes of the sockets that these members opened.
    inodes: HashSet<String>,
    /// All sockets of the machine.
    sockets: Option<Sockets>,
}

impl CutOff {
    /// Whether one end of a connection is cut off from the other.
    fn separates(&self, from: SocketAddr, to: SocketAddr) -> bool {
        let inode = || self.sockets.as_ref()?.inode(from, to);
        self.advertised.contains(&to) || inode().is_some_and(|inode| self.inodes.contains(inode))
    }
}

async fn serve(
    listener: TcpListener,
    advertised: SocketAddr,
    target: SocketAddr,
    state: Weak<Mutex<State>>,
) {
    let route = Route::to(target);
    loop {
        let (client, from) = accept(&listener).await;
        let Some(state) = state.upgrade() else { return };
        let mut state = lock(&state);
        let any_is_cut = state.members.iter().any(|member| member.is_cut);
        if any_is_cut && state.cut_off().separates(from, advertised) {
            state.unanswered.push(client);
            continue;
        }
        state.links.retain(|link| link.connection.is_open());
        let connection = Connection::start(client, route.clone());
        state.links.push(Link { from, to: advertised, connection });
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
