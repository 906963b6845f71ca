//! Protobuf messages.

use std::fmt;
use std::marker::PhantomData;

use event_core::{Bytes, Decoder, Error, ErrorKind};
use prost::{DecodeError, Message};

/// Yields the bytes as a protobuf message.
///
/// An empty value is a message of which every field has its default, as protobuf has it. Fields of
/// type `Bytes` are not copied.
///
/// # Errors
///
/// Bytes that are no such message are an error of kind [`ErrorKind::Decode`]. It tells the message
/// and the field, from the outside in, and what is wrong there.
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
pub struct Protobuf<M>(PhantomData<fn() -> M>);

impl<M> Protobuf<M> {
    /// The decoder of messages of type `M`.
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
        M::decode(bytes.clone()).map_err(|error| Error::new(ErrorKind::Decode, explain(&error)))
    }
}

impl<M> fmt::Debug for Protobuf<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Protobuf")
    }
}

impl<M> Clone for Protobuf<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Protobuf<M> {}

impl<M> Default for Protobuf<M> {
    fn default() -> Self {
        Self::new()
    }
}

/// What prost calls each of its errors in `Debug`, and how it begins in `Display`.
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

/// Says what prost's error says without the data in it.
///
/// Why not prost's own text? It tells the key and the type URL that were read, which are data, and a
/// message implemented by hand may put there what it likes. The fields it names are the program's.
/// prost shows what sort of error it is in `Debug` only; where that is not as known here, nothing is
/// said.
fn explain(error: &DecodeError) -> String {
    let debug = format!("{error:?}");
    let text = error.to_string();
    let known = || {
        let kind = debug.strip_prefix("DecodeError { description: ")?;
        let kind = kind.split(|c: char| !c.is_alphanumeric()).next()?;
        let text = text.strip_prefix("failed to decode Protobuf message: ")?;
        let (words, at) = match KINDS.iter().find(|(name, _)| *name == kind) {
            Some((_, words)) => (*words, text.rfind(words)?),
            // Both wire types are named by prost, which knows six.
            None if kind == "UnexpectedWireType" => {
                let at = text.rfind("invalid wire type: ")?;
                (&text[at..], at)
            }
            None => return None,
        };
        // prost names the innermost field first.
        let mut parts: Vec<_> = text[..at].split_terminator(": ").collect();
        parts.reverse();
        parts.push(words);
        Some(parts.join(": "))
    };
    known().unwrap_or_else(|| "the message was refused by its type".to_owned())
}
