//! etcd-harness
