//! event-etcd
