//! Which keys of a store a map has.

use bytes::Bytes;

use crate::{Entry, EntryState};

/// Which keys of a store a map has: those that begin with a prefix, or those between two keys.
///
/// A map names its keys *relative* to the prefix: [`prefix("services/")`](Self::prefix) has the key `services/a` as `a`.
/// A range [`between`](Self::between) two keys has no prefix, so its keys are whole.
///
/// [`keys_only`](Self::keys_only) leaves out the values.
///
/// Two ranges are equal if they have the same keys under the same names, and both have the values or neither has. A
/// backend reads and watches equal ranges once.
///
/// ```
/// use event_core::KeyRange;
///
/// let services = KeyRange::folder("services");
/// assert_eq!(services, KeyRange::prefix("services/"));
/// assert!(services.contains(b"services/a") && services.contains(b"services/a/b"));
/// assert!(!services.contains(b"services2/a"));
/// assert_eq!(services.relative(&"services/a".into()).unwrap(), "a");
/// assert!(!services.one_level().contains(b"services/a/b"));
/// ```
///
/// # For implementors
///
/// A backend asks its server for the keys from [`start`](Self::start) up to, but without,
/// [`end`](Self::end). If it is built on the kit (feature `upstream`), the kit leaves out what
/// [`one_level`](Self::one_level) excludes and the values of a range of [`keys_only`](Self::keys_only), and
/// an [empty](Self::is_empty) range never reaches the backend.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyRange {
    /// Every key in the range begins with it.
    prefix: Bytes,
    start: Bytes,
    /// The first key after the range. `None`: every key from `start` on.
    end: Option<Bytes>,
    is_one_level: bool,
    is_keys_only: bool,
}

impl KeyRange {
    /// The keys that begin with `prefix`, taken as it is: `serv` has `services/a`, too. The key that equals the prefix
    /// belongs to the range, under an empty name. An empty prefix is [`all`](Self::all).
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let prefix = prefix.into();
        let end = after(&prefix);
        Self { end, start: prefix.clone(), prefix, is_one_level: false, is_keys_only: false }
    }

    /// The keys under a path: `name`, with a `/` after it unless it has one, as a [`prefix`](Self::prefix). So
    /// `services` and `services/` are the same, and neither has `services2/a`. An empty name is [`all`](Self::all).
    pub fn folder(name: impl AsRef<[u8]>) -> Self {
        match name.as_ref() {
            name if name.is_empty() || name.ends_with(b"/") => {
                Self::prefix(Bytes::copy_from_slice(name))
            }
            name => Self::prefix([name, b"/"].concat()),
        }
    }

    /// The keys from `start` up to, but without, `end`. An empty `end` is no end. The map has them under
    /// their whole names.
    ///
    /// If `end` is not greater than `start`, the range [is empty](Self::is_empty): a map of it has no key, and is
    /// synced at once.
    pub fn between(start: impl Into<Bytes>, end: impl Into<Bytes>) -> Self {
        let end = Some(end.into()).filter(|end| !end.is_empty());
        Self { start: start.into(), end, ..Self::all() }
    }

    /// All keys.
    #[must_use]
    pub fn all() -> Self {
        Self::prefix(Bytes::new())
    }

    /// Leaves out the keys that have a `/` after the prefix: `services/` then has `services/a`, and not `services/a/b`.
    #[must_use]
    pub fn one_level(self) -> Self {
        Self { is_one_level: true, ..self }
    }

    /// Leaves out the values: an entry has its key, its revision and its [metadata](crate::Metadata), and an empty value.
    ///
    /// Use it if you want to know which keys there are, or that one was written, and the values are large. The values are
    /// neither kept nor read from files. An etcd does not send them when it is read, but with each later change, since a
    /// watch of etcd can't leave them out. A decoder would get empty bytes: don't `decode` such a map.
    ///
    /// ```
    /// use event_core::{KeyRange, MapReaderExt, MemoryStore, Store};
    ///
    /// # futures_executor::block_on(async {
    /// let store = MemoryStore::new();
    /// store.set("images/a.png", vec![0; 1 << 20]);
    /// let names = store.range(KeyRange::folder("images").keys_only()).snapshot().await.unwrap();
    /// let entry = names.get(&b"a.png"[..]).unwrap();
    /// assert_eq!((entry.value().unwrap().len(), entry.revision()), (0, Some(1)));
    /// # });
    /// ```
    #[must_use]
    pub fn keys_only(self) -> Self {
        Self { is_keys_only: true, ..self }
    }

    /// The same range in a namespace: `namespace` stands in front of each key in the store, and not in front of its
    /// name in the map.
    ///
    /// ```
    /// use event_core::KeyRange;
    ///
    /// let range = KeyRange::between("a", "c").within("app/");
    /// assert!(range.contains(b"app/b") && !range.contains(b"app/c") && !range.contains(b"b"));
    /// assert_eq!(range.relative(&"app/b".into()).unwrap(), "b");
    /// ```
    #[must_use]
    pub fn within(self, namespace: impl AsRef<[u8]>) -> Self {
        let namespace = namespace.as_ref();
        let full = |key: &Bytes| Bytes::from([namespace, key].concat());
        let end = self.end.as_ref().map(full).or_else(|| after(namespace));
        Self { prefix: full(&self.prefix), start: full(&self.start), end, ..self }
    }

    /// What every key in the range begins with, and a map leaves out of its names. Empty for a range
    /// [`between`](Self::between) two keys that is in no namespace.
    #[must_use]
    pub fn as_prefix(&self) -> &Bytes {
        &self.prefix
    }

    /// The first key that may be in the range.
    #[must_use]
    pub fn start(&self) -> &Bytes {
        &self.start
    }

    /// The first key after the range. `None` if there is none: every key from [`start`](Self::start) on may be in it.
    #[must_use]
    pub fn end(&self) -> Option<&Bytes> {
        self.end.as_ref()
    }

    /// Whether keys with a `/` after the prefix are left out.
    #[must_use]
    pub fn is_one_level(&self) -> bool {
        self.is_one_level
    }

    /// Whether the values are left out.
    #[must_use]
    pub fn is_keys_only(&self) -> bool {
        self.is_keys_only
    }

    /// Whether no key can be in the range.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }

    /// Whether this key is in the range.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        let is_between =
            key >= &self.start[..] && self.end.as_ref().is_none_or(|end| key < &end[..]);
        let name = key.strip_prefix(&self.prefix[..]);
        is_between && name.is_some_and(|name| !(self.is_one_level && name.contains(&b'/')))
    }

    /// The name that a map has for this key: the key without the prefix. `None` if the key is not in the range.
    #[must_use]
    pub fn relative(&self, key: &Bytes) -> Option<Bytes> {
        self.contains(key).then(|| key.slice(self.prefix.len()..))
    }

    /// What a map of the range has of a version.
    pub(crate) fn entry(&self, mut entry: Entry) -> Entry {
        match &mut entry.state {
            EntryState::Present { value, .. } if self.is_keys_only => *value = Bytes::new(),
            _ => {}
        }
        entry
    }
}

/// The first key after all that begin with `prefix`, if there is one.
fn after(prefix: &[u8]) -> Option<Bytes> {
    let last = prefix.iter().rposition(|byte| *byte < 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end.into())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Keys at the boundaries of each other's ranges.
    const KEYS: [&[u8]; 16] = [
        b"",
        b"\0",
        b"a",
        b"a\0",
        b"a.",
        b"a/",
        b"a/\0",
        b"a/b",
        b"a/b/c",
        b"a/\xff",
        b"a0",
        b"ab",
        b"b",
        b"\xfe\xff",
        b"\xff",
        b"\xff\xff",
    ];

    fn has(range: &KeyRange) -> Vec<&'static [u8]> {
        KEYS.into_iter().filter(|key| range.contains(key)).collect()
    }

    #[test]
    fn a_prefix_has_what_begins_with_it_and_its_end_says_the_same() {
        for prefix in KEYS {
            let range = KeyRange::prefix(prefix);
            let begins: Vec<_> = KEYS.into_iter().filter(|key| key.starts_with(prefix)).collect();
            assert_eq!(has(&range), begins, "{range:?}");
            let end = range.end();
            let between = KEYS
                .into_iter()
                .filter(|key| *key >= &range.start()[..] && end.is_none_or(|end| *key < &end[..]));
            assert_eq!(between.collect::<Vec<_>>(), begins, "{range:?}");
        }
    }

    #[test]
    fn the_end_of_a_prefix_is_the_next_key_of_the_same_length_or_shorter() {
        let end = |prefix: &'static [u8]| KeyRange::prefix(prefix).end().cloned();
        assert_eq!(end(b"a/").unwrap(), "a0");
        assert_eq!(end(b"a\xff").unwrap(), "b");
        assert_eq!(end(b"a\xff\xff").unwrap(), "b");
        assert_eq!(end(b"a\xfe").unwrap(), &b"a\xff"[..]);
        assert_eq!(end(b"\0").unwrap(), &b"\x01"[..]);
        assert_eq!((end(b"\xff"), end(b"\xff\xff"), end(b"")), (None, None, None));
    }

    #[test]
    fn a_folder_ends_at_its_slash() {
        assert_eq!(KeyRange::folder("a"), KeyRange::prefix("a/"));
        assert_eq!(KeyRange::folder("a/"), KeyRange::prefix("a/"));
        assert_eq!(KeyRange::folder("/"), KeyRange::prefix("/"));
        assert_eq!(KeyRange::folder(""), KeyRange::all());
        let expected: [&[u8]; 5] = [b"a/", b"a/\0", b"a/b", b"a/b/c", b"a/\xff"];
        assert_eq!(has(&KeyRange::folder("a")), expected);
        assert_eq!(has(&KeyRange::all()), KEYS);
    }

    #[test]
    fn one_level_leaves_out_what_has_a_slash_after_the_prefix() {
        let expected: [&[u8]; 4] = [b"a/", b"a/\0", b"a/b", b"a/\xff"];
        assert_eq!(has(&KeyRange::folder("a").one_level()), expected);
        let top = has(&KeyRange::all().one_level());
        assert_eq!(top, KEYS.into_iter().filter(|key| !key.contains(&b'/')).collect::<Vec<_>>());
        assert_eq!(has(&KeyRange::between("a/", "a0").one_level()), [b""; 0]);
    }

    #[test]
    fn a_key_is_named_without_the_prefix() {
        let relative = |range: &KeyRange, key: &'static [u8]| range.relative(&key.into());
        let folder = KeyRange::folder("a");
        assert_eq!(relative(&folder, b"a/b/c").unwrap(), "b/c");
        assert_eq!(relative(&folder, b"a/").unwrap(), "");
        assert_eq!(relative(&folder, b"a0"), None);
        assert_eq!(relative(&folder.one_level(), b"a/b/c"), None);
        assert_eq!(relative(&KeyRange::between("a", "b"), b"a/b").unwrap(), "a/b");
        assert_eq!(relative(&KeyRange::all(), b"a/b").unwrap(), "a/b");
    }

    #[test]
    fn a_range_of_the_keys_only_has_the_same_keys_and_is_another_range() {
        let full = KeyRange::folder("a").one_level();
        let keys_only = full.clone().keys_only();
        assert_eq!(has(&keys_only), has(&full));
        assert_ne!(keys_only, full);
        assert_eq!(keys_only, KeyRange::folder("a").keys_only().one_level());
        assert!(keys_only.within("b").is_keys_only() && !full.within("b").is_keys_only());
        assert!(!KeyRange::between("a", "b").is_keys_only());
        assert_eq!(HashSet::from([KeyRange::all(), KeyRange::all().keys_only()]).len(), 2);
    }

    #[test]
    fn an_inverted_range_is_empty() {
        for (start, end) in [("b", "a"), ("a", "a")] {
            let range = KeyRange::between(start, end);
            assert!(range.is_empty() && range.clone().within("x/").is_empty());
            assert_eq!(has(&range), [b""; 0]);
        }
        let open = KeyRange::between("b", "");
        assert!(!open.is_empty() && open.end().is_none());
        assert_eq!(has(&open), [&b"b"[..], b"\xfe\xff", b"\xff", b"\xff\xff"]);
    }

    #[test]
    fn a_range_within_a_namespace_has_the_same_names() {
        let ranges = [
            KeyRange::all(),
            KeyRange::prefix("a"),
            KeyRange::prefix(&b"\xff"[..]),
            KeyRange::folder("a").one_level(),
            KeyRange::between("a/", "b"),
            KeyRange::between("a/", ""),
        ];
        for range in ranges {
            for namespace in [&b"ns/"[..], b"n\xff", b"\xff\xff", b""] {
                let inner = range.clone().within(namespace);
                assert_eq!(
                    inner,
                    range
                        .clone()
                        .within(&namespace[1.min(namespace.len())..])
                        .within(&namespace[..1.min(namespace.len())]),
                    "namespaces nest"
                );
                for key in KEYS {
                    let full = Bytes::from([namespace, key].concat());
                    let name = range.relative(&Bytes::from_static(key));
                    assert_eq!(inner.relative(&full), name, "{range:?} in {namespace:?}");
                    let is_inside = key.starts_with(namespace);
                    assert!(is_inside || !inner.contains(key), "{inner:?} has {key:?}");
                }
            }
        }
    }

    #[test]
    fn equal_ranges_are_one() {
        let same = [KeyRange::folder("a"), KeyRange::prefix("a/"), KeyRange::all().within("a/")];
        assert_eq!(same.into_iter().collect::<HashSet<_>>().len(), 1);
        let folder = KeyRange::folder("a");
        assert_ne!(folder.clone().one_level(), folder);
        assert_ne!(KeyRange::between("a/", "a0"), folder, "the names differ");
    }
}
