//! The events of one step, position by position.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on memory whose size is checked once a step.

use super::super::tile::{Instructions, LANES};

/// For each set of eight lanes, those that are in it, in order.
#[cfg(target_arch = "x86_64")]
static ORDERS: [[u8; 8]; 256] = {
    let mut orders = [[0; 8]; 256];
    let mut set = 0;
    while set < 256 {
        let (mut lane, mut count) = (0, 0);
        while lane < 8 {
            if set >> lane & 1 == 1 {
                orders[set][count] = lane;
                count += 1;
            }
            lane += 1;
        }
        set += 1;
    }
    orders
};

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
    /// Whether events have values; else all are 1.
    graded: bool,
    /// One an event, if they have any; there may be more room.
    values: Vec<f32>,
    /// Where the events of each position and group begin, and the end.
    starts: Vec<u32>,
}

impl EventList {
    /// Number of events.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Bytes that it holds.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        4 * (self.elements.capacity() + self.values.capacity() + self.starts.capacity())
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
        self.graded = false;
        self.reserve(words.len() * LANES);
        match instructions {
            // SAFETY: the instructions are there: this variant is only made where they were detected. There is room for
            // sixteen elements behind those of each word.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe { self.avx512(words) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => unsafe { self.avx2(words) },
            Instructions::Portable => self.portable(words),
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

    /// # Safety
    /// The machine has AVX2; `elements` has room for a vector more than there are spikes.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,popcnt")]
    unsafe fn avx2(&mut self, words: &[u16]) {
        use std::arch::x86_64::{
            _mm_loadl_epi64, _mm256_add_epi32, _mm256_cvtepu8_epi32, _mm256_mullo_epi32, _mm256_permutevar8x32_epi32,
            _mm256_set1_epi32, _mm256_setr_epi32, _mm256_storeu_si256,
        };
        let padded = self.channels.div_ceil(LANES);
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        let lanes = _mm256_mullo_epi32(lanes, _mm256_set1_epi32(self.scale as i32));
        let (mut word, mut first) = (0, 0u32);
        while word < words.len() {
            let mut element = first;
            let end = (word + padded / self.groups).min(words.len());
            while word < end {
                for half in [words[word] as u8, (words[word] >> 8) as u8] {
                    let all = _mm256_add_epi32(lanes, _mm256_set1_epi32(element as i32));
                    // SAFETY: an order is eight bytes; the rest is this function's contract.
                    unsafe {
                        let order = _mm_loadl_epi64(ORDERS[usize::from(half)].as_ptr().cast());
                        let place = self.elements.as_mut_ptr().add(self.count);
                        let chosen = _mm256_permutevar8x32_epi32(all, _mm256_cvtepu8_epi32(order));
                        _mm256_storeu_si256(place.cast(), chosen);
                    }
                    self.count += half.count_ones() as usize;
                    element = element.wrapping_add(LANES as u32 / 2 * self.scale);
                }
                word += 1;
            }
            self.starts.push(self.count as u32);
            first = first.wrapping_add((self.channels / self.groups) as u32 * self.scale);
        }
    }

    /// Takes values, `channels` and their padding for each position; zeros are no events.
    pub(super) fn take_values(
        &mut self,
        instructions: Instructions,
        values: &[f32],
        channels: usize,
        groups: usize,
        scale: u32,
    ) {
        self.clear(channels, groups, scale);
        self.graded = true;
        self.reserve(values.len());
        if self.values.len() < self.elements.len() {
            self.values.resize(self.elements.len(), 0.0);
        }
        let words = channels.div_ceil(LANES) / groups;
        for (position, values) in values.chunks_exact(channels.next_multiple_of(LANES)).enumerate() {
            for (group, values) in values.chunks_exact(words * LANES).enumerate() {
                let first = (position * channels + group * words * LANES) as u32;
                match instructions {
                    // SAFETY: the instructions are there: these variants are only made where they were detected. There
                    // is room for a vector behind as many elements and values as there are here.
                    #[cfg(target_arch = "x86_64")]
                    Instructions::Avx512 | Instructions::Avx2 => unsafe { self.values_avx2(values, first) },
                    Instructions::Portable => self.portable_values(values, first),
                }
                self.starts.push(self.count as u32);
            }
        }
    }

    /// Takes the values of a position and group, whose first has number `first`.
    fn portable_values(&mut self, values: &[f32], first: u32) {
        for (element, &value) in (first..).zip(values).filter(|(_, value)| **value != 0.0) {
            self.elements[self.count] = element.wrapping_mul(self.scale);
            self.values[self.count] = value;
            self.count += 1;
        }
    }

    /// # Safety
    /// The machine has AVX2; `elements` and `values` have room for a vector more than there are values.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,popcnt")]
    unsafe fn values_avx2(&mut self, values: &[f32], first: u32) {
        use std::arch::x86_64::{
            _CMP_NEQ_UQ, _mm_loadl_epi64, _mm256_add_epi32, _mm256_cmp_ps, _mm256_cvtepu8_epi32, _mm256_loadu_ps,
            _mm256_movemask_ps, _mm256_mullo_epi32, _mm256_permutevar8x32_epi32, _mm256_permutevar8x32_ps,
            _mm256_set1_epi32, _mm256_setr_epi32, _mm256_setzero_ps, _mm256_storeu_ps, _mm256_storeu_si256,
        };
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        let lanes = _mm256_mullo_epi32(lanes, _mm256_set1_epi32(self.scale as i32));
        let mut element = first.wrapping_mul(self.scale);
        for values in values.chunks_exact(LANES / 2) {
            // SAFETY: there are eight values, an order is eight bytes; the rest is this function's contract.
            unsafe {
                let x = _mm256_loadu_ps(values.as_ptr());
                let some = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NEQ_UQ>(x, _mm256_setzero_ps())) as u8;
                let order = _mm256_cvtepu8_epi32(_mm_loadl_epi64(ORDERS[usize::from(some)].as_ptr().cast()));
                let all = _mm256_add_epi32(lanes, _mm256_set1_epi32(element as i32));
                let place = self.elements.as_mut_ptr().add(self.count);
                _mm256_storeu_si256(place.cast(), _mm256_permutevar8x32_epi32(all, order));
                _mm256_storeu_ps(self.values.as_mut_ptr().add(self.count), _mm256_permutevar8x32_ps(x, order));
                self.count += some.count_ones() as usize;
            }
            element = element.wrapping_add(LANES as u32 / 2 * self.scale);
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
        self.starts.clear();
        self.starts.push(0);
    }

    /// The elements, with a vector of room behind them; their values (empty: all 1); and where positions begin.
    pub(super) fn parts(&self) -> (&[u32], &[f32], &[u32]) {
        let values = if self.graded { &self.values[..self.count] } else { &[] };
        (&self.elements, values, &self.starts)
    }

    /// Calls `f(channel, value)` for each event of a position.
    pub(super) fn for_each_at(&self, position: usize, mut f: impl FnMut(usize, f32)) {
        let (_, values, _) = self.parts();
        let start = |position: usize| self.starts[position * self.groups] as usize;
        for i in start(position)..start(position + 1) {
            let channel = (self.elements[i] / self.scale) as usize - position * self.channels;
            f(channel, values.get(i).copied().unwrap_or(1.0));
        }
    }
}
