//! `boxed`: a reader of a map whose type is erased.

use crate::{BoxMapWatcher, MapReader, Refresh};

/// A reader of a map that boxes its watchers, so that its own type can be erased.
///
/// [`MapReaderExt::boxed`](crate::MapReaderExt::boxed) makes one.
#[derive(Debug, Clone)]
pub struct BoxedMap<R>(pub(crate) R);

impl<K, V, R> MapReader<K, V> for BoxedMap<R>
where
    R: MapReader<K, V>,
    R::Watcher: Send + 'static,
{
    type Watcher = BoxMapWatcher<K, V>;

    fn watch(&self) -> Self::Watcher {
        Box::new(self.0.watch())
    }

    fn refresh(&self) -> Refresh {
        self.0.refresh()
    }
}
