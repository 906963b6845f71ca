//! YAML documents.
//!
//! Why `serde-saphyr`? It is maintained, has no `unsafe`, and bounds what a document may expand to. The
//! forks of `serde_yaml` are built on a translation of libyaml from C.

mod parser_error;

use std::marker::PhantomData;

use event_core::{Bytes, Decoder, Error, ErrorKind};
use serde::de::DeserializeOwned;
use serde_saphyr::with_deserializer_from_str_with_options as with_deserializer;
use serde_saphyr::{Options, budget, from_str_with_options, options};

use self::parser_error::explain;
use crate::of_type::of_type;
use crate::tracked::{ErrorSlot, Expectation, Format, Position, TrackedDeserializer, TrackedError};
use crate::utf8::text;

/// Decodes the bytes as a YAML document of type `T`.
///
/// The bytes must be one document of YAML 1.2. Empty bytes are the document `null`.
///
/// The decoder bounds what aliases can make of a small document: aliases included, one may have 250,000 nodes, 64 MiB of
/// text, and a depth of 64. A document with more does not decode, and neither does one in which a key occurs twice in a
/// map.
///
/// A watcher waits for a key that was never seen. If a key that exists is deleted, the watcher yields an
/// error of kind [`ErrorKind::Deleted`], at most once.
///
/// ```
/// use event_codec::Yaml;
/// use event_core::{Entry, MemoryValue, ReaderExt, ValueWriter};
///
/// #[derive(Clone, serde::Deserialize)]
/// struct Config {
///     ports: Vec<u16>,
/// }
///
/// # futures_executor::block_on(async {
/// let key = MemoryValue::new(Entry::present("config", 1, "ports: [5432]\n"));
/// let config = key.reader().decode(Yaml::<Config>::new());
/// assert_eq!(config.get().await.unwrap().ports, [5432]);
///
/// key.set(Entry::present("config", 2, "ports:\n- hunter2\n"));
/// assert_eq!(
///     config.get().await.err().unwrap().to_string(),
///     "key `config` at revision 2: ports[0]: \
///      invalid value: scalar, expected u16 at line 2 column 3",
/// );
/// # });
/// ```
///
/// # Errors
///
/// Bytes that are not UTF-8, not YAML, or not a `T`, are an error of kind [`ErrorKind::Decode`]. It says
/// what the error of [`Json`](crate::Json#errors) says, and never prints the data, unless you call
/// [`reveal`](Self::reveal).
///
/// # Cost
///
/// A document that does not decode is decoded twice, the second time to find the place.
pub struct Yaml<T> {
    reveal: bool,
    of: PhantomData<fn() -> T>,
}

impl<T> Yaml<T> {
    /// A decoder of documents of type `T`.
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// use event_codec::Yaml;
    /// use event_core::{Bytes, Decoder};
    ///
    /// let ports = Yaml::<HashMap<String, u16>>::new().decode(&Bytes::from("db: 5432")).unwrap();
    /// assert_eq!(ports["db"], 5432);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { reveal: false, of: PhantomData }
    }

    /// Lets errors contain the data: the words of serde and of the type, and the names in the document. Use
    /// it for keys that hold no secret.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use std::net::IpAddr;
    ///
    /// use event_codec::Yaml;
    /// use event_core::{Bytes, Decoder};
    ///
    /// let decoder = Yaml::<HashMap<String, IpAddr>>::new().reveal();
    /// assert_eq!(
    ///     decoder.decode(&Bytes::from("db: localhost")).unwrap_err().to_string(),
    ///     "db: invalid IP address syntax at line 1, column 5",
    /// );
    /// ```
    #[must_use]
    pub const fn reveal(self) -> Self {
        Self { reveal: true, ..self }
    }

    /// Says why a document is not a `T`.
    fn error(self, document: &str) -> TrackedError
    where
        T: DeserializeOwned,
    {
        let slot = ErrorSlot::new(Format { explain, position: |_| None }, self.reveal);
        let decoded = with_deserializer(document, bounded(), |inner| {
            let decoded = T::deserialize(TrackedDeserializer { inner, slot: &slot });
            decoded.map(drop).map_err(|error| slot.stash(error))
        });
        let error = decoded.map_err(|error| slot.restore(&error, Expectation::UNKNOWN));
        // If the type accepts the second time what it refused the first time, nothing else is known.
        error.err().unwrap_or_else(TrackedError::refused).refused_by::<T>()
    }
}

impl<T: DeserializeOwned> Decoder for Yaml<T> {
    type Output = T;

    fn decode(&self, bytes: &Bytes) -> Result<T, Error> {
        let document = text(bytes)?;
        from_str_with_options(document, bounded()).map_err(|theirs| {
            let error = self.error(document);
            // Without `reveal`, the error of serde-saphyr is dropped: it may contain the data.
            let error = if self.reveal {
                error.reveal(theirs.to_string())
            } else {
                error.at(position(&theirs))
            };
            Error::new(ErrorKind::Decode, error.to_string())
        })
    }
}

of_type!(Yaml);

/// The line and the column, if `serde-saphyr` knows them.
fn position(error: &serde_saphyr::Error) -> Option<Position> {
    let at = error.location()?;
    Some((at.line().try_into().ok()?, at.column().try_into().ok()?))
}

/// The bounds of the docs of [`Yaml`]. Without a snippet, an error of serde-saphyr is one line.
fn bounded() -> Options {
    options! {
        budget: budget! {
            max_nodes: 250_000,
            max_total_scalar_bytes: 64 << 20,
            max_depth: 64,
        },
        with_snippet: false,
    }
}
