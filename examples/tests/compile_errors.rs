//! What the compiler says to a program that is wrong in one of the usual ways.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The body of a function, and what the compiler must say to it.
const CASES: &[(&str, &[&str])] = &[
    (
        "follow(entries.clone());",
        &[
            "is not a reader of `Config`",
            "add `.decode(Json::<…>::new())` with your type, or another decoder",
            "use `BoxReader<T>`, which `.boxed()` makes",
        ],
    ),
    (
        "follow(entries.decode(Json::<Config>::new()));",
        &["`Json<Config>` is not a decoder", "derive `Deserialize`"],
    ),
    (
        "follow(entries.decode(42));",
        &["`{integer}` is not a decoder", "a closure is a decoder if it takes `&[u8]`"],
    ),
];

#[test]
fn a_wrong_program_is_told_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let dependency = |name| format!("{name} = {{ path = {:?} }}\n", root.join("crates").join(name));
    let manifest = "[package]\nname = \"wrong\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n";
    let manifest = [manifest, &dependency("event-core"), &dependency("event-codec")].concat();
    fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    // The versions that this workspace has: nothing is fetched.
    fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    for (body, expected) in CASES {
        let program = format!(
            "use event_codec::Json;\nuse event_core::*;\n#[derive(Clone)]\nstruct Config;\n\
             fn follow(_: impl ValueReader<Config>) {{}}\n\
             pub fn wrong(entries: MemoryReader<Entry>) {{ {body} }}\n"
        );
        fs::write(folder.path().join("src/lib.rs"), program).unwrap();
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile-errors");
        let mut cargo = Command::new(env!("CARGO"));
        let checked = cargo.args(["check", "--quiet", "--offline"]).current_dir(folder.path());
        let output = checked.env("CARGO_TARGET_DIR", target).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{body} compiles");
        for words in *expected {
            assert!(said.contains(words), "{body}: no `{words}` in:\n{said}");
        }
    }
}
