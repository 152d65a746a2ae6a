//! Fixed buffers, used again when nobody needs their values any more.

use super::text::{Code, Int};

/// A buffer for values of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot(usize);

/// All buffers of a program.
#[derive(Debug, Default)]
pub(super) struct Memory {
    slots: Vec<(Int, usize)>,
    free: Vec<usize>,
}

impl Memory {
    /// A buffer for `count` values: the free one of this type that fits best, enlarged where none is large enough.
    pub(super) fn take(&mut self, int: Int, count: usize) -> Slot {
        let best = (0..self.free.len()).filter(|&f| self.slots[self.free[f]].0 == int).min_by_key(|&f| {
            let size = self.slots[self.free[f]].1;
            (size < count, size.abs_diff(count))
        });
        let slot = if let Some(f) = best {
            self.free.swap_remove(f)
        } else {
            self.slots.push((int, 0));
            self.slots.len() - 1
        };
        self.slots[slot].1 = self.slots[slot].1.max(count);
        Slot(slot)
    }

    /// Gives a buffer back.
    pub(super) fn give(&mut self, slot: Slot) {
        self.free.push(slot.0);
    }

    /// The name of a buffer.
    pub(super) fn name(slot: Slot) -> String {
        format!("buffer_{}", slot.0)
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.iter().map(|(int, count)| int.bytes() * count).sum()
    }

    /// The buffers' definitions.
    pub(super) fn define(&self, code: &mut Code) {
        for (number, (int, count)) in self.slots.iter().enumerate() {
            code.line(&format!("static {} {}[{count}];", int.name(), Self::name(Slot(number))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_by_values_of_its_type() {
        let mut memory = Memory::default();
        let a = memory.take(Int::U8, 10);
        let b = memory.take(Int::I32, 5);
        memory.give(a);
        memory.give(b);
        assert_eq!(memory.take(Int::I32, 8), b);
        let c = memory.take(Int::U8, 4);
        assert_eq!(c, a);
        assert_ne!(memory.take(Int::U8, 4), a);
        assert_eq!(memory.bytes(), 10 + 8 * 4 + 4);
    }
}
