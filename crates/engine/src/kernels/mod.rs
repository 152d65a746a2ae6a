//! Operations on whole batches, as fast as the machine allows. All fast arithmetic lives behind [`Kernel`].
//!
//! [`compile`] chooses the kernel of an operation for given shapes and packs its weights once. A kernel is told
//! whether it runs [alone or among others](Threads): the executor gives each thread its own samples as long as there
//! are enough of them, and a kernel divides its own work only when there are not.

mod activation;
mod conv;
mod depthwise;
mod elementwise;
pub(crate) mod events;
pub(crate) mod fire;
pub(crate) mod graded;
mod head;
mod layout;
mod linear;
mod mean;
mod padding;
pub(crate) mod phase;
mod pool;
mod product;
mod sliding;
#[cfg(test)]
mod tests;
pub(crate) mod tile;
pub(crate) mod vectors;
pub(crate) mod walk;

use std::ops::AddAssign;

use rayon::prelude::*;
use spikeconverter_graph::{Op, volume};

use crate::{Batch, EngineError};

/// Which threads a kernel may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// Only the calling one: the others have samples of their own.
    One,
    /// All of the current rayon pool.
    Pool,
}

/// An operation on batches of samples with elements `I`, giving samples with elements `O`. The shapes are fixed when
/// the kernel is made.
///
/// A kernel's result for a sample must not depend on the other samples, on their number or on [`Threads`].
pub trait Kernel<I = f32, O = f32>: Send + Sync {
    /// Applies the operation. Each of `inputs` holds the same number of samples, one after the other, and so will
    /// `output`, every value of which is written.
    ///
    /// # Panics
    /// May panic when the slices are of other lengths; [`Compiled`] checks them.
    fn run(&self, inputs: &[&[I]], output: &mut [O], threads: Threads);
}

/// A kernel with the shapes it was made for.
pub struct Compiled<I = f32, O = f32> {
    kernel: Box<dyn Kernel<I, O>>,
    what: String,
    inputs: Vec<Vec<usize>>,
    output: Vec<usize>,
}

/// Adds one value an entry of the first axis to each sample.
pub(crate) fn add_initial<V: From<f32> + AddAssign>(initial: &[f32], values: &mut [V], sample: usize) {
    if initial.is_empty() {
        return;
    }
    let inner = sample / initial.len();
    for (values, &initial) in values.chunks_mut(inner).zip(initial.iter().cycle()) {
        for value in values {
            *value += initial.into();
        }
    }
}

/// Chooses the kernel of `op` for inputs of these per-sample shapes and packs its weights.
///
/// # Errors
/// [`EngineError::Op`] when the operation does not accept these shapes.
pub fn compile(op: &Op, inputs: &[&[usize]]) -> Result<Compiled, EngineError> {
    let output = op.output_shape(inputs).map_err(|reason| EngineError::Op { what: op.kind().to_string(), reason })?;
    let kernel =
        kernel(op, inputs, &output).map_err(|reason| EngineError::Op { what: op.kind().to_string(), reason })?;
    let inputs = inputs.iter().map(|shape| shape.to_vec()).collect();
    Ok(Compiled { kernel, what: op.kind().to_string(), inputs, output })
}

/// [`compile`] for a node, which errors then name.
///
/// # Errors
/// [`EngineError::Op`] when the operation does not accept these shapes.
pub fn compile_node(node: &str, op: &Op, inputs: &[&[usize]]) -> Result<Compiled, EngineError> {
    let what = || format!("node `{node}`");
    let compiled = compile(op, inputs).map_err(|error| match error {
        EngineError::Op { reason, .. } => EngineError::Op { what: what(), reason },
        other => other,
    })?;
    Ok(compiled.named(what()))
}

fn kernel(op: &Op, inputs: &[&[usize]], output: &[usize]) -> Result<Box<dyn Kernel>, String> {
    let shape = inputs[0];
    Ok(match op {
        Op::Conv(op) if op.weight.shape()[1] == 1 && op.groups > 1 => {
            Box::new(depthwise::Depthwise::new(op, shape, output)?)
        }
        Op::Conv(op) => Box::new(conv::Direct::conv(op, shape, output)?),
        Op::ConvTranspose(op) => Box::new(conv::Direct::transposed(op, shape, output)?),
        Op::Linear(op) => Box::new(linear::Linear::new(op)?),
        Op::Affine(op) => Box::new(elementwise::Affine::new(op, shape)),
        Op::Add(op) => Box::new(elementwise::Add::new(op, inputs, output)),
        Op::Activation(op) => activation::kernel(op, shape),
        Op::MaxPool(op) => Box::new(pool::MaxPool::new(op, shape, output)?),
        Op::AvgPool(op) => Box::new(pool::AvgPool::new(op, shape, output)?),
        Op::Mean(op) => Box::new(mean::Mean::new(op, shape)),
        Op::Concat(op) => Box::new(layout::Concat::new(op, inputs)),
        // `output_shape` has refused to apply an input to anything.
        Op::Reshape(_) | Op::Input => Box::new(layout::Copy),
        Op::Transpose(op) => Box::new(layout::Gather::transpose(op, shape)),
        Op::Select(op) => Box::new(layout::Gather::select(op, shape)),
        Op::Pad(op) => Box::new(layout::Pad::new(op, shape, output)),
        Op::Softmax(op) => Box::new(head::Softmax::new(op, shape)),
        Op::Sigmoid => Box::new(head::Sigmoid),
        Op::ArgMax(op) => Box::new(head::ArgMax::new(op, shape)),
    })
}

impl<I: Sync, O: Send + Clone + Default> Compiled<I, O> {
    /// A kernel with the shapes it was made for; `what` names it in errors.
    pub fn new(kernel: Box<dyn Kernel<I, O>>, what: String, inputs: Vec<Vec<usize>>, output: Vec<usize>) -> Self {
        Self { kernel, what, inputs, output }
    }

    /// The same under another name for its errors, e.g. its node's.
    #[must_use]
    pub fn named(self, what: impl Into<String>) -> Self {
        Self { what: what.into(), ..self }
    }

    /// Per-sample shapes of the inputs.
    pub fn input_shapes(&self) -> &[Vec<usize>] {
        &self.inputs
    }

    /// Per-sample shape of the result.
    pub fn output_shape(&self) -> &[usize] {
        &self.output
    }

    /// Applies the operation, on all threads of the current rayon pool.
    ///
    /// # Errors
    /// When the inputs' number, shapes or sample counts are not what the operation takes.
    pub fn run(&self, inputs: &[&Batch<I>]) -> Result<Batch<O>, EngineError> {
        let count = self.check(inputs)?;
        let mut output = Batch::full(count, self.output.clone(), O::default())?;
        let slices: Vec<&[I]> = inputs.iter().map(|batch| batch.data()).collect();
        self.spread(&slices, output.data_mut(), count);
        Ok(output)
    }

    /// Applies the operation to slices that are known to fit, on the calling thread or on all.
    pub(crate) fn run_unchecked(&self, inputs: &[&[I]], output: &mut [O], threads: Threads) {
        self.kernel.run(inputs, output, threads);
    }

    fn check(&self, inputs: &[&Batch<I>]) -> Result<usize, EngineError> {
        if inputs.len() != self.inputs.len() {
            let (expected, found) = (self.inputs.len(), inputs.len());
            return Err(EngineError::InputCount { what: self.what.clone(), expected, found });
        }
        for (input, expected) in inputs.iter().zip(&self.inputs) {
            if input.shape() != expected {
                let (expected, found) = (expected.clone(), input.shape().to_vec());
                return Err(EngineError::InputShape { what: self.what.clone(), expected, found });
            }
        }
        let first = inputs.first().map_or(0, |batch| batch.count());
        match inputs.iter().map(|batch| batch.count()).find(|&count| count != first) {
            Some(other) => Err(EngineError::SampleCount { what: self.what.clone(), first, other }),
            None => Ok(first),
        }
    }

    /// Gives each thread its own samples, or all threads to the kernel when there are too few.
    fn spread(&self, inputs: &[&[I]], output: &mut [O], count: usize) {
        let threads = rayon::current_num_threads();
        if count < threads || threads == 1 {
            let threads = if threads == 1 { Threads::One } else { Threads::Pool };
            if count > 0 {
                self.kernel.run(inputs, output, threads);
            }
            return;
        }
        let chunk = count.div_ceil(4 * threads);
        let volumes: Vec<usize> = self.inputs.iter().map(|shape| volume(shape)).collect();
        output.par_chunks_mut(chunk * volume(&self.output)).enumerate().for_each(|(i, output)| {
            let samples = output.len() / volume(&self.output);
            let parts: Vec<&[I]> = inputs
                .iter()
                .zip(&volumes)
                .map(|(data, volume)| &data[i * chunk * volume..][..samples * volume])
                .collect();
            self.kernel.run(&parts, output, Threads::One);
        });
    }
}
