//! Who is measured: each follows keys in its own way, and reports what it takes to a board.

mod one_stream;
mod ours;
mod stream_per_key;

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Client, Error, GetOptions};
use measure::Role;
use tokio::task::JoinSet;

use crate::board::Board;
use crate::keys;

/// How many reads the loops written by hand have in flight.
const READS: usize = 64;
/// How long they wait before they connect again.
const PAUSE: Duration = Duration::from_millis(10);

/// A way to follow keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    /// A store, with a task for each watcher.
    Ours,
    /// A store, with all watchers in one task: what the store itself takes.
    OursOneTask,
    /// All keys on one stream, by hand: the fastest we know.
    OneStream,
    /// The same, with a task for each key that is given its values.
    OneStreamTasks,
    /// A stream for each key, by hand: as most write it.
    StreamPerKey,
}

/// What follows, until it is dropped.
pub(crate) type Following = JoinSet<()>;

impl Contender {
    /// Those that are measured everywhere.
    pub(crate) const USUAL: [Self; 3] = [Self::Ours, Self::OneStream, Self::StreamPerKey];
    const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Ours, "ours", "ours"),
        (Self::OursOneTask, "ours-one-task", "ours, watchers in one task"),
        (Self::OneStream, "one-stream", "raw, one stream"),
        (Self::OneStreamTasks, "one-stream-tasks", "raw, one stream, a tokio::sync::watch per key"),
        (Self::StreamPerKey, "stream-per-key", "raw, a stream per key"),
    ];

    /// What a child is told.
    pub(crate) fn word(self) -> &'static str {
        self.words().1
    }

    /// What a record says.
    pub(crate) fn name(self) -> &'static str {
        self.words().2
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|words| words.1 == word).map(|words| words.0)
    }

    pub(crate) fn role(self) -> Role {
        match self {
            Self::Ours | Self::OursOneTask => Role::Ours,
            Self::OneStream | Self::OneStreamTasks | Self::StreamPerKey => Role::Peer,
        }
    }

    /// Connects and begins to follow.
    pub(crate) async fn follow(self, endpoint: &str, keys: usize, board: &Arc<Board>) -> Following {
        let board = Arc::clone(board);
        let endpoint = endpoint.to_owned();
        let mut tasks = JoinSet::new();
        match self {
            Self::Ours => ours::follow(&endpoint, keys, &board, &mut tasks).await,
            Self::OursOneTask => ours::follow_in_one_task(&endpoint, keys, board, &mut tasks).await,
            Self::OneStream => one_stream::follow(endpoint, keys, board, &mut tasks),
            Self::OneStreamTasks => one_stream::follow_in_tasks(endpoint, keys, &board, &mut tasks),
            Self::StreamPerKey => drop(tasks.spawn(stream_per_key::follow(endpoint, keys, board))),
        }
        tasks
    }

    fn words(self) -> (Self, &'static str, &'static str) {
        Self::ALL[self as usize]
    }
}

/// Reads a key by hand, and tells from where on to watch it.
async fn read(client: &Client, key: usize) -> Result<(i64, Vec<u8>), Error> {
    let got = client.kv_client().get(keys::name(key), None::<GetOptions>).await?;
    let revision = got.header().map_or(0, etcd_client::ResponseHeader::revision);
    let value = got.kvs().first().map_or(Vec::new(), |kv| kv.value().to_vec());
    Ok((revision + 1, value))
}
