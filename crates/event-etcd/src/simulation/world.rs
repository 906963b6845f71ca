//! The session among the program, the network and the cluster.
//!
//! Each thing that may happen is a function that lets it happen once and says whether it could.
//! After each, the session's actions are carried out, and checked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_core::upstream::Ids;
use event_core::{Bytes, CauseKind, Health, HealthState};

use crate::seam::{Failure, Keys, PageRequest, WatchResponse};
use crate::session::{AUDIT_PAGE, Action, Endpoints, Session, Timeouts};
use crate::simulation::cluster::{Cluster, Is, ServedBy};
use crate::simulation::history::{KEYS, SUBJECTS, key_of, subject};
use crate::simulation::link::{Link, What};
use crate::simulation::program::Program;
use crate::simulation::stream::Stream;

/// What went against a law, in words.
pub(super) type Checked<T = ()> = Result<T, String>;

/// How many reads may be under way, and how many keys one may be of.
const READS: usize = 8;
/// How many pages may be under way.
const PAGES: usize = 4;
/// More actions than one input ever gives.
const MOST_ACTIONS: usize = 100;

#[derive(Debug)]
pub(super) struct World {
    pub(super) random: fastrand::Rng,
    begun: Instant,
    pub(super) now: Instant,
    pub(super) timeouts: Timeouts,
    pub(super) session: Session,
    resolving: Vec<Arc<str>>,
    pub(super) program: Program,
    pub(super) cluster: Cluster,
    pub(super) link: Option<Link>,
    /// How often ranges are audited. Else no event of a range is lost: nothing would find it.
    pub(super) audits: Option<Duration>,
    /// To connect needs no member: the first call finds out.
    pub(super) lazy: bool,
    /// Tickets of refreshes.
    next: u64,
    /// What happened, if that is asked for.
    trace: Option<Vec<String>>,
}

impl World {
    pub(super) fn new(seed: u64, traced: bool) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let timeouts = Timeouts {
            connect: random.u32(2..=5) * second,
            login: Duration::ZERO,
            liveness: random.u32(1..=5) * second,
        };
        let audits = (random.u8(..3) == 0).then(|| random.u32(1..=8) * second);
        let cluster = Cluster::new(&mut random);
        let names: Vec<String> =
            cluster.members.iter().map(|member| member.name.to_string()).collect();
        let program = Program {
            ids: Ids::default(),
            subscriptions: Default::default(),
            refreshes: Vec::new(),
            refusals: BTreeMap::new(),
            endpoints: (0..names.len()).collect(),
            health: Health::new(HealthState::Connecting).with_since(now),
            generation: 0,
            highest: 0,
            history_resets: 0,
        };
        Self {
            begun: now,
            now,
            timeouts,
            session: Session::new(Endpoints::new(names, Some(seed)), timeouts, None, now)
                .with_audits(audits),
            audits,
            resolving: Vec::new(),
            program,
            cluster,
            link: None,
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
    pub(super) fn input(
        &mut self,
        input: impl FnOnce(&mut Session, Instant),
        may_disconnect: bool,
    ) -> Checked {
        input(&mut self.session, self.now);
        for _ in 0..MOST_ACTIONS {
            let Some(action) = self.session.poll_action(self.now) else {
                let Some(name) = self.resolving.pop() else { return Ok(()) };
                let addresses = Ok(vec![Arc::clone(&name)]);
                self.session.handle_resolved(&name, addresses, self.now);
                continue;
            };
            self.note(|| format!("    {action:?}"));
            // A watch that lost an event contradicts the reads.
            let has_lost = self.link.as_ref().is_some_and(|link| link.lost.contains(&true));
            if matches!(action, Action::Disconnect) && !may_disconnect && !has_lost {
                return Err("the connection is given up without a cause".to_owned());
            }
            self.act(action)?;
        }
        Err("the session wants more and more".to_owned())
    }

    fn act(&mut self, action: Action) -> Checked {
        let now = self.now;
        match action {
            Action::Resolve(name) => self.resolving.push(name),
            Action::Connect { address, .. } => {
                let member = self.cluster.member(&address).ok_or("an unknown endpoint")?;
                if self.link.is_some() || !self.program.endpoints.contains(&member) {
                    return Err("a second connection, or one to a removed endpoint".to_owned());
                }
                let (generation, token) = (self.cluster.generation(), self.cluster.token);
                let resets = self.program.health.history_resets;
                let mut link = Link::new(member, generation, resets, token, self.timeouts, now);
                let is_stalled = self.cluster.members[member].is == Is::Stalled;
                link.stalled_since = is_stalled.then_some(now);
                self.link = Some(link);
            }
            Action::Disconnect => {
                self.link.take().ok_or("there is no connection to give up")?;
                self.program.refusals.clear();
            }
            Action::Read(id, names) => self.begin_read(id, names)?,
            Action::ReadPage(id, page) => self.begin_page(id, page)?,
            Action::PublishStep(id, step, is_synced) => {
                let Self { program, cluster, link, .. } = self;
                program.step_published(id, &step, is_synced, cluster, link.as_ref())?;
            }
            Action::Probe(names) => {
                for name in &names {
                    let key = key_of(name).ok_or("a probe of a key of nobody")?;
                    if !self.program.wants(key) {
                        return Err("a probe of a key that nobody watches".to_owned());
                    }
                }
                self.connected()?.call(What::Probe(names, None), now);
            }
            Action::CheckHistory(version) => {
                let link = self.connected()?;
                link.owes_history_check = false;
                link.call(What::CheckHistory(version, None), now);
            }
            Action::ListMembers => return Err("nobody wants the list of members".to_owned()),
            Action::OpenStream(first) => {
                let is_kine = self.cluster.served_by == ServedBy::Kine;
                self.connected()?.open(first, is_kine, now)?;
            }
            Action::Send(request) => self.connected()?.send(request, now)?,
            Action::Publish(id, entry) => {
                self.program.published(id, entry, &self.cluster, self.link.as_ref())?;
            }
            Action::PublishRefusal(id, failure) => self.program.refused(id, failure.as_ref())?,
            Action::PublishHealth(health) => {
                let owes = |link: &Link| {
                    link.owes_history_check && link.history_resets == health.history_resets
                };
                if health.state == HealthState::Live && self.link.as_ref().is_some_and(owes) {
                    return Err("live, and the history is not checked".to_owned());
                }
                if health.history_resets > self.cluster.generation() as u64 {
                    return Err("more history resets are counted than there were".to_owned());
                }
                self.program.health_published(health)?;
            }
            Action::Refreshed(id, ticket, result) => {
                let Self { program, cluster, link, .. } = self;
                program.refreshed(id, ticket, &result, cluster, link.as_ref())?;
            }
        }
        Ok(())
    }

    fn connected(&mut self) -> Checked<&mut Link> {
        let connected = self.link.as_mut().filter(|link| link.connected);
        connected.ok_or_else(|| "there is no connection to use".to_owned())
    }

    fn begin_read(&mut self, id: u64, names: Vec<Bytes>) -> Checked {
        let now = self.now;
        let generation = self.connected()?.generation;
        let revision = self.cluster.histories[generation].revision;
        for (at, name) in names.iter().enumerate() {
            let key = key_of(name).ok_or("a read of a key of nobody")?;
            if self.program.subscriptions[key].is_none() || names[..at].contains(name) {
                return Err("a read of a key that nobody watches, or of one twice".to_owned());
            }
            self.connected()?.floors[key].get_or_insert(revision);
        }
        let link = self.connected()?;
        link.call(What::Read(id, names, None), now);
        if link.reads() > READS {
            return Err("too many reads are under way".to_owned());
        }
        Ok(())
    }

    /// A page of a range that somebody watches.
    fn begin_page(&mut self, id: u64, page: PageRequest) -> Checked {
        let now = self.now;
        let generation = self.connected()?.generation;
        let revision = self.cluster.histories[generation].revision;
        let known = self.connected()?.ranges.get(&id).copied();
        let link = self.connected()?;
        let is_audit = page.limit == AUDIT_PAGE && (known.is_none() || link.audits.contains(&id));
        let is_watched = |at: &usize| self.program.subscriptions[*at].is_some();
        let range = if is_audit {
            // It is of the keys only, so which of two equal ranges it is of can't be seen.
            let is_of = |at: &usize| match subject(*at) {
                Keys::Range(range) => {
                    *range.start() <= page.from && range.end() == page.end.as_ref()
                }
                Keys::One(_) => false,
            };
            let other = || (KEYS..SUBJECTS).find(|at| is_of(at) && is_watched(at));
            known.filter(is_watched).or_else(other)
        } else {
            known.or_else(|| (KEYS..SUBJECTS).find(|at| is_first_of(&page, *at)))
        };
        let range = range.filter(is_watched).ok_or("a page of a range that nobody watches")?;
        let link = self.connected()?;
        link.ranges.insert(id, range);
        if is_audit {
            link.audits.insert(id);
        }
        link.floors[range].get_or_insert(revision);
        link.call(What::ReadPage(id, range, page, None), now);
        if link.pages() > PAGES + usize::from(self.audits.is_some()) {
            return Err("too many pages are under way".to_owned());
        }
        Ok(())
    }

    // What the network may do.

    /// The server looks at a request.
    pub(super) fn serve_request(&mut self) -> bool {
        let Self { link, cluster, random, .. } = self;
        let Some((stream, member)) = served(link, cluster) else { return false };
        stream.answer(cluster, &cluster.members[member], random)
    }

    /// The server sends a watch some of what it missed.
    pub(super) fn serve_watch(&mut self) -> bool {
        let Self { link, cluster, random, now, .. } = self;
        let Some((stream, member)) = served(link, cluster) else { return false };
        stream.serve(&cluster.members[member], cluster.history(), random, *now)
    }

    /// The server loses an event of a range.
    pub(super) fn lose_event(&mut self) {
        let Self { link, cluster, random, .. } = self;
        let Some((stream, member)) = served(link, cluster) else { return };
        let lost = stream.lose(&cluster.members[member], cluster.history(), random);
        if let (Some(range), Some(link)) = (lost, link) {
            link.lost[range] = true;
            self.note(|| format!("the server loses an event of {:?}", subject(range)));
        }
    }

    /// The server ends a watch for a reason of its own.
    pub(super) fn cancel_watch(&mut self) {
        let Self { link, cluster, random, .. } = self;
        if let Some((stream, _)) = served(link, cluster) {
            stream.cancel(random);
        }
    }

    /// The client receives the next response of the stream.
    pub(super) fn receive(&mut self) -> Checked<bool> {
        let now = self.now;
        let Some(link) = self.link.as_mut().filter(|one| !one.silent) else {
            return Ok(false);
        };
        let next = link.stream.as_mut().filter(|stream| stream.opened);
        let Some(sent) = next.and_then(|stream| stream.sent.pop_front()) else { return Ok(false) };
        link.receive(&sent, now);
        if let WatchResponse::Events { events, is_fragment: false, .. } = &sent.0
            && link.watches(sent.1)
        {
            let revision = events.last().map_or(0, |event| event.mod_revision);
            self.program.highest = self.program.highest.max(revision);
        }
        self.note(|| format!("received {:?} (of {:?})", sent.0, sent.1));
        // A watch that is canceled again and again: perhaps another member keeps it.
        let is_canceled = matches!(sent.0, WatchResponse::Canceled { .. });
        self.input(|session, now| session.handle_response(sent.0, now), is_canceled)?;
        Ok(true)
    }

    /// The client notices that the connection ended.
    pub(super) fn end(&mut self) -> Checked<bool> {
        let ended = self.link.as_mut().filter(|one| !one.silent);
        let Some(failure) = ended.and_then(|one| one.end.clone()) else { return Ok(false) };
        self.note(|| format!("the connection ended: {failure:?}"));
        self.input(|session, now| session.handle_failure(failure, now), true)?;
        Ok(true)
    }

    // What time does.

    /// Lets time pass, up to the next deadline at most.
    pub(super) fn wait(&mut self, time: Duration) -> Checked {
        let until = self.now + time;
        let deadline = self.session.poll_timeout().filter(|deadline| *deadline <= until);
        self.now = deadline.map_or(until, |deadline| deadline.max(self.now));
        let now = self.now;
        if let Some(link) = &mut self.link
            && link.ends_at.is_some_and(|at| at <= now)
        {
            link.end.get_or_insert(Failure::new(CauseKind::NoLeader, "no leader"));
        }
        if deadline.is_some() {
            self.tick()?;
        }
        Ok(())
    }

    pub(super) fn tick(&mut self) -> Checked {
        let now = self.now;
        let link = self.link.as_ref();
        let owes = |one: &Link| {
            let history = &self.cluster.histories[one.generation];
            one.stream.iter().any(|stream| stream.owes(history))
        };
        let overdue = link.is_some_and(|one| one.is_overdue(now) || owes(one));
        self.note(|| "tick".to_owned());
        self.input(Session::handle_timeout, overdue)?;
        if self.session.poll_timeout().is_some_and(|deadline| deadline <= now) {
            return Err("a tick left the deadline as it was".to_owned());
        }
        let quiet = self.link.as_ref().and_then(|link| link.quiet_since);
        let is_open = self.link.iter().flat_map(|one| &one.stream).any(|one| one.opened);
        let is_late = quiet.is_some_and(|since| since + 2 * self.timeouts.liveness <= now);
        let was_doubted = self.link.as_ref().is_some_and(|link| link.doubted_at.is_some());
        if is_open && is_late && !was_doubted {
            return Err("the stream's silence is not noticed".to_owned());
        }
        let stalled = self.link.as_ref().and_then(|link| link.stalled_since);
        if self.program.health.state == HealthState::Live
            && self.program.subscribed().next().is_some()
            && stalled.is_some_and(|since| since + self.timeouts.liveness <= now)
        {
            return Err("the member's stall is not noticed".to_owned());
        }
        Ok(())
    }

    /// How many watches the server holds for the client.
    pub(super) fn watches(&self) -> Vec<usize> {
        let stream = self.link.as_ref().and_then(|link| link.stream.as_ref());
        let mut keys: Vec<_> = stream
            .iter()
            .flat_map(|stream| stream.watches.values().map(|watch| watch.subject))
            .collect();
        keys.sort_unstable();
        keys
    }
}

/// The stream and its member, if they work.
fn served<'a>(link: &'a mut Option<Link>, cluster: &Cluster) -> Option<(&'a mut Stream, usize)> {
    let link = link.as_mut().filter(|one| !one.silent && one.end.is_none())?;
    let member = link.member;
    let works = matches!(cluster.members[member].is, Is::Up | Is::Cut | Is::Stalled);
    let stream = link.stream.as_mut().filter(|one| works && one.opened && !one.silent)?;
    Some((stream, member))
}

/// Whether it is the first page of this range.
fn is_first_of(page: &PageRequest, range: usize) -> bool {
    let Keys::Range(range) = subject(range) else { return false };
    let first = (&page.from, page.end.as_ref(), page.keys_only);
    (range.start(), range.end(), range.is_keys_only()) == first
}
