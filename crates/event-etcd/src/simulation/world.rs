//! The session among the program, the network and the cluster.
//!
//! Each thing that may happen is a function that lets it happen once and says whether it could.
//! After each, the session's actions are carried out, and checked.

use std::time::{Duration, Instant};

use event_core::{Bytes, Health, HealthState};

use crate::bounds::Bounds;
use crate::endpoints::Endpoints;
use crate::protocol::{CauseKind, Failure};
use crate::session::{Action, Session};
use crate::simulation::cluster::{Cluster, Is};
use crate::simulation::connection::{Connection, What};
use crate::simulation::history::key_of;
use crate::simulation::program::Program;
use crate::simulation::stream::Stream;

/// What went against a law, in words.
pub(super) type Checked<T = ()> = Result<T, String>;

/// How many reads may be under way, and how many keys one may be of.
const READS: usize = 8;
/// More actions than one input ever gives.
const MOST_ACTIONS: usize = 100;

#[derive(Debug)]
pub(super) struct World {
    pub(super) random: fastrand::Rng,
    begun: Instant,
    pub(super) now: Instant,
    pub(super) bounds: Bounds,
    pub(super) session: Session,
    pub(super) program: Program,
    pub(super) cluster: Cluster,
    pub(super) connection: Option<Connection>,
    /// To connect needs no member: the first call finds out.
    pub(super) lazy: bool,
    /// Key ids and tickets.
    next: u64,
    /// What happened, if that is asked for.
    trace: Option<Vec<String>>,
}

impl World {
    pub(super) fn new(seed: u64, traced: bool) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let bounds =
            Bounds { connect: random.u32(2..=5) * second, detection: random.u32(1..=5) * second };
        let cluster = Cluster::new(&mut random);
        let names: Vec<String> =
            cluster.members.iter().map(|member| member.name.to_string()).collect();
        let program = Program {
            following: Default::default(),
            refreshes: Vec::new(),
            endpoints: (0..names.len()).collect(),
            health: Health::new(HealthState::Connecting).with_since(now),
            generation: 0,
            highest: 0,
            history_resets: 0,
        };
        Self {
            begun: now,
            now,
            bounds,
            session: Session::new(Endpoints::new(names, Some(seed)), bounds, now),
            program,
            cluster,
            connection: None,
            lazy: random.bool(),
            next: 0,
            trace: traced.then(Vec::new),
            random,
        }
    }

    pub(super) fn trace(&self) -> String {
        self.trace.as_deref().unwrap_or_default().join("\n")
    }

    pub(super) fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let time = self.now.saturating_duration_since(self.begun).as_millis();
            trace.push(format!("{time:>6} ms  {}", text()));
        }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Tells the session something, and does what it wants. Without a cause it must not give the
    /// connection up.
    pub(super) fn tell(
        &mut self,
        input: impl FnOnce(&mut Session, Instant),
        may_disconnect: bool,
    ) -> Checked {
        input(&mut self.session, self.now);
        for _ in 0..MOST_ACTIONS {
            let Some(action) = self.session.action() else { return Ok(()) };
            self.note(|| format!("    {action:?}"));
            if matches!(action, Action::Disconnect) && !may_disconnect {
                return Err("the connection is given up without a cause".to_owned());
            }
            self.act(action)?;
        }
        Err("the session wants more and more".to_owned())
    }

    fn act(&mut self, action: Action) -> Checked {
        let now = self.now;
        match action {
            Action::Connect(endpoint) => {
                let member = self.cluster.member(&endpoint).ok_or("an unknown endpoint")?;
                if self.connection.is_some() || !self.program.endpoints.contains(&member) {
                    return Err("a second connection, or one to a removed endpoint".to_owned());
                }
                let (generation, token) = (self.cluster.generation(), self.cluster.token);
                let replaced = self.program.health.history_resets;
                self.connection =
                    Some(Connection::new(member, generation, replaced, token, self.bounds, now));
            }
            Action::Disconnect => {
                self.connection.take().ok_or("there is no connection to give up")?;
            }
            Action::Read(id, names) => self.begin_read(id, names)?,
            Action::Recall(entry) => self.connected()?.call(What::Recall(entry, None), now),
            Action::Open(first) => self.connected()?.open(first, now)?,
            Action::Send(request) => self.connected()?.send(request, now)?,
            Action::Tell(id, entry) => {
                self.program.told(id, entry, &self.cluster, self.connection.as_ref())?;
            }
            Action::Health(health) => {
                if health.history_resets > self.cluster.generation() as u64 {
                    return Err("more histories are told than there were".to_owned());
                }
                self.program.heard_health(health)?;
            }
            Action::Refreshed(ticket, result) => {
                self.program.refreshed(ticket, result, &self.cluster)?;
            }
        }
        Ok(())
    }

    fn connected(&mut self) -> Checked<&mut Connection> {
        let linked = self.connection.as_mut().filter(|connection| connection.linked);
        linked.ok_or_else(|| "there is no connection to use".to_owned())
    }

    fn begin_read(&mut self, id: u64, names: Vec<Bytes>) -> Checked {
        let now = self.now;
        let generation = self.connected()?.generation;
        let revision = self.cluster.histories[generation].revision;
        for (at, name) in names.iter().enumerate() {
            let key = key_of(name).ok_or("a read of a key of nobody")?;
            if self.program.following[key].is_none() || names[..at].contains(name) {
                return Err("a read of a key that is not followed, or twice of one".to_owned());
            }
            self.connected()?.floors[key].get_or_insert(revision);
        }
        let connection = self.connected()?;
        connection.call(What::Read(id, names, None), now);
        if connection.reads() > READS {
            return Err("too many reads are under way".to_owned());
        }
        Ok(())
    }

    // What the network may do.

    /// The server looks at a request.
    pub(super) fn serve_request(&mut self) -> bool {
        let Self { connection, cluster, random, .. } = self;
        let Some((stream, member)) = served(connection, cluster) else { return false };
        stream.answer(cluster, &cluster.members[member], random)
    }

    /// The server tells a watch some of what it missed.
    pub(super) fn serve_watch(&mut self) -> bool {
        let Self { connection, cluster, random, .. } = self;
        let Some((stream, member)) = served(connection, cluster) else { return false };
        stream.serve(&cluster.members[member], cluster.history(), random)
    }

    /// The server ends a watch for a reason of its own.
    pub(super) fn cancel_watch(&mut self) {
        let Self { connection, cluster, random, .. } = self;
        if let Some((stream, member)) = served(connection, cluster) {
            stream.cancel(&cluster.members[member], random);
        }
    }

    /// The client hears the next response of the stream.
    pub(super) fn hear(&mut self) -> Checked<bool> {
        let now = self.now;
        let Some(connection) = self.connection.as_mut().filter(|one| !one.silent) else {
            return Ok(false);
        };
        let next = connection.stream.as_mut().filter(|stream| stream.opened);
        let Some(sent) = next.and_then(|stream| stream.sent.pop_front()) else { return Ok(false) };
        connection.hear(&sent, now);
        let news = sent.0.newest.as_ref().filter(|_| connection.watches(sent.1));
        let revision = news.map_or(0, |event| event.mod_revision);
        self.program.highest = self.program.highest.max(revision);
        self.note(|| format!("heard {:?} (of {:?})", sent.0, sent.1));
        self.tell(|session, now| session.heard(sent.0, now), false)?;
        Ok(true)
    }

    /// The client is told that the connection ended.
    pub(super) fn end(&mut self) -> Checked<bool> {
        let ended = self.connection.as_mut().filter(|one| !one.silent);
        let Some(failure) = ended.and_then(|one| one.end.clone()) else { return Ok(false) };
        self.note(|| format!("the connection ended: {failure:?}"));
        self.tell(|session, now| session.failed(failure, now), true)?;
        Ok(true)
    }

    // What time does.

    /// Lets time pass, up to the next deadline at most.
    pub(super) fn wait(&mut self, time: Duration) -> Checked {
        let until = self.now + time;
        let deadline = self.session.deadline().filter(|deadline| *deadline <= until);
        self.now = deadline.map_or(until, |deadline| deadline.max(self.now));
        let now = self.now;
        if let Some(connection) = &mut self.connection
            && connection.ends_at.is_some_and(|at| at <= now)
        {
            connection.end.get_or_insert(Failure::new(CauseKind::NoLeader, "no leader"));
        }
        if deadline.is_some() {
            self.tick()?;
        }
        Ok(())
    }

    pub(super) fn tick(&mut self) -> Checked {
        let now = self.now;
        let connection = self.connection.as_ref();
        let overdue = connection.is_some_and(|one| one.is_overdue(now));
        self.note(|| "tick".to_owned());
        self.tell(Session::tick, overdue)?;
        if self.session.deadline().is_some_and(|deadline| deadline <= now) {
            return Err("a tick left the deadline as it was".to_owned());
        }
        let quiet = self.connection.as_ref().and_then(|connection| connection.quiet_since);
        let is_open = self.connection.iter().flat_map(|one| &one.stream).any(|one| one.opened);
        if is_open && quiet.is_some_and(|since| since + self.bounds.detection <= now) {
            return Err("the stream's silence is not noticed".to_owned());
        }
        Ok(())
    }

    /// How many watches the server holds for the client.
    pub(super) fn watches(&self) -> Vec<usize> {
        let stream = self.connection.as_ref().and_then(|connection| connection.stream.as_ref());
        let mut keys: Vec<_> = stream
            .iter()
            .flat_map(|stream| stream.watches.values().map(|watch| watch.key))
            .collect();
        keys.sort_unstable();
        keys
    }
}

/// The stream and its member, if they work.
fn served<'a>(
    connection: &'a mut Option<Connection>,
    cluster: &Cluster,
) -> Option<(&'a mut Stream, usize)> {
    let connection = connection.as_mut().filter(|one| !one.silent && one.end.is_none())?;
    let member = connection.member;
    let works = matches!(cluster.members[member].is, Is::Up | Is::Cut);
    let stream = connection.stream.as_mut().filter(|one| works && one.opened && !one.silent)?;
    Some((stream, member))
}
