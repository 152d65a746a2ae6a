//! The events of one step, position by position.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on memory whose size is checked once a step.

use super::super::tile::{Instructions, LANES};

/// Elements of one step's input that are not zero, in order: positions, then channels.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventList {
    /// Channels of a position.
    channels: usize,
    /// Groups of a position's channels.
    groups: usize,
    /// What elements are multiplied by.
    scale: u32,
    /// Position times `channels` plus channel, times `scale`; the vectors that hold the last ones may hold more.
    elements: Vec<u32>,
    count: usize,
    /// One an event; empty where all are 1.
    values: Vec<f32>,
    /// Where the events of each position and group begin, and the end.
    starts: Vec<u32>,
}

impl EventList {
    /// Number of events.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Channels of a position.
    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// What elements are multiplied by.
    pub(super) fn scale(&self) -> u32 {
        self.scale
    }

    /// Takes spikes: a bit for each of the `channels` of a position and its padding.
    pub(super) fn take_spikes(
        &mut self,
        instructions: Instructions,
        words: &[u16],
        channels: usize,
        groups: usize,
        scale: u32,
    ) {
        self.clear(channels, groups, scale);
        self.reserve(words.len() * LANES);
        match instructions {
            // SAFETY: the instructions are there: this variant is only made where they were detected. There is room for
            // sixteen elements behind those of each word.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe { self.avx512(words) },
            _ => self.portable(words),
        }
    }

    fn portable(&mut self, words: &[u16]) {
        let padded = self.channels.div_ceil(LANES);
        for (position, words) in words.chunks_exact(padded).enumerate() {
            for (i, word) in words.iter().enumerate() {
                if i > 0 && i % (padded / self.groups) == 0 {
                    self.starts.push(self.count as u32);
                }
                let mut rest = *word;
                while rest != 0 {
                    let channel = i * LANES + rest.trailing_zeros() as usize;
                    self.elements[self.count] = (position * self.channels + channel) as u32 * self.scale;
                    self.count += 1;
                    rest &= rest - 1;
                }
            }
            self.starts.push(self.count as u32);
        }
    }

    /// # Safety
    /// The machine has AVX-512F; `elements` has room for a vector more than there are spikes.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,popcnt")]
    unsafe fn avx512(&mut self, words: &[u16]) {
        use std::arch::x86_64::{
            _mm512_add_epi32, _mm512_maskz_compress_epi32, _mm512_mullo_epi32, _mm512_set1_epi32, _mm512_setr_epi32,
            _mm512_storeu_si512,
        };
        let padded = self.channels.div_ceil(LANES);
        let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let lanes = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(self.scale as i32));
        let (mut word, mut first) = (0, 0u32);
        while word < words.len() {
            let mut element = first;
            let end = (word + padded / self.groups).min(words.len());
            while word < end {
                let spikes = words[word];
                if spikes != 0 {
                    let all = _mm512_add_epi32(lanes, _mm512_set1_epi32(element as i32));
                    // SAFETY: this function's contract.
                    unsafe {
                        let place = self.elements.as_mut_ptr().add(self.count);
                        _mm512_storeu_si512(place.cast(), _mm512_maskz_compress_epi32(spikes, all));
                    }
                    self.count += spikes.count_ones() as usize;
                }
                element += LANES as u32 * self.scale;
                word += 1;
            }
            self.starts.push(self.count as u32);
            first += (self.channels / self.groups) as u32 * self.scale;
        }
    }

    /// Takes values, `channels` and their padding for each position; zeros are no events.
    pub(super) fn take_values(&mut self, values: &[f32], channels: usize, groups: usize, scale: u32) {
        self.clear(channels, groups, scale);
        self.reserve(values.len());
        for (position, values) in values.chunks_exact(channels.next_multiple_of(LANES)).enumerate() {
            for (i, vector) in values.chunks_exact(LANES).enumerate() {
                if i > 0 && (i * LANES).is_multiple_of(channels.next_multiple_of(LANES) / groups) {
                    self.starts.push(self.count as u32);
                }
                let mut rest = 0u32;
                for (lane, &x) in vector.iter().enumerate() {
                    rest |= u32::from(x != 0.0) << lane;
                }
                while rest != 0 {
                    let lane = rest.trailing_zeros() as usize;
                    self.elements[self.count] = (position * channels + i * LANES + lane) as u32 * scale;
                    self.count += 1;
                    self.values.push(vector[lane]);
                    rest &= rest - 1;
                }
            }
            self.starts.push(self.count as u32);
        }
    }

    /// Makes room for so many elements and a vector more, so that whole vectors can be read and written. What was there is
    /// not cleared.
    fn reserve(&mut self, elements: usize) {
        if self.elements.len() < elements + LANES {
            self.elements.resize(elements + LANES, 0);
        }
    }

    fn clear(&mut self, channels: usize, groups: usize, scale: u32) {
        self.channels = channels;
        self.groups = groups;
        self.scale = scale;
        self.count = 0;
        self.values.clear();
        self.starts.clear();
        self.starts.push(0);
    }

    /// The elements, with a vector of room behind them; their values (empty: all 1); and where positions begin.
    pub(super) fn parts(&self) -> (&[u32], &[f32], &[u32]) {
        (&self.elements, &self.values, &self.starts)
    }

    /// Calls `f(channel, value)` for each event of a position.
    pub(super) fn for_each_at(&self, position: usize, mut f: impl FnMut(usize, f32)) {
        let start = |position: usize| self.starts[position * self.groups] as usize;
        for i in start(position)..start(position + 1) {
            let channel = (self.elements[i] / self.scale) as usize - position * self.channels;
            f(channel, self.values.get(i).copied().unwrap_or(1.0));
        }
    }
}
