//! The bytes as they are.

use event_core::{Bytes, Decoder, Error};

/// Yields the bytes as they are, without a copy.
///
/// Any bytes decode, even empty ones. The decoder is not named `Bytes` because that is the name of its
/// output.
///
/// A watcher waits for a key that was never seen. If a key that exists is deleted, the watcher yields an
/// error of kind [`ErrorKind::Deleted`](event_core::ErrorKind::Deleted), at most once.
///
/// ```
/// use event_codec::Raw;
/// use event_core::{Entry, MemoryValue, ReaderExt};
///
/// # futures_executor::block_on(async {
/// let blob = MemoryValue::new(Entry::present("blob", 1, vec![0, 159]));
/// assert_eq!(blob.reader().decode(Raw).get().await.unwrap().as_ref(), [0, 159]);
/// # });
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Raw;

impl Decoder for Raw {
    type Output = Bytes;

    fn decode(&self, bytes: &Bytes) -> Result<Bytes, Error> {
        Ok(bytes.clone())
    }
}
