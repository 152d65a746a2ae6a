//! Weights and biases by least squares: what a layer's synapses should be, given the spikes that really reach them.
//!
//! The membrane `z = W x + b + r` of a listener is a linear function of what its synapses read: of the decoded trains `x`,
//! and of what other synapses bring, `r`. The trained network says what it should be, `z*`. For each result channel
//!
//! ```text
//! (w, b) = argmin  mean (z − t)² + λ Σ_k g_k (w_k − w°_k)²
//! ```
//!
//! where `w°` are the trained weights, `g_k` the variance of `x_k`, and `t` is `z*`, or `z` itself where both lie on the same
//! side beyond a bound of the activation, so that they do not differ for those who listen: what a ReLU cuts off may be
//! anything negative. `t` depends on `z`, so that target and weights are improved in turns; each turn lowers the error. `λ`
//! is chosen on a quarter of the samples that the weights are not fitted on, and so is whether to change them at all.
//!
//! Layer-wise weight calibration for converted networks is due to Li et al. (ICML 2021), by gradient descent; the closed form,
//! the one-sided error and the choice of `λ` are ours.

use ndarray::Array2;
use rayon::prelude::*;
use spikeconverter_engine::Batch;
use spikeconverter_engine::adjoint::Unfolding;
use spikeconverter_graph::{Op, Tensor};

use super::cholesky::Cholesky;

/// Values of unfolded inputs that a group of channels is fitted on (64 MiB).
const MOST_VALUES: usize = 1 << 24;
/// Columns that are multiplied at a time.
const BLOCK_COLUMNS: usize = 2048;
/// The `λ` that are tried.
const RIDGES: [f64; 6] = [1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 1.0];
/// One sample in so many tells how well weights fitted to the others do.
const HELD_OUT: usize = 4;
/// Turns of target and weights.
const TURNS: usize = 4;

/// What a listener's membranes should be.
pub(crate) struct Aim<'a> {
    /// Membranes wanted.
    pub(crate) wanted: &'a Batch,
    /// What other synapses bring to the same membranes.
    pub(crate) beside: Option<&'a Batch>,
    /// Membranes below are alike.
    pub(crate) low: f32,
    /// Membranes above are alike.
    pub(crate) high: f32,
}

impl Aim<'_> {
    /// How far a membrane is from where it should be.
    fn miss(&self, wanted: f32, found: f32) -> f32 {
        let alike = (wanted <= self.low && found <= self.low) || (wanted >= self.high && found >= self.high);
        if alike { 0.0 } else { wanted - found }
    }
}

/// `op` with weights and bias fitted to what it reads. `None` where it has none, or where trained weights do as well.
pub(crate) fn fit(op: &Op, input: &Batch, aim: &Aim<'_>) -> Option<Op> {
    let unfolding = Unfolding::new(op, input.shape())?;
    let (weight, bias) = Unfolding::parameters(op)?;
    let (depth, outputs) = (unfolding.depth(), unfolding.outputs());
    let rows: Vec<Option<Array2<f32>>> = (0..unfolding.groups())
        .into_par_iter()
        .map(|group| {
            let channels = group * outputs..(group + 1) * outputs;
            let trained = Array2::from_shape_fn((outputs, depth + 1), |(o, k)| match (k < depth, bias) {
                (true, _) => weight.data()[(channels.start + o) * depth + k],
                (false, Some(bias)) => bias.data()[channels.start + o],
                (false, None) => 0.0,
            });
            fit_group(&Group { unfolding: &unfolding, number: group, input, aim, trained })
        })
        .collect();
    if rows.iter().all(Option::is_none) {
        return None;
    }
    let mut fitted = weight.data().to_vec();
    let mut shifts = bias.map_or_else(|| vec![0.0; outputs * unfolding.groups()], |bias| bias.data().to_vec());
    for (group, rows) in rows.iter().enumerate() {
        let Some(rows) = rows else { continue };
        for o in 0..outputs {
            let channel = group * outputs + o;
            (0..depth).for_each(|k| fitted[channel * depth + k] = rows[[o, k]]);
            shifts[channel] = rows[[o, depth]];
        }
    }
    Unfolding::with_parameters(op, fitted, Some(Tensor::vector(shifts)))
}

/// A group of channels: a problem of its own.
struct Group<'a> {
    unfolding: &'a Unfolding,
    number: usize,
    input: &'a Batch,
    aim: &'a Aim<'a>,
    /// `[outputs, depth + 1]`, the bias last.
    trained: Array2<f32>,
}

/// Some columns of the problem.
struct Block {
    /// `[depth + 1, columns]`, the last row ones.
    columns: Array2<f32>,
    /// `[outputs, columns]` each: membranes wanted, and those of the trained weights.
    wanted: Array2<f32>,
    found: Array2<f32>,
    held_out: bool,
}

impl Block {
    /// Membranes after the weights have changed by `change`, `[outputs, depth + 1]`.
    fn changed(&self, change: &Array2<f32>) -> Array2<f32> {
        change.dot(&self.columns) + &self.found
    }

    /// How far membranes are from where they should be.
    fn misses(&self, aim: &Aim<'_>, found: &Array2<f32>) -> Array2<f32> {
        let mut misses = self.wanted.clone();
        misses.zip_mut_with(found, |wanted, &found| *wanted = aim.miss(*wanted, found));
        misses
    }
}

fn fit_group(group: &Group<'_>) -> Option<Array2<f32>> {
    let blocks = group.blocks();
    let grams: Vec<Array2<f32>> = blocks.par_iter().map(|block| block.columns.dot(&block.columns.t())).collect();
    let some_held_out = blocks.iter().any(|block| block.held_out);
    // with too few samples to hold any out, the trained weights weigh much
    let ridge = if some_held_out { group.choose_ridge(&blocks, &grams)? } else { RIDGES[RIDGES.len() - 1] };
    let gram = sum(grams.iter())?;
    let factor = factor(&gram, ridge)?;
    let mut change = Array2::<f64>::zeros((group.trained.nrows(), gram.nrows()));
    for _ in 0..TURNS {
        let single = change.mapv(|x| x as f32);
        // misses are those of the changed weights: what the change itself explains comes back
        let misses = |block: &Block| block.misses(group.aim, &block.changed(&single));
        let right = right(blocks.iter().collect(), misses)? + change.dot(&gram);
        change = factor.solve(right);
    }
    let fitted = &group.trained + &change.mapv(|x| x as f32);
    fitted.iter().all(|x| x.is_finite()).then_some(fitted)
}

impl Group<'_> {
    /// Unfolds evenly spread positions of all samples.
    fn blocks(&self) -> Vec<Block> {
        let depth = self.unfolding.depth();
        let (count, positions) = (self.input.count(), self.unfolding.positions());
        let most = (MOST_VALUES / (depth + 1)).max(1);
        let share = (most / count.max(1)).clamp(1, positions);
        let stride = positions.div_ceil(share);
        // an offset of its own for each sample, so that all positions are seen
        let of_sample = |sample: usize| (sample.wrapping_mul(7) % stride..positions).step_by(stride).collect();
        let together = (BLOCK_COLUMNS / share).max(1);
        let (held_out, fitted): (Vec<usize>, Vec<usize>) = (0..count).partition(|s| s % HELD_OUT == HELD_OUT - 1);
        let parts: Vec<(&[usize], bool)> = [(&fitted, false), (&held_out, true)]
            .into_iter()
            .flat_map(|(samples, held_out)| samples.chunks(together).map(move |part| (part, held_out)))
            .collect();
        parts.into_par_iter().map(|(samples, held_out)| self.block(samples, held_out, &of_sample)).collect()
    }

    fn block(&self, samples: &[usize], held_out: bool, of_sample: &(dyn Fn(usize) -> Vec<usize> + Sync)) -> Block {
        let positions: Vec<Vec<usize>> = samples.iter().map(|&sample| of_sample(sample)).collect();
        let count: usize = positions.iter().map(Vec::len).sum();
        let (depth, outputs) = (self.unfolding.depth(), self.unfolding.outputs());
        let mut columns = vec![1.0; (depth + 1) * count];
        let mut wanted = Array2::zeros((outputs, count));
        let mut beside = Array2::zeros((outputs, count));
        let mut at = 0;
        for (&sample, positions) in samples.iter().zip(&positions) {
            self.unfolding.unfold(self.input.sample(sample), self.number, positions, &mut columns[at..], count);
            let (aims, others) = (self.aim.wanted.sample(sample), self.aim.beside.map(|beside| beside.sample(sample)));
            for o in 0..outputs {
                for (j, &position) in positions.iter().enumerate() {
                    let place = self.unfolding.place(self.number, o, position);
                    wanted[[o, at + j]] = aims[place];
                    beside[[o, at + j]] = others.map_or(0.0, |others| others[place]);
                }
            }
            at += positions.len();
        }
        let columns = Array2::from_shape_fn((depth + 1, count), |(k, j)| columns[k * count + j]);
        let mut block = Block { columns, wanted, found: beside, held_out };
        block.found = block.changed(&self.trained);
        block
    }

    /// The `λ` of least error on samples held out; `None` when no change is better than the trained weights.
    fn choose_ridge(&self, blocks: &[Block], grams: &[Array2<f32>]) -> Option<f64> {
        let fitted = || blocks.iter().zip(grams).filter(|(block, _)| !block.held_out);
        let gram = sum(fitted().map(|(_, gram)| gram))?;
        let of_trained = |block: &Block| block.misses(self.aim, &block.found);
        let right = right(fitted().map(|(block, _)| block).collect(), of_trained)?;
        let error = |change: Option<&Array2<f32>>| -> f64 {
            let of_block = |block: &Block| -> f64 {
                let found = change.map(|change| block.changed(change));
                let misses = block.misses(self.aim, found.as_ref().unwrap_or(&block.found));
                misses.iter().map(|&m| f64::from(m) * f64::from(m)).sum()
            };
            let parts: Vec<f64> = blocks.par_iter().filter(|block| block.held_out).map(of_block).collect();
            parts.iter().sum()
        };
        let mut best = (error(None), None);
        for ridge in RIDGES {
            let Some(factor) = factor(&gram, ridge) else { continue };
            let error = error(Some(&factor.solve(right.clone()).mapv(|x| x as f32)));
            if error < best.0 {
                best = (error, Some(ridge));
            }
        }
        best.1
    }
}

/// `Σ M Xᵀ` over blocks, for their misses `M`.
fn right(blocks: Vec<&Block>, misses: impl Fn(&Block) -> Array2<f32> + Sync) -> Option<Array2<f64>> {
    let parts: Vec<Array2<f32>> = blocks.into_par_iter().map(|block| misses(block).dot(&block.columns.t())).collect();
    sum(parts.iter())
}

/// Sum of matrices, in order, so that it does not depend on the number of threads.
fn sum<'m>(mut parts: impl Iterator<Item = &'m Array2<f32>>) -> Option<Array2<f64>> {
    let first = parts.next()?.mapv(f64::from);
    Some(parts.fold(first, |mut sum, part| {
        sum.zip_mut_with(part, |sum, part| *sum += f64::from(*part));
        sum
    }))
}

/// The Gram matrix with the ridge on its diagonal, factorised. Its last row belongs to the bias, which costs nothing.
fn factor(gram: &Array2<f64>, ridge: f64) -> Option<Cholesky> {
    let bias = gram.nrows() - 1;
    let count = gram[[bias, bias]].max(f64::MIN_POSITIVE);
    let variance = |k: usize| (gram[[k, k]] - gram[[k, bias]] * gram[[k, bias]] / count).max(0.0);
    let mean = (0..bias).map(variance).sum::<f64>() / bias.max(1) as f64;
    let mut regularised = gram.clone();
    for k in 0..bias {
        // what never fires has no variance, and must not make the matrix singular
        regularised[[k, k]] += ridge * variance(k).max(1e-3 * mean) + f64::MIN_POSITIVE;
    }
    Cholesky::new(regularised)
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::ops::{Conv, Linear, Window};

    use super::*;

    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    fn batch(count: usize, shape: &[usize], seed: u64) -> Batch {
        Batch::new(count, shape.to_vec(), numbers(count * shape.iter().product::<usize>(), seed)).unwrap()
    }

    fn run(op: &Op, input: &Batch) -> Batch {
        spikeconverter_engine::kernels::compile(op, &[input.shape()]).unwrap().run(&[input]).unwrap()
    }

    fn aim(wanted: &Batch, low: f32) -> Aim<'_> {
        Aim { wanted, beside: None, low, high: f32::INFINITY }
    }

    fn error(aim: &Aim<'_>, found: &Batch) -> f32 {
        aim.wanted.data().iter().zip(found.data()).map(|(&w, &f)| aim.miss(w, f).powi(2)).sum()
    }

    /// Where other weights give exactly what is wanted, they are found; groups are problems of their own.
    #[test]
    fn weights_that_were_lost_are_found_again() {
        let conv = |seed, groups| {
            let weight = Tensor::new(vec![4, 4 / groups, 3, 3], numbers(16 / groups * 9, seed)).unwrap();
            let bias = Some(Tensor::vector(numbers(4, seed + 1)));
            Op::Conv(Conv { weight, bias, window: Window::new(vec![3, 3]).padded(1), groups })
        };
        let input = batch(24, &[4, 6, 6], 3);
        for groups in [1, 2, 4] {
            let wanted = run(&conv(7, groups), &input);
            let fitted = fit(&conv(100, groups), &input, &aim(&wanted, f32::NEG_INFINITY)).unwrap();
            let left = error(&aim(&wanted, f32::NEG_INFINITY), &run(&fitted, &input));
            let before = error(&aim(&wanted, f32::NEG_INFINITY), &run(&conv(100, groups), &input));
            assert!(left < 1e-3 * before, "{left} of {before}");
        }
    }

    /// With spikes that carry noise, the fitted weights transmit less error than the trained ones on other samples, whether
    /// what lies below zero counts or not.
    #[test]
    fn noise_is_weighed_down() {
        let op = Op::Linear(Linear {
            weight: Tensor::new(vec![6, 10], numbers(60, 5)).unwrap(),
            bias: Some(Tensor::vector(numbers(6, 6))),
        });
        let noisy = |seed| {
            let (clean, noise) = (batch(400, &[10], seed), batch(400, &[10], seed + 1));
            let data = clean.data().iter().zip(noise.data()).map(|(x, n)| x + n).collect();
            (run(&op, &clean), Batch::new(400, vec![10], data).unwrap())
        };
        let ((wanted, input), (other_wanted, other)) = (noisy(11), noisy(21));
        let two_sided = fit(&op, &input, &aim(&wanted, f32::NEG_INFINITY)).unwrap();
        let one_sided = fit(&op, &input, &aim(&wanted, 0.0)).unwrap();
        for (fitted, low) in [(two_sided, f32::NEG_INFINITY), (one_sided, 0.0)] {
            let left = |op: &Op| error(&aim(&other_wanted, low), &run(op, &other));
            assert!(left(&fitted) < 0.9 * left(&op), "{} of {}", left(&fitted), left(&op));
        }
    }

    /// What other synapses bring is taken off what is wanted.
    #[test]
    fn a_shortcut_is_taken_into_account() {
        let linear = |seed| {
            let weight = Tensor::new(vec![3, 3], numbers(9, seed)).unwrap();
            Op::Linear(Linear { weight, bias: None })
        };
        let (input, beside) = (batch(64, &[3], 1), batch(64, &[3], 2));
        let data = run(&linear(9), &input).data().iter().zip(beside.data()).map(|(a, b)| a + b).collect();
        let wanted = Batch::new(64, vec![3], data).unwrap();
        let sum = Aim { beside: Some(&beside), ..aim(&wanted, f32::NEG_INFINITY) };
        let Some(Op::Linear(fitted)) = fit(&linear(50), &input, &sum) else { panic!() };
        let trained = numbers(9, 9);
        let off = fitted.weight.data().iter().zip(&trained).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
        assert!(off < 1e-2, "{off}");
    }

    #[test]
    fn right_weights_stay() {
        let op = Op::Linear(Linear { weight: Tensor::full(vec![2, 2], 0.5), bias: None });
        let input = batch(16, &[2], 4);
        assert!(fit(&op, &input, &aim(&run(&op, &input), 0.0)).is_none());
    }
}
