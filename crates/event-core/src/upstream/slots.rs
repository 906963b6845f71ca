//! The ids of keys and maps: dense, so that what belongs to a key lies in a vector, at the key's slot.

use std::num::NonZeroU32;

/// A key or a map that programs watch, for as long as they do. Keys and maps share the ids.
///
/// A slot is used again. The generation tells the uses apart, so an answer that concerns an earlier one
/// finds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    /// A small number: at most as many slots are used as keys and maps were watched at the same time.
    pub slot: u32,
    /// Which use of the slot it is. Not zero, so that an id that may be missing takes no more memory.
    pub generation: NonZeroU32,
}

type Generation = NonZeroU32;

/// Gives ids out, and takes them back. An upstream has its own; this is for a test of a backend.
#[derive(Debug, Default)]
pub struct Ids {
    /// The last id of each slot that is free.
    free: Vec<KeyId>,
    /// The first slot that was never used.
    unused: u32,
}

impl Ids {
    /// An id that nothing has now.
    pub fn take(&mut self) -> KeyId {
        if let Some(KeyId { slot, generation }) = self.free.pop() {
            return KeyId {
                slot,
                generation: generation.checked_add(1).unwrap_or(Generation::MIN),
            };
        }
        let slot = self.unused;
        self.unused += 1;
        KeyId { slot, generation: Generation::MIN }
    }

    /// Returns an id whose key or map is gone.
    pub fn give_back(&mut self, id: KeyId) {
        self.free.push(id);
    }
}

/// A table of what belongs to keys, for backends with many of them. To find a key takes no hash.
///
/// A map of [`KeyId`] does as well.
#[derive(Debug)]
pub struct Slots<T> {
    values: Vec<Option<T>>,
    /// Beside the values and not within them, where they would take twice the memory.
    generations: Vec<Generation>,
    len: usize,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { values: Vec::new(), generations: Vec::new(), len: 0 }
    }
}

impl<T> Slots<T> {
    /// Takes the slot of `id`, from an earlier generation if need be.
    pub fn insert(&mut self, id: KeyId, value: T) {
        let slot = id.slot as usize;
        if self.values.len() <= slot {
            self.values.resize_with(slot + 1, || None);
            self.generations.resize(slot + 1, id.generation);
        }
        self.generations[slot] = id.generation;
        if self.values[slot].replace(value).is_none() {
            self.len += 1;
        }
    }

    /// Takes out what belongs to `id`, if the key is there.
    pub fn remove(&mut self, id: KeyId) -> Option<T> {
        let value = self.slot_of(id)?.take()?;
        self.len -= 1;
        Some(value)
    }

    /// What belongs to `id`, if the key is there.
    #[must_use]
    pub fn get(&self, id: KeyId) -> Option<&T> {
        let slot = id.slot as usize;
        let value = self.values.get(slot)?.as_ref()?;
        (self.generations[slot] == id.generation).then_some(value)
    }

    /// What belongs to `id`, if the key is there, to be changed.
    pub fn get_mut(&mut self, id: KeyId) -> Option<&mut T> {
        self.slot_of(id)?.as_mut()
    }

    /// The id of the key that has this slot now.
    #[must_use]
    pub fn id_at(&self, slot: u32) -> Option<KeyId> {
        self.values.get(slot as usize)?.as_ref()?;
        Some(KeyId { slot, generation: self.generations[slot as usize] })
    }

    /// In the order of the slots.
    pub fn iter(&self) -> impl Iterator<Item = (KeyId, &T)> {
        let ids = (0..).zip(&self.generations);
        ids.zip(&self.values).filter_map(|((slot, generation), value)| {
            Some((KeyId { slot, generation: *generation }, value.as_ref()?))
        })
    }

    /// In the order of the slots.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.values.iter_mut().flatten()
    }

    /// In the order of the slots.
    pub fn into_values(self) -> impl Iterator<Item = T> {
        self.values.into_iter().flatten()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    fn slot_of(&mut self, id: KeyId) -> Option<&mut Option<T>> {
        let slot = id.slot as usize;
        let value = self.values.get_mut(slot)?;
        (self.generations[slot] == id.generation).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_used_again_and_its_earlier_id_finds_nothing() {
        let (mut ids, mut slots) = (Ids::default(), Slots::default());
        let (first, second) = (ids.take(), ids.take());
        slots.insert(first, "first");
        slots.insert(second, "second");
        assert_eq!(slots.remove(first), Some("first"));
        ids.give_back(first);
        let third = ids.take();
        assert_eq!(third.slot, first.slot);
        slots.insert(third, "third");
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.remove(first), None);
        assert_eq!((slots.get(third), slots.id_at(first.slot)), (Some(&"third"), Some(third)));
        assert_eq!(slots.iter().map(|(id, _)| id).collect::<Vec<_>>(), [third, second]);
    }
}
