//! Checks that the published crates build with the Rust version that they declare.
//!
//! | what can be too new | what finds it |
//! |---|---|
//! | a dependency | the `rust-version` that it declares |
//! | an item of the standard library | clippy's `incompatible_msrv`, in the step `clippy` |
//! | a let chain (Rust 1.88) | rustfmt: it parses edition 2021 without them |
//! | anything | a build with that Rust version, if this machine has it or can unpack it |

use std::{
    env,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    debian,
    metadata::{Metadata, Published, version},
    run::{self, cargo, step},
    workspace,
};

const LET_CHAINS: &str = "1.88";

/// A compiler of a given version.
struct Compiler {
    rustc: PathBuf,
    /// Where its shared libraries are, if the loader does not find them.
    libraries: Option<PathBuf>,
}

impl Compiler {
    fn add_libraries(&self, command: &mut Command) {
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
    }
}

/// Checks the published crates.
pub(crate) fn check() -> Result<Duration, String> {
    let start = Instant::now();
    let metadata = Metadata::read()?;
    let published = metadata.published();
    for package in &published {
        declared(package, &metadata)?;
    }
    for package in &published {
        match compiler(&package.rust_version) {
            Ok(compiler) => drop(step("msrv", build(package, &compiler))?),
            Err(error) => {
                let Published { name, rust_version, .. } = package;
                eprintln!("\n== msrv: {name} not built with Rust {rust_version}: {error}");
            }
        }
    }
    Ok(start.elapsed())
}

/// Checks what needs no compiler.
fn declared(package: &Published, metadata: &Metadata) -> Result<(), String> {
    let Published { name, rust_version, .. } = package;
    if rust_version.is_empty() {
        return Err(format!("{name} declares no rust-version"));
    }
    let newer = metadata.needing_newer_rust(package);
    if !newer.is_empty() {
        let newer = newer.join("\n  * ");
        return Err(format!("{name} declares Rust {rust_version}, but\n  * {newer}"));
    }
    if version(rust_version) < version(LET_CHAINS) {
        run::quiet(without_let_chains(package)).map_err(|error| {
            format!("{name} declares Rust {rust_version}, which has no let chains: {error}")
        })?;
    }
    Ok(())
}

/// Parses the crate as edition 2021, where let chains are an error.
fn without_let_chains(package: &Published) -> Command {
    let mut command = Command::new("rustfmt");
    // Without `--emit`, it would write the files.
    command.args(["--edition", "2021", "--emit", "stdout"]).arg(package.folder.join("src/lib.rs"));
    command
}

fn build(package: &Published, compiler: &Compiler) -> Command {
    let features: Vec<&str> = package
        .features
        .iter()
        .filter(|feature| !package.newer_features.contains(feature))
        .map(String::as_str)
        .collect();
    let mut command = cargo(["check", "--quiet", "--package", &package.name]);
    command.args(["--no-default-features", "--features", &features.join(",")]);
    command.env("RUSTC", &compiler.rustc);
    compiler.add_libraries(&mut command);
    command.env("CARGO_TARGET_DIR", workspace::target().join("msrv"));
    command
}

/// Rustup's compiler of that version if it has one, or else Debian's.
fn compiler(version: &str) -> Result<Compiler, String> {
    let mut rustup = Command::new("rustup");
    rustup.args(["run", version, "rustc", "--print", "sysroot"]).env("RUSTUP_AUTO_INSTALL", "0");
    let rustup = run::quiet(rustup).map(|output| {
        let sysroot = String::from_utf8_lossy(&output.stdout);
        Compiler { rustc: PathBuf::from(sysroot.trim()).join("bin/rustc"), libraries: None }
    });
    rustup
        .or_else(|_| debians(version))
        .map_err(|error| format!("{error}\n   `rustup toolchain install {version}` gets one"))
}

/// The compiler with which Debian 12 builds its browsers.
fn debians(version: &str) -> Result<Compiler, String> {
    const VERSION: &str = "1.85";
    if version != VERSION {
        return Err("neither rustup nor Debian 12 has it".to_owned());
    }
    let folder = workspace::target().join("msrv/debian");
    let content = folder.join("content/usr");
    let compiler = Compiler {
        rustc: content.join("bin/rustc"),
        libraries: Some(content.join("lib").join(format!("{}-linux-gnu", env::consts::ARCH))),
    };
    if !compiler.rustc.is_file() {
        let packages = [
            format!("rustc-web={VERSION}*"),
            format!("libstd-rust-web-dev={VERSION}*"),
            format!("libstd-rust-web-{VERSION}"),
            "libllvm19".to_owned(),
        ];
        debian::unpack(&packages, &folder)?;
    }
    // The machine may lack other libraries that it needs.
    let mut starts = Command::new(&compiler.rustc);
    compiler.add_libraries(&mut starts);
    run::quiet(starts.arg("--version"))?;
    Ok(compiler)
}
