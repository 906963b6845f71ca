//! The positions of the log: the numbers of the last changes, by rising number, each with the slot of its entry.
//!
//! A position that is struck out stays as a hole. If there are more holes than entries, the list is rewritten without
//! them: a part after each step, since nobody may wait while a million positions are.

use std::ops::Range;

/// A position that was struck out.
const STRUCK: u32 = u32::MAX;

/// So few holes are not worth a rewrite.
const FEW: usize = 64;

/// How many positions a rewrite goes through at a time, and for each one that was struck out.
const PART: usize = 256;
const PER_STRIKE: usize = 4;

#[derive(Debug)]
pub(super) struct Positions {
    list: Vec<Position>,
    /// A rewrite is under way: what it has left is before the gap, and what it has to go through is behind it. The gap
    /// has holes only, and their numbers mean nothing.
    gap: Range<usize>,
    /// How many were struck out since the last part of a rewrite.
    struck: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    pub(super) number: u64,
    pub(super) slot: u32,
}

impl Positions {
    pub(super) const fn new() -> Self {
        Self { list: Vec::new(), gap: 0..0, struck: 0 }
    }

    /// The place behind the newest position.
    pub(super) fn end(&self) -> usize {
        self.list.len()
    }

    /// Appends a position, and says its place.
    pub(super) fn push(&mut self, number: u64, slot: u32) -> u32 {
        let place = u32::try_from(self.list.len()).ok().filter(|place| *place < STRUCK);
        self.list.push(Position { number, slot });
        place.unwrap_or_else(|| {
            unreachable!("a log this long needs hundreds of gigabytes of entries")
        })
    }

    pub(super) fn strike(&mut self, place: u32) {
        self.list[place as usize].slot = STRUCK;
        self.struck += 1;
    }

    /// By rising number.
    pub(super) fn iter(&self) -> impl Iterator<Item = Position> {
        self.list.iter().copied().filter(|position| position.slot != STRUCK)
    }

    /// The first position behind `number`, and its place. `hint` may be the place behind the position of `number`.
    pub(super) fn next(&self, number: u64, hint: usize) -> Option<(usize, Position)> {
        let start = if self.is_behind(number, hint) { hint } else { self.search(number) };
        let front = self.list.get(start..self.gap.start).unwrap_or_default();
        let back = start.max(self.gap.end);
        let places = (start..).zip(front).chain((back..).zip(&self.list[back..]));
        let mut places = places.map(|(place, position)| (place, *position));
        places.find(|(_, position)| position.slot != STRUCK)
    }

    /// Whether this is the first place with a larger number.
    fn is_behind(&self, number: u64, place: usize) -> bool {
        if place > self.list.len() || (self.gap.start..=self.gap.end).contains(&place) {
            return false;
        }
        let before = place.checked_sub(1).map(|before| self.list[before].number);
        let at = self.list.get(place).map(|position| position.number);
        before.is_none_or(|before| before <= number) && at.is_none_or(|at| at > number)
    }

    fn search(&self, number: u64) -> usize {
        let is_before = |position: &Position| position.number <= number;
        let back = &self.list[self.gap.end..];
        if back.first().is_some_and(is_before) {
            return self.gap.end + back.partition_point(is_before);
        }
        self.list[..self.gap.start].partition_point(is_before)
    }

    /// Goes on with a rewrite, or begins one if there are more holes than `entries`. `moved` gets the slots whose
    /// positions have other places now. Returns whether a rewrite ended.
    pub(super) fn settle(&mut self, entries: usize, mut moved: impl FnMut(u32, u32)) -> bool {
        if self.gap.is_empty() && self.list.len() <= 2 * entries + FEW {
            self.struck = 0;
            return false;
        }
        let part = PART + PER_STRIKE * std::mem::take(&mut self.struck);
        let Range { start: mut to, end: from } = self.gap;
        let until = self.list.len().min(from + part);
        for at in from..until {
            let position = self.list[at];
            if position.slot == STRUCK {
                continue;
            }
            self.list[at].slot = STRUCK;
            self.list[to] = position;
            if at != to {
                moved(position.slot, u32::try_from(to).unwrap_or(STRUCK));
            }
            to += 1;
        }
        self.gap = to..until;
        if until < self.list.len() {
            return false;
        }
        self.list.truncate(to);
        self.gap = 0..0;
        shrink(&mut self.list);
        true
    }

    /// Gives the slots others.
    pub(super) fn change_slots(&mut self, mut change: impl FnMut(u32) -> u32) {
        let taken = self.list.iter_mut().filter(|position| position.slot != STRUCK);
        taken.for_each(|position| position.slot = change(position.slot));
    }
}

/// Gives memory back, if most of it is unused.
pub(super) fn shrink<T>(vec: &mut Vec<T>) {
    if vec.capacity() > 4 * vec.len() + FEW {
        vec.shrink_to(2 * vec.len());
    }
}

#[cfg(all(test, not(event_loom)))]
impl Positions {
    pub(super) fn capacity(&self) -> usize {
        self.list.capacity()
    }

    pub(super) fn has(&self, place: u32, number: u64, slot: u32) -> bool {
        let position = self.list[place as usize];
        (position.number, position.slot) == (number, slot)
    }

    /// How many there are, holes included, but not the gap.
    pub(super) fn len(&self) -> usize {
        self.list.len() - self.gap.len()
    }
}

#[cfg(all(test, not(event_loom)))]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Positions, and the same obviously right.
    struct Run {
        positions: Positions,
        /// By number.
        truth: BTreeMap<u64, u32>,
        /// Number and place of each slot.
        at: Vec<(u64, u32)>,
        newest: u64,
    }

    impl Run {
        fn new(slots: u32) -> Self {
            let mut run = Self {
                positions: Positions::new(),
                truth: BTreeMap::new(),
                at: Vec::new(),
                newest: 0,
            };
            for slot in 0..slots {
                run.at.push((0, 0));
                run.pushes(slot);
            }
            run
        }

        fn pushes(&mut self, slot: u32) {
            self.newest += 1;
            self.at[slot as usize] = (self.newest, self.positions.push(self.newest, slot));
            self.truth.insert(self.newest, slot);
        }

        fn moves(&mut self, slot: u32) {
            let (number, place) = self.at[slot as usize];
            self.positions.strike(place);
            self.truth.remove(&number);
            self.pushes(slot);
        }

        fn settles(&mut self) -> bool {
            let at = &mut self.at;
            self.positions.settle(at.len(), |slot, place| at[slot as usize].1 = place)
        }

        fn is_right(&self, number: u64, hint: usize) {
            let next = self.positions.next(number, hint);
            let next = next.map(|(place, it)| (it.number, it.slot, place));
            let truth = self.truth.range(number + 1..).next();
            let truth =
                truth.map(|(number, slot)| (*number, *slot, self.at[*slot as usize].1 as usize));
            assert_eq!(next, truth, "behind {number}");
        }
    }

    #[test]
    fn a_rewrite_in_parts_keeps_the_order_whatever_moves_meanwhile() {
        const SLOTS: u32 = 3000;
        let mut random = fastrand::Rng::with_seed(1);
        let mut run = Run::new(SLOTS);
        let (mut rewrites, mut in_parts, mut longest) = (0, 0, 0);
        for _ in 0..40_000 {
            for _ in 0..random.usize(1..=2) {
                run.moves(random.u32(..SLOTS));
            }
            rewrites += usize::from(run.settles());
            in_parts += usize::from(!run.positions.gap.is_empty());
            longest = longest.max(run.positions.len());
            run.is_right(random.u64(..=run.newest), random.usize(..=run.positions.end() + 1));
            // As a watcher that took this change last, and one that took the newest.
            let (number, place) = run.at[random.usize(..SLOTS as usize)];
            run.is_right(number, place as usize + 1);
            run.is_right(run.newest, run.positions.end());
        }
        let all = run.positions.iter().map(|it| (it.number, it.slot));
        assert!(all.eq(run.truth.iter().map(|(number, slot)| (*number, *slot))));
        assert!(rewrites > 5 && in_parts > 50, "{rewrites} in {in_parts} parts");
        assert!(longest <= 2 * SLOTS as usize + FEW + 100, "{longest}");
    }

    #[test]
    fn a_step_of_many_changes_pays_for_its_holes() {
        let mut run = Run::new(10_000);
        for _ in 0..20 {
            (0..10_000).for_each(|slot| run.moves(slot));
            run.settles();
            assert!(run.positions.len() <= 3 * 10_000, "{}", run.positions.len());
        }
    }
}
