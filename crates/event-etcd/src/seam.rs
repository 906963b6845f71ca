//! What lies between the session and etcd.
//!
//! Why a seam? What must be right is when to read, to watch and to fail over. The session decides that,
//! and needs no server to be tested. Behind the seam is translation only.

mod connection;
mod etcd;
mod failure;
mod members;
mod messages;

pub(crate) use connection::{
    Connection, Connector, OpenStream, Pages, WatchRequests, WatchResponses,
};
#[cfg(test)]
pub(crate) use connection::{MockConnection, MockConnector, MockWatchRequests};
pub(crate) use failure::Failure;
pub(crate) use members::Members;
pub(crate) use messages::{
    Event, Events, KeyValue, Keys, Page, PageRequest, PageResponse, ReadResponse, WatchRequest,
    WatchResponse,
};
