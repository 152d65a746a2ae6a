//! The events of one step, position by position.

use super::super::tile::LANES;

/// Elements of one step's input that are not zero: by position, channels ascending.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventList {
    channels: Vec<u32>,
    /// One an event; empty where all are 1.
    values: Vec<f32>,
    /// Where each position's events begin, and the end.
    starts: Vec<u32>,
}

impl EventList {
    /// Number of events.
    pub(crate) fn len(&self) -> usize {
        self.channels.len()
    }

    /// Number of positions.
    pub(crate) fn positions(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Takes spikes: `words` holds a bit a neuron, `words_a_position` words for each position.
    pub(crate) fn take_spikes(&mut self, words: &[u16], words_a_position: usize) {
        self.clear();
        self.channels.reserve(words.len() * LANES);
        for position in words.chunks_exact(words_a_position) {
            for (word, first) in position.iter().zip((0..).step_by(LANES)) {
                let mut rest = *word;
                while rest != 0 {
                    self.channels.push(first + rest.trailing_zeros());
                    rest &= rest - 1;
                }
            }
            self.starts.push(self.channels.len() as u32);
        }
    }

    /// Takes values, `channels` for each position; zeros are no events.
    pub(crate) fn take_values(&mut self, values: &[f32], channels: usize) {
        self.clear();
        for position in values.chunks_exact(channels) {
            for (vector, first) in position.chunks(LANES).zip((0..).step_by(LANES)) {
                if vector.iter().all(|&x| x == 0.0) {
                    continue;
                }
                for (&x, channel) in vector.iter().zip(first..) {
                    if x != 0.0 {
                        self.channels.push(channel);
                        self.values.push(x);
                    }
                }
            }
            self.starts.push(self.channels.len() as u32);
        }
    }

    fn clear(&mut self) {
        self.channels.clear();
        self.values.clear();
        self.starts.clear();
        self.starts.push(0);
    }

    /// The channels of a position's events, and their values (empty: all 1).
    #[inline]
    pub(super) fn at(&self, position: usize) -> (&[u32], &[f32]) {
        let range = self.starts[position] as usize..self.starts[position + 1] as usize;
        let values = if self.values.is_empty() { &[] } else { &self.values[range.clone()] };
        (&self.channels[range], values)
    }

    /// Calls `f(channel, value)` for each event of a position.
    pub(crate) fn for_each_at(&self, position: usize, mut f: impl FnMut(usize, f32)) {
        let (channels, values) = self.at(position);
        for (i, &channel) in channels.iter().enumerate() {
            f(channel as usize, values.get(i).copied().unwrap_or(1.0));
        }
    }
}
