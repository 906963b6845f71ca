//! What can be wrong with a value.

/// One bug each. The comments say where [`Value`](super::Value) has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bug {
    /// Right in all.
    None,
    /// Right too: every second poll is pending and wakes its task.
    YieldsNowAndThen,

    /// A new watcher starts with what the last watchers left in a cache.
    StartsWithAStaleVersion,
    /// A refresh completes before the writes have arrived.
    RefreshesTooSoon,
    /// The only watcher takes its 30th version twice.
    RepeatsAVersion,
    /// The only watcher takes an older version after its 30th.
    GoesBack,
    /// Each watcher takes every version.
    QueuesVersions,
    /// Six wakers are kept at once, and the seventh pushes the first out.
    KeepsSixWakers,
    /// A watcher's waker stays the first one.
    WakesTheFirstTask,
    /// Wakers of earlier polls are kept too.
    KeepsEachWaker,
    /// A watcher waits for ever when its reader is gone.
    StopsWithItsReader,
    /// A version counts as taken by the task that it woke.
    LosesWithACancelledGet,
    /// A watcher waits while another one is more than 15 versions behind.
    WaitsForASlowSibling,
    /// A pending poll wakes its task.
    WakesItself,
    /// Each watcher has an upstream of its own.
    HasAnUpstreamForEachWatcher,
    /// The waker is left a moment after the look at the version.
    RegistersTooLate,
    /// The lock is held while other code runs in a poll.
    LocksDuringAPoll,
    /// A poll on another thread goes on while newer versions come.
    TakesUntilTheWriterPauses,
    /// A poll takes an error and says nothing.
    SwallowsErrors,
    /// An error is taken again and again.
    RepeatsErrors,
    /// An error looks like the end.
    EndsWithAnError,
    /// After an error a watcher waits for ever.
    StopsAfterAnError,
    /// A watcher waits for ever when the value has ended.
    ForgetsTheEnd,
    /// The end comes before the last version is taken.
    EndsBeforeTheLastVersion,
    /// The last version comes again after the end.
    OpensAgain,
    /// The last watcher leaves the upstream open.
    HoldsUpstreamForEver,
    /// A dropped watcher leaves its waker behind.
    KeepsTheWakersOfDroppedWatchers,
    /// A poll goes on for ever.
    NeverReturns,
}
