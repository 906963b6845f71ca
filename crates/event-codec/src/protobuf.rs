//! Protobuf messages.

use std::marker::PhantomData;

use event_core::{Bytes, Decoder, Error, ErrorKind};
use prost::{DecodeError, Message};

use crate::of_type::of_type;
use crate::type_name::type_name;

/// Decodes the bytes as a protobuf message.
///
/// Empty bytes are a message too: each of its fields has its default. Fields of type `Bytes` share the
/// memory of the value.
///
/// A watcher waits for a key that was never seen. If a key that exists is deleted, the watcher yields an
/// error of kind [`ErrorKind::Deleted`], at most once.
///
/// ```
/// use event_codec::Protobuf;
/// use event_core::{Entry, MemoryValue, ReaderExt, ValueWriter};
///
/// #[derive(Clone, PartialEq, prost::Message)]
/// struct Limits {
///     #[prost(uint32, tag = "1")]
///     max_connections: u32,
/// }
///
/// # futures_executor::block_on(async {
/// let key = MemoryValue::new(Entry::present("limits", 1, &b"\x08\x64"[..]));
/// let limits = key.reader().decode(Protobuf::<Limits>::new());
/// assert_eq!(limits.get().await.unwrap().max_connections, 100);
///
/// key.set(Entry::present("limits", 2, &b"\x0d\x64\0\0\0"[..]));
/// assert_eq!(
///     limits.get().await.unwrap_err().to_string(),
///     "key `limits` at revision 2: Limits.max_connections: \
///      invalid wire type: ThirtyTwoBit (expected Varint)",
/// );
/// # });
/// ```
///
/// # Errors
///
/// Bytes that are not such a message are an error of kind [`ErrorKind::Decode`]. The error names the
/// message and the field, from the outermost to the innermost, if they are known. It says what is wrong
/// there, and never prints the data. If a hand-written [`Message`] raises an error in words of its own, those words are
/// dropped: the error says only that this type refused the message. If the bytes look like a JSON document, the error
/// says so.
pub struct Protobuf<M>(PhantomData<fn() -> M>);

impl<M> Protobuf<M> {
    /// A decoder of messages of type `M`.
    ///
    /// ```
    /// use event_codec::Protobuf;
    /// use event_core::{Bytes, Decoder};
    ///
    /// // prost implements `Message` for the types of wrappers.proto.
    /// assert_eq!(Protobuf::<u32>::new().decode(&Bytes::from(&b"\x08\x07"[..])).unwrap(), 7);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<M: Message + Default> Decoder for Protobuf<M> {
    type Output = M;

    fn decode(&self, bytes: &Bytes) -> Result<M, Error> {
        // The error of prost is dropped here: it may contain the data.
        M::decode(bytes.clone()).map_err(|error| {
            let mut words = explain(&error, &type_name::<M>());
            if is_json(bytes) {
                words.push_str(" (the value looks like JSON text)");
            }
            Error::new(ErrorKind::Decode, words)
        })
    }
}

of_type!(Protobuf);

/// The name of each of prost's errors in its `Debug`, and the words that its `Display` begins with.
const KINDS: [(&str, &str); 10] = [
    ("LengthDelimiterTooLarge", "length delimiter exceeds maximum usize value"),
    ("InvalidVarint", "invalid varint"),
    ("RecursionLimitReached", "recursion limit reached"),
    ("InvalidWireType", "invalid wire type value"),
    ("InvalidKey", "invalid key value"),
    ("InvalidTag", "invalid tag value"),
    ("BufferUnderflow", "buffer underflow"),
    ("DelimitedLengthExceeded", "delimited length exceeded"),
    ("UnexpectedEndGroupTag", "unexpected end group tag"),
    ("InvalidString", "invalid string value: data is not UTF-8 encoded"),
];

/// Says what prost's error says, without the data.
///
/// Why not prost's own text? It prints the field key or the type URL that was read, and both are data. A
/// hand-written message can put anything into the text. The names of messages and fields are safe: they
/// are constants of the program. prost shows only in `Debug` which error it is. If that name is not in the
/// table, the text is dropped.
fn explain(error: &DecodeError, message: &str) -> String {
    let debug = format!("{error:?}");
    let text = error.to_string();
    let known = || {
        let kind = debug.strip_prefix("DecodeError { description: ")?;
        let kind = kind.split(|c: char| !c.is_alphanumeric()).next()?;
        let text = text.strip_prefix("failed to decode Protobuf message: ")?;
        let (words, at) = match KINDS.iter().find(|(name, _)| *name == kind) {
            Some((_, words)) => (*words, text.rfind(words)?),
            // The words after this one are the names of two wire types, of which prost has six.
            None if kind == "UnexpectedWireType" => {
                let at = text.rfind("invalid wire type: ")?;
                (&text[at..], at)
            }
            None => return None,
        };
        // prost names the innermost field first, and no field if it is unknown.
        let mut parts: Vec<_> = text[..at].split_terminator(": ").collect();
        if parts.is_empty() {
            parts.push(message);
        }
        parts.reverse();
        parts.push(words);
        Some(parts.join(": "))
    };
    known().unwrap_or_else(|| format!("`{message}` refused the message"))
}

/// Whether the bytes look like a JSON object or array.
fn is_json(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii();
    let braces = bytes.starts_with(b"{") && bytes.ends_with(b"}");
    let brackets = bytes.starts_with(b"[") && bytes.ends_with(b"]");
    (braces || brackets) && std::str::from_utf8(bytes).is_ok()
}
