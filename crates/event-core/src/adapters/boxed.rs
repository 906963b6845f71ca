//! `boxed`: a reader whose type is erased.

use crate::{BoxWatcher, Refresh, ValueReader};

/// A reader that boxes its watchers, so that its own type can be erased.
///
/// [`ReaderExt::boxed`](crate::ReaderExt::boxed) makes one.
#[derive(Debug, Clone)]
pub struct Boxed<R>(pub(crate) R);

impl<T, R> ValueReader<T> for Boxed<R>
where
    R: ValueReader<T>,
    R::Watcher: Send + 'static,
{
    type Watcher = BoxWatcher<T>;

    fn watch(&self) -> Self::Watcher {
        Box::new(self.0.watch())
    }

    fn refresh(&self) -> Refresh {
        self.0.refresh()
    }
}
