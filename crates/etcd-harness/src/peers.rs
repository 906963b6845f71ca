//! The peers' traffic, which passes through us so that a member can be cut off.
//!
//! Each member advertises an address of ours, and what its peers send there is carried on to it. A
//! member that is cut off must neither be dialled nor dial: raft's messages go both ways over either.
//! Why not one proxy for each pair? All members must be given the same addresses. So we ask the
//! operating system who dials.

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
    carry::{self, Carried, Cut, Route},
    dialler::{Sockets, sockets_of},
    proxy::{cut_all, listen, next_client},
};

/// The links between the members of one cluster.
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
    /// Connections that came while a member was cut off from the other end, and hear nothing. Were they
    /// refused, members would dial ten times a second.
    silent: Vec<TcpStream>,
}

#[derive(Debug)]
struct Member {
    advertised: SocketAddr,
    cut: bool,
    process: Option<u32>,
}

#[derive(Debug)]
struct Link {
    dialler: SocketAddr,
    reached: SocketAddr,
    carried: Carried,
}

impl Peers {
    /// Starts to carry what is sent to each member, given where each really listens.
    pub(crate) fn start(targets: &[SocketAddr]) -> io::Result<Self> {
        let ports: Vec<Port> = targets.iter().map(|_| Port::claim()).collect();
        let members = ports.iter().map(Port::address).map(Member::at).collect();
        let state = State { members, links: Vec::new(), silent: Vec::new() };
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

    /// Notes which process a member is.
    pub(crate) fn runs_as(&self, member: usize, process: u32) {
        lock(&self.state).members[member].process = Some(process);
    }

    pub(crate) fn is_cut(&self, member: usize) -> bool {
        lock(&self.state).members[member].cut
    }

    /// Cuts a member off: its links are gone when this returns, and no new ones come.
    pub(crate) async fn cut(&self, member: usize) {
        let gone: Vec<Carried> = {
            let mut state = lock(&self.state);
            state.members[member].cut = true;
            let cut_off = state.cut_off();
            let to_cut = |link: &mut Link| cut_off.separates(link.dialler, link.reached);
            state.links.extract_if(.., to_cut).map(|link| link.carried).collect()
        };
        cut_all(gone, Cut::Reset).await;
    }

    /// Lets a member back in.
    pub(crate) fn rejoin(&self, member: usize) {
        let mut state = lock(&self.state);
        state.members[member].cut = false;
        // Their diallers dial again at once; what still is to be silent will be.
        state.silent.drain(..).for_each(carry::reset);
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        for task in &self.listening {
            task.abort();
        }
        let mut state = lock(&self.state);
        state.links.clear();
        state.silent.clear();
    }
}

impl Member {
    fn at(advertised: SocketAddr) -> Self {
        Self { advertised, cut: false, process: None }
    }
}

impl State {
    fn cut_off(&self) -> CutOff {
        let cut = || self.members.iter().filter(|member| member.cut);
        CutOff {
            advertised: cut().map(|member| member.advertised).collect(),
            own: cut().filter_map(|member| member.process).flat_map(sockets_of).collect(),
            // Where the system does not tell, nobody is found to dial: a test of ours would fail.
            all: Sockets::read().ok(),
        }
    }
}

/// The members that are cut off, as the operating system sees them.
#[derive(Debug)]
struct CutOff {
    advertised: Vec<SocketAddr>,
    own: HashSet<String>,
    all: Option<Sockets>,
}

impl CutOff {
    /// Whether one end of a connection is cut off from the other.
    fn separates(&self, dialler: SocketAddr, reached: SocketAddr) -> bool {
        let socket = || self.all.as_ref()?.dialling(dialler, reached);
        self.advertised.contains(&reached) || socket().is_some_and(|it| self.own.contains(it))
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
        let (client, dialler) = next_client(&listener).await;
        let Some(state) = state.upgrade() else { return };
        let mut state = lock(&state);
        let all_joined = state.members.iter().all(|member| !member.cut);
        if !all_joined && state.cut_off().separates(dialler, advertised) {
            state.silent.push(client);
            continue;
        }
        state.links.retain(|link| link.carried.is_open());
        let carried = Carried::start(client, route.clone());
        state.links.push(Link { dialler, reached: advertised, carried });
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
