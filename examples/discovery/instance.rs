//! An instance of a service: whoever connects gets its name.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

pub(crate) async fn serve(listener: TcpListener, name: &str) {
    loop {
        // A connection that failed is the client's affair.
        if let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(name.as_bytes()).await;
        }
    }
}
