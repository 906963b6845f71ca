//! An etcd in memory that can answer anything, for tests of a client.
//!
//! A [`Cluster`] is the data: keys, revisions and history. A [`Member`] is a server on loopback that speaks
//! etcd's protocol over that data. It answers as an etcd does, except where its [`Behaviour`] says otherwise.
//! A test therefore states only the one thing that is wrong.
//!
//! ```
//! use hostile_etcd::{Behaviour, Cluster, Member};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), etcd_client::Error> {
//! let cluster = Cluster::new();
//! cluster.put("key", "value");
//! let silent = Member::start(&cluster, Behaviour::honest().create(|_request, _honest| vec![]));
//!
//! let mut client = etcd_client::Client::connect([silent.endpoint()], None).await?;
//! let found = client.get("key", None).await?;
//! assert_eq!(found.kvs()[0].value(), b"value");
//! assert_eq!(silent.counts().ranges, 1);
//! # Ok(()) }
//! ```
//!
//! The servers run on threads of their own. A test on a current-thread runtime can therefore measure what
//! its client costs by the CPU time of its own thread.
//!
//! It serves what a reader needs: `Range`, `Txn` of ranges, `Watch`, `Authenticate` and `MemberList`. Every
//! other call fails with *unimplemented*.

mod behaviour;
mod cluster;
mod counts;
mod member;

mod background;
mod calls;
mod messages;
mod stream;

pub use behaviour::{Answer, Behaviour, StreamMode};
pub use cluster::Cluster;
pub use counts::Counts;
pub use member::Member;
pub use messages::{
    AuthenticateRequest, MemberListRequest, RangeRequest, WatchCreateRequest, WatchRequest,
};
