//! The operations of a trained network, one family a file: fields, shape rule, cost, and the part each plays in a
//! spiking network ([`Role`]).
//!
//! Adding an operation: a struct with `output_shape`, a variant of [`Op`], its row in each `match` below (the compiler
//! lists them), its kernel in the engine and its literal loop in the reference engine.

mod activation;
mod conv;
mod elementwise;
mod extended;
mod head;
mod layout;
mod linear;
mod pool;
mod window;

pub use activation::Activation;
pub use conv::{Conv, ConvTranspose};
pub use elementwise::{Add, Affine};
pub use head::{ArgMax, Softmax};
pub use layout::{Concat, Pad, Reshape, Select, Transpose};
pub use linear::Linear;
pub use pool::{AvgPool, MaxPool, Mean};
pub use window::Window;

use serde::{Deserialize, Serialize};

use crate::Tensor;

/// One operation. Closed on purpose: what is not here is refused at import, by node name.
///
/// `T` stands for its constant tensors: the values themselves, or (in a file's header) their names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Op<T = Tensor> {
    /// An input of the network.
    Input,
    /// Convolution.
    Conv(Conv<T>),
    /// Transposed convolution.
    ConvTranspose(ConvTranspose<T>),
    /// Matrix product with a constant, on the last axis.
    Linear(Linear<T>),
    /// Constant scale and shift.
    Affine(Affine<T>),
    /// Sum of branches.
    Add(Add),
    /// Pointwise nonlinearity that a spiking population can take over.
    Activation(Activation<T>),
    /// Maximum over windows.
    MaxPool(MaxPool),
    /// Mean over windows.
    AvgPool(AvgPool),
    /// Mean over whole axes.
    Mean(Mean),
    /// Concatenation along an axis.
    Concat(Concat),
    /// Change of shape.
    Reshape(Reshape),
    /// Permutation of axes.
    Transpose(Transpose),
    /// Selection of indices along axes (slice, gather, nearest resize).
    Select(Select),
    /// Constant padding.
    Pad(Pad),
    /// Softmax or its logarithm.
    Softmax(Softmax),
    /// Logistic function.
    Sigmoid,
    /// Index of the maximum.
    ArgMax(ArgMax),
}

/// The part an operation plays when the network spikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Where samples enter.
    Input,
    /// Affine in its inputs with synapses of its own (weights): one stage's synaptic connections.
    Weighted,
    /// Affine in its inputs, without weights to speak of (sums, means, scaling): merges into the synapses around it.
    Unweighted,
    /// Moves values without changing them: a spike stays a spike.
    Routing,
    /// Nonlinearity realised by a population of spiking neurons.
    Activation,
    /// Maximum: realised on membranes or on spike trains.
    MaxPool,
    /// Nonlinear, only possible on the read-out.
    Head,
}

impl Op {
    /// Name of the kind of operation, as ONNX calls it where it has a name there.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Input => "Input",
            Self::Conv(_) => "Conv",
            Self::ConvTranspose(_) => "ConvTranspose",
            Self::Linear(_) => "Linear",
            Self::Affine(_) => "Affine",
            Self::Add(_) => "Add",
            Self::Activation(a) => a.kind(),
            Self::MaxPool(_) => "MaxPool",
            Self::AvgPool(_) => "AveragePool",
            Self::Mean(_) => "ReduceMean",
            Self::Concat(_) => "Concat",
            Self::Reshape(_) => "Reshape",
            Self::Transpose(_) => "Transpose",
            Self::Select(_) => "Select",
            Self::Pad(_) => "Pad",
            Self::Softmax(s) => s.kind(),
            Self::Sigmoid => "Sigmoid",
            Self::ArgMax(_) => "ArgMax",
        }
    }

    /// The part it plays when the network spikes.
    pub fn role(&self) -> Role {
        match self {
            Self::Input => Role::Input,
            Self::Conv(_) | Self::ConvTranspose(_) | Self::Linear(_) => Role::Weighted,
            Self::Affine(_) | Self::Add(_) | Self::AvgPool(_) | Self::Mean(_) => Role::Unweighted,
            Self::Pad(pad) if pad.value != 0.0 => Role::Unweighted,
            Self::Concat(_) | Self::Reshape(_) | Self::Transpose(_) | Self::Select(_) | Self::Pad(_) => Role::Routing,
            Self::Activation(_) => Role::Activation,
            Self::MaxPool(_) => Role::MaxPool,
            Self::Softmax(_) | Self::Sigmoid | Self::ArgMax(_) => Role::Head,
        }
    }

    /// Shape of the result for the given input shapes (all per sample).
    ///
    /// # Errors
    /// A sentence that says what does not fit; the caller adds the node's name.
    pub fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let shape = match self {
            Self::Input => return Err("an input reads nothing".into()),
            Self::Concat(concat) => concat.output_shape(inputs)?,
            Self::Add(add) => add.output_shape(inputs)?,
            _ => {
                let &[input] = inputs else {
                    return Err(format!("takes one input, was given {}", inputs.len()));
                };
                match self {
                    Self::Conv(conv) => conv.output_shape(input)?,
                    Self::ConvTranspose(conv) => conv.output_shape(input)?,
                    Self::Linear(linear) => linear.output_shape(input)?,
                    Self::Affine(affine) => affine.output_shape(input)?,
                    Self::Activation(activation) => activation.output_shape(input)?,
                    Self::MaxPool(pool) => pool.output_shape(input)?,
                    Self::AvgPool(pool) => pool.output_shape(input)?,
                    Self::Mean(mean) => mean.output_shape(input)?,
                    Self::Reshape(reshape) => reshape.output_shape(input)?,
                    Self::Transpose(transpose) => transpose.output_shape(input)?,
                    Self::Select(select) => select.output_shape(input)?,
                    Self::Pad(pad) => pad.output_shape(input)?,
                    Self::Softmax(softmax) => softmax.output_shape(input)?,
                    Self::Sigmoid => input.to_vec(),
                    Self::ArgMax(argmax) => argmax.output_shape(input)?,
                    Self::Input | Self::Concat(_) | Self::Add(_) => unreachable!("handled above"),
                }
            }
        };
        check_volume(shape)
    }

    /// Multiply-accumulate operations for one sample; padding counted, as is customary.
    pub fn macs(&self, inputs: &[&[usize]], output: &[usize]) -> u64 {
        match self {
            Self::Conv(conv) => conv.macs(output),
            Self::ConvTranspose(conv) => inputs.first().map_or(0, |input| conv.macs(input)),
            Self::Linear(linear) => linear.macs(output),
            _ => 0,
        }
    }

    /// The constant tensors it holds, each with its name.
    pub fn tensors(&self) -> Vec<(&'static str, &Tensor)> {
        let mut tensors = Vec::new();
        match self {
            Self::Conv(Conv { weight, bias, .. })
            | Self::ConvTranspose(ConvTranspose { weight, bias, .. })
            | Self::Linear(Linear { weight, bias }) => {
                tensors.push(("weight", weight));
                tensors.extend(bias.as_ref().map(|b| ("bias", b)));
            }
            Self::Affine(Affine { scale, shift }) => {
                tensors.extend(scale.as_ref().map(|s| ("scale", s)));
                tensors.extend(shift.as_ref().map(|s| ("shift", s)));
            }
            Self::Activation(Activation::Leaky { slope }) => tensors.push(("slope", slope)),
            _ => {}
        }
        tensors
    }
}

impl<T> Op<T> {
    /// The same operation with each constant tensor replaced by what `f` makes of it.
    ///
    /// # Errors
    /// The first error of `f`.
    pub fn try_map_tensors<U, E>(&self, mut f: impl FnMut(&T) -> Result<U, E>) -> Result<Op<U>, E> {
        let optional = |tensor: &Option<T>, f: &mut dyn FnMut(&T) -> Result<U, E>| tensor.as_ref().map(f).transpose();
        Ok(match self {
            Self::Input => Op::Input,
            Self::Conv(c) => Op::Conv(Conv {
                weight: f(&c.weight)?,
                bias: optional(&c.bias, &mut f)?,
                window: c.window.clone(),
                groups: c.groups,
            }),
            Self::ConvTranspose(c) => Op::ConvTranspose(ConvTranspose {
                weight: f(&c.weight)?,
                bias: optional(&c.bias, &mut f)?,
                window: c.window.clone(),
                output_padding: c.output_padding.clone(),
                groups: c.groups,
            }),
            Self::Linear(l) => Op::Linear(Linear { weight: f(&l.weight)?, bias: optional(&l.bias, &mut f)? }),
            Self::Affine(a) => {
                Op::Affine(Affine { scale: optional(&a.scale, &mut f)?, shift: optional(&a.shift, &mut f)? })
            }
            Self::Add(a) => Op::Add(a.clone()),
            Self::Activation(Activation::Relu) => Op::Activation(Activation::Relu),
            Self::Activation(Activation::Clip { low, high }) => {
                Op::Activation(Activation::Clip { low: *low, high: *high })
            }
            Self::Activation(Activation::Leaky { slope }) => Op::Activation(Activation::Leaky { slope: f(slope)? }),
            Self::MaxPool(p) => Op::MaxPool(p.clone()),
            Self::AvgPool(p) => Op::AvgPool(p.clone()),
            Self::Mean(m) => Op::Mean(m.clone()),
            Self::Concat(c) => Op::Concat(c.clone()),
            Self::Reshape(r) => Op::Reshape(r.clone()),
            Self::Transpose(t) => Op::Transpose(t.clone()),
            Self::Select(s) => Op::Select(s.clone()),
            Self::Pad(p) => Op::Pad(p.clone()),
            Self::Softmax(s) => Op::Softmax(s.clone()),
            Self::Sigmoid => Op::Sigmoid,
            Self::ArgMax(a) => Op::ArgMax(a.clone()),
        })
    }
}

/// Refuses a value without elements or with more than 2^31 a sample (8 GiB): beyond any network this is for, and a
/// bound for hostile files.
pub(crate) fn check_volume(shape: Vec<usize>) -> Result<Vec<usize>, String> {
    match shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) {
        Some(0) => Err(format!("gives an empty result of shape {shape:?}")),
        Some(n) if n <= 1 << 31 => Ok(shape),
        _ => Err(format!("gives a result of shape {shape:?}, larger than 2^31 values a sample")),
    }
}
