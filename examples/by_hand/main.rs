//! Follows one etcd key and prints each value, the way most people first write it: without `event`.

use etcd_client::{Client, ResponseHeader, WatchOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = std::env::args().nth(1).ok_or("usage: by_hand ENDPOINT")?;
    let mut client = Client::connect([endpoint], None).await?;
    let current = client.get("config", None).await?;
    let revision = current.header().map_or(0, ResponseHeader::revision);
    for kv in current.kvs() {
        println!("config: {}", kv.value_str()?);
    }
    let options = WatchOptions::new().with_start_revision(revision + 1);
    let mut stream = client.watch("config", Some(options)).await?;
    while let Some(response) = stream.message().await? {
        for kv in response.events().iter().filter_map(|event| event.kv()) {
            println!("config: {}", kv.value_str()?);
        }
    }
    Ok(())
}
