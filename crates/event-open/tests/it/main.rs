//! Opening stores by their URLs.

mod etcd;
mod laws;
mod mem;
mod register;
mod urls;
