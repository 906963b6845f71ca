//! Small stories about values that change. Run one with
//! `cargo run -p examples --example config_watch`.

/// The programs of the README and the guides compile and run, as doctests.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../docs/design.md")]
    mod design {}
    #[doc = include_str!("../docs/maps.md")]
    mod maps {}
    #[doc = include_str!("../docs/testing.md")]
    mod testing {}
    #[doc = include_str!("../docs/writing-a-backend.md")]
    mod writing_a_backend {}
    #[doc = include_str!("../docs/architecture.md")]
    mod architecture {}
    #[doc = include_str!("../crates/event-core/README.md")]
    mod event_core {}
    #[doc = include_str!("../crates/event-codec/README.md")]
    mod event_codec {}
    #[doc = include_str!("../crates/event-etcd/README.md")]
    mod event_etcd {}
    #[doc = include_str!("../crates/event-open/README.md")]
    mod event_open {}
    #[doc = include_str!("../crates/event-cli/README.md")]
    mod event_cli {}
    #[doc = include_str!("../crates/event-file/README.md")]
    mod event_file {}
}
