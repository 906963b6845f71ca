//! Stores in memory.

use event_core::{ReaderExt, StoreExt};
use event_open::{memory_store, open};

#[tokio::test]
async fn a_name_is_one_store_in_the_whole_process() {
    memory_store("mem-shared").set("key", "1");
    for _ in 0..2 {
        let store = open("mem:mem-shared").await.unwrap();
        assert_eq!(store.value("key").get().await.unwrap().value().unwrap(), "1");
    }
    let encoded = open("mem:mem%2Dshared").await.unwrap();
    assert_eq!(encoded.value("key").get().await.unwrap().value().unwrap(), "1");
}

#[tokio::test]
async fn without_a_name_each_store_is_new() {
    memory_store("").set("key", "1");
    let store = open("mem:").await.unwrap();
    assert_eq!(store.value("key").get().await.unwrap().value(), None);
}
