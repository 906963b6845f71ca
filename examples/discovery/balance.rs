//! The reading side: a client that balances over the instances that are live.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use event_core::{BoxMapReader, Bytes, MapReader, MapReaderExt, MapWatcherExt, Store, StoreExt};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tower::balance::p2c::Balance;
use tower::load::{CompleteOnResponse, PendingRequests};
use tower::{BoxError, Service, ServiceExt};

/// The addresses of a service's live instances, by name.
pub(crate) fn instances(store: &dyn Store, service: &str) -> BoxMapReader<Bytes, String> {
    let address = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
    store.map(format!("services/{service}/")).decode(address).boxed()
}

/// Calls the instance that has fewer calls in progress, of two that are chosen by chance.
pub(crate) fn balanced(
    instances: &BoxMapReader<Bytes, String>,
) -> impl Service<(), Response = String, Error = BoxError> + use<> {
    let dial =
        |_: &Bytes, address| PendingRequests::new(Dial(address), CompleteOnResponse::default());
    Balance::new(instances.watch().into_discover(dial))
}

/// Waits until an instance is there, and calls it.
pub(crate) async fn call(
    service: &mut impl Service<(), Response = String, Error = BoxError>,
) -> Result<String, BoxError> {
    service.ready().await?.call(()).await
}

/// A connection to one instance for each call.
struct Dial(String);

impl Service<()> for Dial {
    type Response = String;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<String>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        let address = self.0.clone();
        Box::pin(async move {
            let mut answer = String::new();
            TcpStream::connect(address).await?.read_to_string(&mut answer).await?;
            Ok(answer)
        })
    }
}
