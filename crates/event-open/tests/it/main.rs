//! Opening stores by their URLs.

mod etcd;
mod file;
mod laws;
mod mem;
mod register;
mod urls;
