//! What you call on a decoder.

use std::error::Error as StdError;

use event_core::Decoder;

use crate::{Map, Optional, Or, OrDefault, TryMap, Validate};

/// The methods of every [`Decoder`], closures included. You can't implement it: every decoder has it
/// already.
///
/// A combinator over a decoder is a decoder. It passes on the errors of the inner decoder unchanged. No
/// combinator turns bad bytes into a good value: [`optional`](Self::optional),
/// [`or_default`](Self::or_default) and [`or`](Self::or) replace only a key that does not exist.
pub trait DecoderExt: Decoder + Sized {
    /// Yields `None` for a key that does not exist: as soon as the backend has read that, and whenever the
    /// key is deleted.
    ///
    /// For a key that exists, the value is `Some`, and bytes that do not decode are an error, not `None`.
    ///
    /// If the inner decoder has a value for a missing key, `None` replaces it.
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

    /// Yields the default of the type for a key that does not exist: as soon as the backend has read that,
    /// and whenever the key is deleted.
    ///
    /// Bytes that do not decode are an error, not the default.
    ///
    /// If the inner decoder has a value for a missing key, the default replaces it.
    ///
    /// ```
    /// use event_codec::{DecoderExt, Utf8};
    /// use event_core::{Entry, ErrorKind, MemoryValue, ReaderExt, ValueWriter};
    ///
    /// # futures_executor::block_on(async {
    /// let key = MemoryValue::new(Entry::never_seen("motd"));
    /// let motd = key.reader().decode(Utf8.or_default());
    /// assert_eq!(motd.get().await.unwrap(), "");
    ///
    /// key.set(Entry::present("motd", 1, &b"\xff"[..]));
    /// assert_eq!(motd.get().await.unwrap_err().kind(), ErrorKind::Decode);
    /// # });
    /// ```
    fn or_default(self) -> OrDefault<Self>
    where
        Self::Output: Default,
    {
        OrDefault(self)
    }

    /// Yields a clone of `value` for a key that does not exist: as soon as the backend has read that, and
    /// whenever the key is deleted.
    ///
    /// Bytes that do not decode are an error, not `value`.
    ///
    /// If the inner decoder has a value for a missing key, `value` replaces it.
    ///
    /// ```
    /// use event_codec::{DecoderExt, Utf8};
    /// use event_core::{Entry, MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let key = MemoryValue::new(Entry::never_seen("motd"));
    /// let motd = key.reader().decode(Utf8.or("hello".to_owned()));
    /// assert_eq!(motd.get().await.unwrap(), "hello");
    /// # });
    /// ```
    fn or(self, value: Self::Output) -> Or<Self>
    where
        Self::Output: Clone,
    {
        Or { decoder: self, value }
    }

    /// Refuses values that decode but must not be used.
    ///
    /// `f` checks only values that were decoded from bytes. It does not check the value for a missing
    /// key, which your program chose itself. Therefore `.validate(f).or(value)` and
    /// `.or(value).validate(f)` do the same.
    ///
    /// # Errors
    ///
    /// An error of `f` becomes the source of an error of kind
    /// [`ErrorKind::Invalid`](event_core::ErrorKind::Invalid). The error prints the message of `f` as it
    /// is, so the message must not contain the value.
    ///
    /// ```
    /// use event_codec::{DecoderExt, Utf8};
    /// use event_core::{Entry, ErrorKind, MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let key = MemoryValue::new(Entry::present("motd", 1, ""));
    /// let motd = key.reader().decode(Utf8.validate(|text: &String| match text.as_str() {
    ///     "" => Err("the text is empty"),
    ///     _ => Ok(()),
    /// }));
    /// let error = motd.get().await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Invalid);
    /// assert_eq!(
    ///     format!("{error:#}"),
    ///     "key `motd` at revision 1: validation refused the value: the text is empty",
    /// );
    /// # });
    /// ```
    fn validate<F, E>(self, f: F) -> Validate<Self, F>
    where
        F: Fn(&Self::Output) -> Result<(), E>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        Validate { decoder: self, f }
    }

    /// Maps the value. If the inner decoder has a value for a missing key, `f` maps that value too.
    ///
    /// `f` can't fail: if it returns a `Result`, that `Result` is the value. To refuse a value, use
    /// [`try_map`](Self::try_map) or [`validate`](Self::validate).
    ///
    /// ```
    /// use event_codec::{DecoderExt, Utf8};
    /// use event_core::{Entry, MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let key = MemoryValue::new(Entry::present("name", 1, "etcd"));
    /// let length = key.reader().decode(Utf8.map(|s| s.len()));
    /// assert_eq!(length.get().await.unwrap(), 4);
    /// # });
    /// ```
    fn map<U, F>(self, f: F) -> Map<Self, F>
    where
        F: Fn(Self::Output) -> U,
    {
        Map { decoder: self, f }
    }

    /// Maps the value with a function that can fail.
    ///
    /// If the inner decoder has a value for a missing key, `f` maps that value too. If `f` fails on that value, the
    /// key counts as missing without a default: `get` waits, or returns `Deleted`. To give a default that skips
    /// `f`, call [`.or(…)`](Self::or) after `.try_map(…)`.
    ///
    /// # Errors
    ///
    /// An error of `f` becomes the source of an error of kind
    /// [`ErrorKind::Invalid`](event_core::ErrorKind::Invalid). The error prints the message of `f` as it
    /// is, so the message must not contain the value.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use event_codec::{DecoderExt, Parse};
    /// use event_core::{Entry, MemoryValue, ReaderExt, ValueWriter};
    ///
    /// # futures_executor::block_on(async {
    /// let key = MemoryValue::new(Entry::present("timeout", 1, "2.5"));
    /// let seconds = Parse::<f64>::new();
    /// let timeout = key.reader().decode(seconds.try_map(Duration::try_from_secs_f64));
    /// assert_eq!(timeout.get().await.unwrap(), Duration::from_millis(2500));
    ///
    /// key.set(Entry::present("timeout", 2, "-1"));
    /// assert_eq!(
    ///     format!("{:#}", timeout.get().await.unwrap_err()),
    ///     "key `timeout` at revision 2: the conversion refused the value: \
    ///      cannot convert float seconds to Duration: value is negative",
    /// );
    /// # });
    /// ```
    fn try_map<U, F, E>(self, f: F) -> TryMap<Self, F>
    where
        F: Fn(Self::Output) -> Result<U, E>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        TryMap { decoder: self, f }
    }
}

impl<D: Decoder> DecoderExt for D {}
