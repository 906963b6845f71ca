//! Text.

use event_core::{Bytes, Decoder, Error, ErrorKind};

/// Decodes the bytes as UTF-8 text.
///
/// The text keeps its whitespace. Empty bytes are the empty string.
///
/// A watcher waits for a key that was never seen. If a key that exists is deleted, the watcher yields an
/// error of kind [`ErrorKind::Deleted`], at most once.
///
/// ```
/// use event_codec::Utf8;
/// use event_core::{Entry, MemoryValue, ReaderExt, ValueWriter};
///
/// # futures_executor::block_on(async {
/// let name = MemoryValue::new(Entry::present("name", 1, "etcd"));
/// let text = name.reader().decode(Utf8);
/// assert_eq!(text.get().await.unwrap(), "etcd");
///
/// name.set(Entry::present("name", 2, &b"etc\xff"[..]));
/// assert_eq!(
///     text.get().await.unwrap_err().to_string(),
///     "key `name` at revision 2: invalid UTF-8 at byte 3",
/// );
/// # });
/// ```
///
/// # Errors
///
/// Bytes that are not UTF-8 are an error of kind [`ErrorKind::Decode`]. It gives the zero-based offset of
/// the first invalid byte. It never prints the data.
#[derive(Debug, Clone, Copy, Default)]
pub struct Utf8;

impl Decoder for Utf8 {
    type Output = String;

    fn decode(&self, bytes: &Bytes) -> Result<String, Error> {
        text(bytes).map(str::to_owned)
    }
}

/// The bytes as text.
pub(crate) fn text(bytes: &Bytes) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        Error::new(ErrorKind::Decode, format!("invalid UTF-8 at byte {at}"))
    })
}
