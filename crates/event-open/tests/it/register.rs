//! Schemes that a program registers.

use std::sync::Arc;

use event_core::{BoxStore, Error, ErrorKind, MemoryStore, ReaderExt, StoreExt};
use event_open::{Opener, Url};

async fn fixed(url: Url) -> Result<BoxStore, Error> {
    url.allow_options(&["value"])?;
    let store = MemoryStore::new();
    store.set("key", url.option("value").unwrap_or_default().to_owned());
    Ok(Arc::new(store))
}

#[tokio::test]
async fn a_registered_scheme_is_opened_by_its_function() {
    let opener = Opener::new().register("Fixed", fixed);
    let store = opener.open("FIXED:?value=8080").await.unwrap();
    assert_eq!(store.value("key").get().await.unwrap().value().unwrap(), "8080");
    let error = opener.open("fixed:?other=1").await.err().unwrap();
    assert_eq!(error.to_string(), "unknown option `other`: the options of fixed: are value");
}

#[tokio::test]
async fn a_registered_scheme_takes_the_place_of_ours() {
    let opener = Opener::new().register("etcd", fixed);
    let store = opener.open("etcd:?value=1").await.unwrap();
    assert_eq!(store.value("key").get().await.unwrap().value().unwrap(), "1");
}

#[tokio::test]
async fn an_unknown_scheme_lists_those_that_are_registered() {
    let opener = Opener::new().register("fixed", fixed);
    let error = opener.open("fxied:").await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "unknown scheme `fxied`: expected etcd://HOST:2379,HOST:2379/PREFIX, etcds://HOST:2379/PREFIX (TLS), \
         file:///PATH/, mem:NAME or fixed:…"
    );
}

#[tokio::test]
async fn a_name_that_is_no_scheme_is_refused_on_opening() {
    for name in ["", "a b", "1st", "fixed:"] {
        let error = Opener::new().register(name, fixed).open("mem:").await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().starts_with(&format!("the scheme `{name}` can't be")), "{error}");
    }
}

#[tokio::test]
async fn opening_can_be_a_task_of_its_own() {
    let opener = Opener::new().register("fixed", fixed);
    let task = tokio::spawn(async move { opener.open("fixed:").await.is_ok() });
    assert!(task.await.unwrap());
}
