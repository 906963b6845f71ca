//! Directories, opened by their URLs.

use event_core::{CauseKind, ReaderExt, StoreExt, ValueReader, WatcherExt};
use event_open::open;

#[tokio::test]
async fn the_path_is_a_directory_and_keys_are_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let spaced = folder.path().join("two words");
    std::fs::create_dir_all(spaced.join("log")).unwrap();
    std::fs::write(spaced.join("log/level"), "info").unwrap();
    let path = folder.path().to_str().unwrap();
    for url in [
        format!("file://{path}/two%20words/"),
        format!("file://localhost{path}/two%20words"),
        format!("file:{path}/two words/?max_size=100&settle=10ms&poll_interval=1s&only_poll=true"),
    ] {
        let store = open(&url).await.unwrap();
        let level = store.value("log/level").get().await.unwrap();
        assert_eq!(level.value().unwrap(), "info", "{url}");
    }
}

#[tokio::test]
async fn options_reach_the_store() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "too long").unwrap();
    let url = format!("file://{}?max_size=3", folder.path().to_str().unwrap());
    let store = open(&url).await.unwrap();
    let _watcher = store.value("key").watch();
    let mut health = store.health_of("key").watch();
    let refused = health.get_if(|health| health.cause.is_some()).await.unwrap();
    assert_eq!(refused.cause.unwrap().kind(), CauseKind::TooLarge);
}
