//! Each contender follows a map in its own way, and reports each change that it takes.

mod by_hand;
mod ours;
pub(crate) mod pages;
mod table;

use std::process::Command;

use measure::Role;
use tokio::task::JoinSet;

use crate::maps::child::CHILD;
use crate::maps::go;
use crate::maps::seen::Seen;

/// A way to follow a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    /// A map of a store.
    Ours,
    /// One read of the whole range into a `HashMap`, and a watch, by hand: as most write it.
    Raw,
    /// Pages into a second `HashMap`, which replaces the first at the end of a read, and a watch: as kube does it.
    Kube,
    /// etcd's own `client/v3/mirror`, in Go.
    Mirror,
    /// What ours reads, thrown away.
    Reads,
    /// The range as a stream (`RangeStream`, since etcd 3.7), thrown away.
    RangeStream,
    /// A `HashMap` of the same content, which comes from nowhere.
    Table,
}

/// What follows, until it is dropped.
pub(crate) struct Following {
    _tasks: JoinSet<()>,
    _kept: Option<table::Table>,
}

impl Contender {
    const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Ours, "ours", "ours"),
        (Self::Raw, "raw", "raw, one read"),
        (Self::Kube, "kube", "raw, kube's way"),
        (Self::Mirror, "mirror", "Go's mirror"),
        (Self::Reads, "reads", "the same reads, thrown away"),
        (Self::RangeStream, "range-stream", "a RangeStream, thrown away"),
        (Self::Table, "table", "HashMap"),
    ];

    /// What a record says.
    pub(crate) fn name(self) -> &'static str {
        self.words().2
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|words| words.1 == word).map(|words| words.0)
    }

    pub(crate) fn role(self) -> Role {
        match self {
            Self::Ours => Role::Ours,
            Self::Raw | Self::Kube | Self::Mirror => Role::Peer,
            Self::Reads | Self::RangeStream | Self::Table => Role::Floor,
        }
    }

    /// Those of the list that this machine can run.
    pub(crate) fn runnable(all: &[Self]) -> Vec<Self> {
        let runs = |who: &Self| *who != Self::Mirror || go::mirror().is_some();
        all.iter().copied().filter(runs).collect()
    }

    /// The command that runs it as a child, but for the endpoint and the prefix.
    pub(super) fn command(self) -> Command {
        if self == Self::Mirror {
            return Command::new(go::mirror().expect("a contender that runs"));
        }
        let program = std::env::current_exe().expect("this program has a path");
        let mut command = Command::new(program);
        command.args([CHILD, self.words().1]);
        command
    }

    /// Connects, loads the map, and follows it from then on.
    pub(super) async fn follow(self, endpoint: &str, prefix: &str, seen: &Seen) -> Following {
        let mut tasks = JoinSet::new();
        let mut kept = None;
        match self {
            Self::Ours => ours::follow(endpoint, prefix, seen, &mut tasks).await,
            Self::Raw => by_hand::follow(endpoint, prefix, false, seen, &mut tasks).await,
            Self::Kube => by_hand::follow(endpoint, prefix, true, seen, &mut tasks).await,
            Self::Reads => pages::throw_away(endpoint, prefix).await,
            Self::RangeStream => pages::throw_stream_away(endpoint, prefix).await,
            Self::Table => kept = Some(table::fill(prefix)),
            Self::Mirror => unreachable!("a program of its own"),
        }
        Following { _tasks: tasks, _kept: kept }
    }

    fn words(self) -> (Self, &'static str, &'static str) {
        Self::ALL[self as usize]
    }
}
