//! What users call on a decoder.

use std::error::Error as StdError;

use event_core::Decoder;

use crate::{Map, Optional, Or, OrDefault, Validate};

/// The methods of every [`Decoder`], closures included. It can't be implemented, since every decoder
/// has it already.
///
/// An adapter over a decoder is a decoder. An error of the decoder below passes as it is: none of
/// these makes a good value of a bad one.
pub trait DecoderExt: Decoder + Sized {
    /// Yields `None` for a key that is not there: at once where it never was, and when it is deleted.
    ///
    /// A stand-in that the decoder below has is replaced.
    ///
    /// ```
    /// use event_codec::{DecoderExt, Utf8};
    /// use event_core::{Entry, MemoryValue, ReaderExt, ValueWriter};
    ///
    /// # futures_executor::block_on(async {
    /// let key = MemoryValue::new(Entry::never_seen("motd"));
    /// let motd = key.reader().decode(Utf8.optional());
    /// assert_eq!(motd.get().await.unwrap(), None);
    ///
    /// key.set(Entry::present("motd", 1, "hello"));
    /// assert_eq!(motd.get().await.unwrap().as_deref(), Some("hello"));
    /// # });
    /// ```
    fn optional(self) -> Optional<Self> {
        Optional(self)
    }

    /// Yields the default of the type for a key that is not there: at once where it never was, and when
    /// it is deleted.
    ///
    /// A stand-in that the decoder below has is replaced.
    ///
    /// ```
    /// use event_codec::{DecoderExt, Utf8};
    /// use event_core::{Entry, MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let motd = MemoryValue::new(Entry::never_seen("motd")).decode(Utf8.or_default());
    /// assert_eq!(motd.get().await.unwrap(), "");
    /// # });
    /// ```
    fn or_default(self) -> OrDefault<Self>
    where
        Self::Output: Default,
    {
        OrDefault(self)
    }

    /// Yields a clone of `value` for a key that is not there: at once where it never was, and when it
    /// is deleted.
    ///
    /// A stand-in that the decoder below has is replaced.
    ///
    /// ```
    /// use event_codec::{DecoderExt, Utf8};
    /// use event_core::{Entry, MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let motd = MemoryValue::new(Entry::never_seen("motd")).decode(Utf8.or("hello".to_owned()));
    /// assert_eq!(motd.get().await.unwrap(), "hello");
    /// # });
    /// ```
    fn or(self, value: Self::Output) -> Or<Self>
    where
        Self::Output: Clone,
    {
        Or { decoder: self, value }
    }

    /// Refuses a value that decodes but must not be used.
    ///
    /// `f` sees what was decoded, and not what stands for a key that is not there: that is the
    /// program's own value, and there is no version to blame for it. So `.validate(f).or(value)` and
    /// `.or(value).validate(f)` are the same.
    ///
    /// # Errors
    ///
    /// An error of kind [`ErrorKind::Invalid`](event_core::ErrorKind::Invalid), whose source is what
    /// `f` answered. These are the program's words, and pass as they are: they should name what is
    /// wrong, and not repeat the value.
    ///
    /// ```
    /// use std::error::Error as _;
    ///
    /// use event_codec::{DecoderExt, Utf8};
    /// use event_core::{Entry, ErrorKind, MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let motd = MemoryValue::new(Entry::present("motd", 1, ""));
    /// let motd = motd.decode(Utf8.validate(|text: &String| match text.as_str() {
    ///     "" => Err("it is empty"),
    ///     _ => Ok(()),
    /// }));
    /// let error = motd.get().await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Invalid);
    /// assert_eq!(error.to_string(), "key `motd` at revision 1: validation refused the value");
    /// assert_eq!(error.source().unwrap().to_string(), "it is empty");
    /// # });
    /// ```
    fn validate<F, E>(self, f: F) -> Validate<Self, F>
    where
        F: Fn(&Self::Output) -> Result<(), E>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        Validate { decoder: self, f }
    }

    /// Maps the value, and also what stands for a key that is not there.
    ///
    /// ```
    /// use event_codec::{DecoderExt, Utf8};
    /// use event_core::{Entry, MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let length = MemoryValue::new(Entry::present("name", 1, "etcd")).decode(Utf8.map(|s| s.len()));
    /// assert_eq!(length.get().await.unwrap(), 4);
    /// # });
    /// ```
    fn map<U, F>(self, f: F) -> Map<Self, F>
    where
        F: Fn(Self::Output) -> U,
    {
        Map { decoder: self, f }
    }
}

impl<D: Decoder> DecoderExt for D {}
