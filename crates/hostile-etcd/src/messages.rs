//! The requests of etcd's protocol that etcd-client does not export. Fields that no hook needs are left
//! out: a message is decoded without them.

use prost::Message;

/// A request for one key or a range of keys.
#[derive(Clone, PartialEq, Message)]
pub struct RangeRequest {
    /// The key, or the first key of the range.
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    /// The end of the range, which is not part of it. Empty: only the key. A zero byte: all keys from the
    /// first on.
    #[prost(bytes = "vec", tag = "2")]
    pub range_end: Vec<u8>,
    /// How many keys to return at most. Zero: all.
    #[prost(int64, tag = "3")]
    pub limit: i64,
    /// The revision to read at. Zero: the newest.
    #[prost(int64, tag = "4")]
    pub revision: i64,
    /// Whether the member may answer from what it knows, without asking the others.
    #[prost(bool, tag = "7")]
    pub serializable: bool,
    /// Whether to leave out the values.
    #[prost(bool, tag = "8")]
    pub keys_only: bool,
}

/// A request on a watch stream.
#[derive(Clone, PartialEq, Message)]
pub struct WatchRequest {
    /// What is asked for.
    #[prost(oneof = "WatchRequestUnion", tags = "1, 2, 3")]
    pub(crate) request: Option<WatchRequestUnion>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum WatchRequestUnion {
    #[prost(message, tag = "1")]
    Create(WatchCreateRequest),
    #[prost(message, tag = "2")]
    Cancel(WatchCancelRequest),
    #[prost(message, tag = "3")]
    Progress(WatchProgressRequest),
}

/// A request to create a watch.
#[derive(Clone, PartialEq, Message)]
pub struct WatchCreateRequest {
    /// The key, or the first key of the range.
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    /// The end of the range.
    #[prost(bytes = "vec", tag = "2")]
    pub range_end: Vec<u8>,
    /// The first revision to send. Zero: from now on.
    #[prost(int64, tag = "3")]
    pub start_revision: i64,
    /// Whether the server is asked for regular progress answers.
    #[prost(bool, tag = "4")]
    pub progress_notify: bool,
    /// The id that the client chose. Zero: the server chooses.
    #[prost(int64, tag = "7")]
    pub watch_id: i64,
    /// Whether the server may split large responses.
    #[prost(bool, tag = "8")]
    pub fragment: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WatchCancelRequest {
    #[prost(int64, tag = "1")]
    pub(crate) watch_id: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WatchProgressRequest {}

/// A login.
#[derive(Clone, PartialEq, Message)]
pub struct AuthenticateRequest {
    /// The user.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The password.
    #[prost(string, tag = "2")]
    pub password: String,
}

/// A request for the list of members.
#[derive(Clone, PartialEq, Message)]
pub struct MemberListRequest {
    /// Whether the member asks the others first.
    #[prost(bool, tag = "1")]
    pub linearizable: bool,
}

/// A message of which nothing is read, for the calls that are not served.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Unread {}
