use std::collections::HashMap;

use spikeconverter_graph::ops::Conv;
use spikeconverter_graph::{Op, volume};

use super::layout::Layout;
use crate::fan_out::for_each_reading;
use crate::kernels::tile::LANES;
use crate::kernels::vectors::vectorised;
use crate::literal::shape::{Taps, multi_index, plane};

/// A linear operation that keeps channels apart (depthwise convolutions, means and choices of positions): each position of the result
/// adds up positions of the input, element by element, times a row of factors for the channels.
pub(super) struct PositionMap {
    /// Vectors of a position.
    vectors: usize,
    /// Factors, padding included.
    rows: Vec<[f32; LANES]>,
    /// Where the connections of each position of the result begin, and the end.
    starts: Vec<u32>,
    /// Position of the input and row, in order of positions.
    connections: Vec<(u32, u32)>,
}

impl PositionMap {
    /// `op` from its first input, where it is of this kind; `amplitude` multiplies the elements of each channel.
    ///
    /// # Errors
    /// When a factor is too large a number.
    pub(super) fn new(
        op: &Op,
        shape: &[usize],
        output: &[usize],
        amplitude: impl Fn(usize) -> f32,
    ) -> Result<Option<Self>, String> {
        let (from, to) = (Layout::new(shape), Layout::new(output));
        if from.channels != to.channels || u32::try_from(from.inner.max(to.inner)).is_err() {
            return Ok(None);
        }
        Ok(match op {
            Op::Conv(conv) if conv.groups == shape[0] && conv.weight.shape()[1] == 1 => {
                Some(Self::depthwise(conv, shape, output, amplitude)?)
            }
            Op::AvgPool(pool) => {
                let divisor = |to| pool.divisor(&multi_index(output, to)[1..], &shape[1..]);
                Self::means(op, shape, output, |to| f64::from(divisor(to)), amplitude)
            }
            Op::Mean(_) => {
                let count = (volume(shape) / volume(output).max(1)) as f64;
                Self::means(op, shape, output, |_| count, amplitude)
            }
            // the value of padding is part of what the operation gives at rest
            Op::Select(_) | Op::Pad(_) => Self::means(op, shape, output, |_| 1.0, amplitude),
            _ => None,
        })
    }

    fn depthwise(
        op: &Conv,
        shape: &[usize],
        output: &[usize],
        amplitude: impl Fn(usize) -> f32,
    ) -> Result<Self, String> {
        let taps = Taps::new(&op.window);
        let [[height, width], results] = [plane(&shape[1..], 1), plane(&output[1..], 1)];
        let count = taps.kernel[0] * taps.kernel[1];
        let weight = |tap: usize, c: usize| op.weight.data()[c * count + tap] * amplitude(c);
        let mut builder = Builder::new(shape[0]);
        for tap in 0..count {
            builder.row(|c| weight(tap, c));
        }
        if builder.map.rows.iter().flatten().any(|w| !w.is_finite()) {
            return Err("a weight times its input's threshold is too large a number".into());
        }
        for at in 0..results[0] * results[1] {
            for tap in 0..count {
                let y = taps.read(0, at / results[1], tap / taps.kernel[1], height);
                let x = taps.read(1, at % results[1], tap % taps.kernel[1], width);
                if let (Some(y), Some(x)) = (y, x) {
                    builder.map.connections.push(((y * width + x) as u32, tap as u32));
                }
            }
            builder.end();
        }
        Ok(builder.map)
    }

    /// Sums of positions over a divisor for each element of the result, the same for all channels.
    fn means(
        op: &Op,
        shape: &[usize],
        output: &[usize],
        divisor: impl Fn(usize) -> f64,
        amplitude: impl Fn(usize) -> f32,
    ) -> Option<Self> {
        let (from, to) = (Layout::new(shape), Layout::new(output));
        let mut apart = true;
        let mut read: Vec<Vec<u32>> = vec![Vec::new(); to.inner];
        for_each_reading(op, &[shape], output, |_, element, result| {
            apart &= element / from.inner == result / to.inner;
            if apart && result < to.inner {
                read[result].push((element % from.inner) as u32);
            }
        });
        if !apart {
            return None;
        }
        let mut builder = Builder::new(shape[0]);
        let mut rows: HashMap<u64, u32> = HashMap::new();
        for (result, mut read) in read.into_iter().enumerate() {
            let factor = 1.0 / divisor(result);
            let row = *rows
                .entry(factor.to_bits())
                .or_insert_with(|| builder.row(|c| (factor * f64::from(amplitude(c))) as f32));
            read.sort_unstable();
            builder.map.connections.extend(read.into_iter().map(|position| (position, row)));
            builder.end();
        }
        Some(builder.map)
    }

    /// Adds what the spikes of a step cause. Where there is no spike, 0 is added: that is cheaper than to ask.
    pub(super) fn add_spikes(&self, words: &[u16], output: &mut [f32]) {
        vectorised(
            #[inline(always)]
            || {
                self.each(output, |row, vector, position, sums| {
                    let word = u32::from(words[position * self.vectors + vector]);
                    let mut lane = 0;
                    while lane < LANES {
                        let mask = 0u32.wrapping_sub(word >> lane & 1);
                        sums[lane] += f32::from_bits(row[lane].to_bits() & mask);
                        lane += 1;
                    }
                });
            },
        );
    }

    /// Adds what a step's values cause.
    pub(super) fn add_values(&self, values: &[f32], output: &mut [f32]) {
        let (values, _) = values.as_chunks::<LANES>();
        vectorised(
            #[inline(always)]
            || {
                self.each(output, |row, vector, position, sums| {
                    let values = &values[position * self.vectors + vector];
                    let mut lane = 0;
                    while lane < LANES {
                        sums[lane] += row[lane] * values[lane];
                        lane += 1;
                    }
                });
            },
        );
    }

    /// Calls `f(factors, number of the vector, position, sums)` for each connection and vector.
    #[allow(clippy::inline_always)] // only what is inlined gets the instructions of its surroundings
    #[inline(always)]
    fn each(&self, output: &mut [f32], f: impl Fn(&[f32; LANES], usize, usize, &mut [f32; LANES])) {
        let (output, _) = output.as_chunks_mut::<LANES>();
        let mut at = 0;
        while at + 1 < self.starts.len() {
            let connections = &self.connections[self.starts[at] as usize..self.starts[at + 1] as usize];
            let results = &mut output[at * self.vectors..][..self.vectors];
            let mut vector = 0;
            while vector < self.vectors {
                let mut sums = results[vector];
                for &(position, row) in connections {
                    f(&self.rows[row as usize * self.vectors + vector], vector, position as usize, &mut sums);
                }
                results[vector] = sums;
                vector += 1;
            }
            at += 1;
        }
    }
}

struct Builder {
    channels: usize,
    map: PositionMap,
}

impl Builder {
    fn new(channels: usize) -> Self {
        let vectors = channels.div_ceil(LANES);
        Self { channels, map: PositionMap { vectors, rows: Vec::new(), starts: vec![0], connections: Vec::new() } }
    }

    /// Adds a row of factors; its number.
    fn row(&mut self, factor: impl Fn(usize) -> f32) -> u32 {
        let number = self.map.rows.len() / self.map.vectors;
        let of = |c: usize| if c < self.channels { factor(c) } else { 0.0 };
        self.map.rows.extend((0..self.map.vectors).map(|vector| std::array::from_fn(|lane| of(vector * LANES + lane))));
        number as u32
    }

    /// Ends the connections of a position of the result.
    fn end(&mut self) {
        self.map.starts.push(self.map.connections.len() as u32);
    }
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::Tensor;
    use spikeconverter_graph::ops::{AvgPool, Mean, Pad, Select, Window};

    use super::*;
    use crate::literal;
    use crate::testing::Dice;

    /// Depthwise convolutions and means against the literal loops: spikes that carry amplitudes, and values.
    #[test]
    fn positions_add_up_as_the_definition_says() {
        let mut dice = Dice(11);
        let shape = [20, 5, 6];
        let window = || Window::new(vec![3, 2]).padded(1);
        let weight = Tensor::new(vec![20, 1, 3, 2], dice.values(120)).unwrap();
        let stride = Window { stride: vec![2, 1], dilation: vec![1, 2], ..window() };
        let ops = [
            Op::Conv(Conv { weight, bias: None, window: stride, groups: 20 }),
            Op::AvgPool(AvgPool { window: window(), ceil: false, count_include_pad: false }),
            Op::Mean(Mean { axes: vec![1, 2], keep: true }),
            Op::Select(Select { maps: vec![None, Some(vec![4, 0]), Some(vec![1, 1, 5])] }),
            Op::Pad(Pad { before: vec![0, 1, 0], after: vec![0, 0, 2], value: 0.0 }),
        ];
        for op in ops {
            let output = op.output_shape(&[&shape]).unwrap();
            let amplitude = |c: usize| 0.5 + c as f32;
            let map = PositionMap::new(&op, &shape, &output, amplitude).unwrap().unwrap();
            let (from, to) = (Layout::new(&shape), Layout::new(&output));
            let fires: Vec<bool> = (0..volume(&shape)).map(|_| dice.pick(1, 3) == 1).collect();
            let plain: Vec<f64> =
                fires.iter().enumerate().map(|(i, &s)| f64::from(u8::from(s)) * f64::from(amplitude(i / 30))).collect();
            let wanted = literal::apply(&op, &[(&shape, &plain)], true).unwrap();
            let (mut words, mut values) = (vec![0u16; from.words()], vec![0.0; from.volume()]);
            for i in (0..fires.len()).filter(|&i| fires[i]) {
                words[from.place(i) / LANES] |= 1 << (from.place(i) % LANES);
                values[from.place(i)] = 1.0;
            }
            let (mut spiking, mut graded) = (vec![0.0; to.volume()], vec![0.0; to.volume()]);
            map.add_spikes(&words, &mut spiking);
            map.add_values(&values, &mut graded);
            assert_eq!(spiking, graded);
            for (i, wanted) in wanted.iter().enumerate() {
                assert!((f64::from(spiking[to.place(i)]) - wanted).abs() < 1e-4, "{}", op.kind());
            }
        }
    }

    #[test]
    fn what_mixes_channels_is_refused() {
        let shape = [4, 2, 2];
        let mean = Op::Mean(Mean { axes: vec![0], keep: true });
        assert!(PositionMap::new(&mean, &shape, &[1, 2, 2], |_| 1.0).unwrap().is_none());
        let weight = Tensor::new(vec![4, 2, 1, 1], vec![1.0; 8]).unwrap();
        let grouped = Op::Conv(Conv { weight, bias: None, window: Window::new(vec![1, 1]), groups: 2 });
        assert!(PositionMap::new(&grouped, &shape, &shape, |_| 1.0).unwrap().is_none());
        let weight = Tensor::new(vec![4, 1, 1, 1], vec![f32::MAX; 4]).unwrap();
        let depthwise = Op::Conv(Conv { weight, bias: None, window: Window::new(vec![1, 1]), groups: 4 });
        assert!(PositionMap::new(&depthwise, &shape, &shape, |_| 2.0).is_err());
    }
}
