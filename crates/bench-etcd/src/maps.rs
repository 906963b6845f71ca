//! Who follows a map of an etcd, and how: what the works of [`crate::works::maps`] measure.

pub(crate) mod child;
pub(crate) mod contenders;
pub(crate) mod go;
pub(crate) mod keys;
pub(crate) mod seen;
