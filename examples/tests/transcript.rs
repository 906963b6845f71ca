//! What the README says of its first two programs is what they are, and what they print.

#![allow(dead_code)] // what only the program uses

#[path = "../transcript/page.rs"]
mod page;
#[path = "../transcript/program.rs"]
mod program;
#[path = "../transcript/record.rs"]
mod record;

#[tokio::test]
async fn the_readme_shows_what_both_programs_print() {
    if let Err(error) = page::check(&record::record().await) {
        panic!("{error}");
    }
}

#[test]
fn the_readme_shows_both_programs() {
    let page = page::read().unwrap();
    for source in [include_str!("../by_hand/main.rs"), include_str!("../with_event/main.rs")] {
        let (_, code) = source.split_once("\n\n").expect("after the docs comes an empty line");
        assert!(page.contains(code), "the README does not have:\n{code}");
    }
}
