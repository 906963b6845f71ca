//! Text.

use event_core::{Bytes, Decoder, Error, ErrorKind};

/// Yields the bytes as text, as it stands: nothing is trimmed.
///
/// # Errors
///
/// Bytes that are not UTF-8 are an error of kind [`ErrorKind::Decode`], which tells the position of
/// the first byte that is not part of a character.
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
///     "key `name` at revision 2: not UTF-8 at byte 3",
/// );
/// # });
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Utf8;

impl Decoder for Utf8 {
    type Output = String;

    fn decode(&self, bytes: &Bytes) -> Result<String, Error> {
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
            Error::new(ErrorKind::Decode, format!("not UTF-8 at byte {}", error.valid_up_to()))
        })
    }
}
