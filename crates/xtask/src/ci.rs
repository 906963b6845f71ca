//! The checks that a change must pass.

use std::time::Duration;

use crate::{
    compat, features, msrv, package, run,
    run::{cargo, step, with_flag},
    tests,
};

const CLIPPY: &[&str] =
    &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
const DOC: &[&str] = &["doc", "--workspace", "--no-deps", "--all-features"];
const EXAMPLE: &[&str] = &["run", "--package", "examples", "--example", "config_watch"];

/// Runs the checks, and stops at the first that fails.
pub(crate) fn all() -> Result<(), String> {
    has_component("fmt", "rustfmt")?;
    has_component("clippy", "clippy")?;
    let times = [
        ("format", step("format", cargo(["fmt", "--all", "--check"]))?),
        ("clippy", step("clippy", cargo(CLIPPY.iter().copied()))?),
        ("features", features::check()?),
        ("msrv", msrv::check()?),
        ("test", tests::all(&[])?),
        ("compat", compat::quick(&["--quick".to_owned()])?),
        ("faults", tests::quick_faults()?),
        ("loom", tests::loom()?),
        (
            "docs",
            step("docs", with_flag(cargo(DOC.iter().copied()), "RUSTDOCFLAGS", "-D warnings"))?,
        ),
        ("example", step("example", cargo(EXAMPLE.iter().copied()))?),
        ("package", package::check()?),
    ];
    eprintln!("\n== all passed");
    for (name, time) in times {
        eprintln!("{name:>12} {:7.1} s", time.as_secs_f64());
    }
    let total: Duration = times.iter().map(|(_, time)| time).sum();
    eprintln!("{:>12} {:7.1} s", "total", total.as_secs_f64());
    Ok(())
}

/// A minimal toolchain lacks some of cargo's subcommands.
fn has_component(subcommand: &str, component: &str) -> Result<(), String> {
    run::quiet(cargo([subcommand, "--version"])).map(drop).map_err(|_| {
        format!(
            "this toolchain has no `cargo {subcommand}`: `rustup component add {component}` adds it"
        )
    })
}
