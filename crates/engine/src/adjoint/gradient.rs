use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ShapeBuilder};
use spikeconverter_graph::ops::{Conv, MaxPool};
use spikeconverter_graph::{Op, volume};

use super::Unfolding;
use crate::EngineError;
use crate::connections::connections;
use crate::fan_out::for_each_reading;
use crate::kernels::{Compiled, Threads, compile};

/// The adjoint of an operation on one sample: from the gradient of its result to those of its inputs and weights.
pub struct Adjoint {
    kind: Kind,
}

enum Kind {
    /// Products with unfolded inputs.
    Product(Unfolding),
    /// A kernel of its own; its weights have no gradient here.
    Kernel(Compiled),
    /// For each input, the connections from its elements to the result's.
    Connections(Vec<Vec<(u32, u32, f64)>>),
    /// For each element of the result, the elements that it is the largest of.
    Maximum(Vec<Vec<u32>>),
}

impl Adjoint {
    /// Of an operation on inputs of these shapes.
    ///
    /// # Errors
    /// [`EngineError::Op`] when the operation does not take these shapes or is not linear (a maximum is taken as linear, in
    /// the elements that are the largest).
    pub fn new(op: &Op, shapes: &[&[usize]]) -> Result<Self, EngineError> {
        let refuse = |reason: String| EngineError::Op { what: op.kind().to_string(), reason };
        let output = op.output_shape(shapes).map_err(refuse)?;
        if let Some(unfolding) = Unfolding::new(op, shapes[0]) {
            return Ok(Self { kind: Kind::Product(unfolding) });
        }
        let kind = match op {
            Op::ConvTranspose(transposed) => {
                let conv = Conv {
                    weight: transposed.weight.clone(),
                    bias: None,
                    window: transposed.window.clone(),
                    groups: transposed.groups,
                };
                Kind::Kernel(compile(&Op::Conv(conv), &[&output])?)
            }
            Op::MaxPool(MaxPool { .. }) => {
                let mut elements = vec![Vec::new(); volume(&output)];
                for_each_reading(op, shapes, &output, |_, from, to| elements[to].push(from as u32));
                Kind::Maximum(elements)
            }
            _ => {
                let of = |input| connections(op, shapes, &output, input);
                let all: Option<Vec<_>> = (0..shapes.len()).map(of).collect();
                Kind::Connections(all.ok_or_else(|| refuse("has no gradient here".into()))?)
            }
        };
        Ok(Self { kind })
    }

    /// Adds to the gradient of input number `input` what the gradient `delta` of the result gives. `value` is that input;
    /// `weights` are the operation's where it has an [`Unfolding`], and not looked at elsewhere.
    pub fn input(&self, weights: &[f32], input: usize, value: &[f32], delta: &[f32], gradient: &mut [f32]) {
        match &self.kind {
            Kind::Product(unfolding) => {
                let (depth, outputs, positions) = (unfolding.depth(), unfolding.outputs(), unfolding.positions());
                let mut columns = Array2::zeros((depth, positions));
                for (group, weights) in weights.chunks(outputs * depth).enumerate() {
                    let weights = matrix(weights, outputs, depth);
                    let delta = gathered(unfolding, group, delta);
                    general_mat_mul(1.0, &weights.t(), &delta, 0.0, &mut columns);
                    unfolding.fold(columns.as_slice().unwrap_or_default(), group, gradient);
                }
            }
            Kind::Kernel(kernel) => {
                let mut more = vec![0.0; gradient.len()];
                kernel.run_unchecked(&[delta], &mut more, Threads::One);
                gradient.iter_mut().zip(more).for_each(|(sum, x)| *sum += x);
            }
            Kind::Connections(inputs) => {
                for &(from, to, factor) in &inputs[input] {
                    gradient[from as usize] += factor as f32 * delta[to as usize];
                }
            }
            Kind::Maximum(elements) => {
                for (elements, delta) in elements.iter().zip(delta) {
                    let larger = |a: &&u32, b: &&u32| value[**a as usize].total_cmp(&value[**b as usize]);
                    if let Some(&largest) = elements.iter().max_by(larger) {
                        gradient[largest as usize] += delta;
                    }
                }
            }
        }
    }

    /// Adds to the gradient of the weights, which lies as they do, where the operation has an [`Unfolding`].
    pub fn weights(&self, value: &[f32], delta: &[f32], gradient: &mut [f32]) {
        let Kind::Product(unfolding) = &self.kind else { return };
        let (depth, outputs, positions) = (unfolding.depth(), unfolding.outputs(), unfolding.positions());
        let mut columns = vec![0.0; depth * positions];
        for (group, gradient) in gradient.chunks_mut(outputs * depth).enumerate() {
            unfolding.unfold_all(value, group, &mut columns);
            let delta = gathered(unfolding, group, delta);
            let columns = matrix(&columns, depth, positions);
            let mut sum = delta.dot(&columns.t());
            sum += &matrix(gradient, outputs, depth);
            gradient.iter_mut().zip(&sum).for_each(|(gradient, sum)| *gradient = *sum);
        }
    }
}

/// A row-major matrix that a slice holds exactly.
fn matrix(values: &[f32], rows: usize, columns: usize) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((rows, columns), values).unwrap_or_else(|_| ArrayView2::from(&[[]; 0]))
}

/// The gradients of a group's results, `[outputs, positions]`.
fn gathered<'d>(unfolding: &Unfolding, group: usize, delta: &'d [f32]) -> ArrayView2<'d, f32> {
    let shape = (unfolding.outputs(), unfolding.positions()).strides(unfolding.strides());
    let first = unfolding.place(group, 0, 0);
    ArrayView2::from_shape(shape, &delta[first..]).unwrap_or_else(|_| ArrayView2::from(&[[]; 0]))
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::Tensor;
    use spikeconverter_graph::ops::{
        Add, Affine, AvgPool, Concat, ConvTranspose, Linear, Mean, Pad, Reshape, Select, Transpose, Window,
    };

    use super::*;
    use crate::literal;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + seed * 31 + 13) % 101) as f32 / 50.0 - 1.0).collect()
    }

    fn tensor(shape: &[usize]) -> Tensor {
        Tensor::new(shape.to_vec(), numbers(volume(shape), 5)).unwrap()
    }

    fn apply(op: &Op, shapes: &[Vec<usize>], inputs: &[Vec<f32>]) -> Vec<f64> {
        let inputs: Vec<Vec<f64>> = inputs.iter().map(|x| x.iter().map(|&x| f64::from(x)).collect()).collect();
        let inputs: Vec<(&[usize], &[f64])> =
            shapes.iter().zip(&inputs).map(|(shape, x)| (shape.as_slice(), x.as_slice())).collect();
        literal::apply(op, &inputs, false).unwrap()
    }

    fn dot(a: &[f32], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(&a, b)| f64::from(a) * b).sum()
    }

    /// `⟨δ, A x⟩ = Σ_i ⟨Aᵢᵀ δ, xᵢ⟩`, and likewise for weights, in which operations are linear too.
    #[test]
    fn adjoints_have_the_same_inner_products() {
        let window = || Window::new(vec![3, 3]).padded(1).strided(2);
        let conv = Conv { weight: tensor(&[6, 2, 3, 3]), bias: None, window: window(), groups: 2 };
        let transposed = ConvTranspose {
            weight: tensor(&[4, 3, 3, 3]),
            bias: None,
            window: window(),
            output_padding: vec![1, 0],
            groups: 2,
        };
        let pool = AvgPool { window: window(), ceil: true, count_include_pad: false };
        let scale = Some(Tensor::new(vec![4, 1, 1], vec![2.0, -1.0, 0.5, 3.0]).unwrap());
        let image = vec![4, 5, 6];
        let operations = [
            (Op::Conv(conv), vec![image.clone()]),
            (Op::ConvTranspose(transposed), vec![image.clone()]),
            (Op::Linear(Linear { weight: tensor(&[3, 6]), bias: None }), vec![image.clone()]),
            (Op::Add(Add { coefficients: vec![1.0, -0.5] }), vec![image.clone(), vec![5, 1]]),
            (Op::Affine(Affine { scale, shift: None }), vec![image.clone()]),
            (Op::AvgPool(pool), vec![image.clone()]),
            (Op::Mean(Mean { axes: vec![1, 2], keep: false }), vec![image.clone()]),
            (Op::Concat(Concat { axis: 1 }), vec![image.clone(), vec![4, 1, 6]]),
            (Op::Reshape(Reshape { shape: vec![120] }), vec![image.clone()]),
            (Op::Transpose(Transpose { perm: vec![2, 0, 1] }), vec![image.clone()]),
            (Op::Select(Select { maps: vec![None, Some(vec![0, 2, 4]), Some(vec![1, 1])] }), vec![image.clone()]),
            (Op::Pad(Pad { before: vec![1, 0, 0], after: vec![0, 1, 0], value: 0.0 }), vec![image.clone()]),
            (Op::MaxPool(MaxPool { window: window(), ceil: false }), vec![image]),
        ];
        for (op, shapes) in operations {
            let inputs: Vec<Vec<f32>> = shapes.iter().enumerate().map(|(i, s)| numbers(volume(s), i)).collect();
            let result = apply(&op, &shapes, &inputs);
            let delta = numbers(result.len(), 77);
            let borrowed: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
            let adjoint = Adjoint::new(&op, &borrowed).unwrap();
            let outer = dot(&delta, &result);
            let mut inner = 0.0;
            let weights = Unfolding::parameters(&op).map_or(&[][..], |(weight, _)| weight.data());
            for (i, x) in inputs.iter().enumerate() {
                let mut gradient = vec![0.0; x.len()];
                adjoint.input(weights, i, x, &delta, &mut gradient);
                inner += x.iter().zip(&gradient).map(|(a, b)| f64::from(a * b)).sum::<f64>();
            }
            assert!((outer - inner).abs() < 1e-3, "{op:?}: {outer} and {inner}");
            let Some((weight, _)) = Unfolding::parameters(&op) else { continue };
            let mut gradient = vec![0.0; weight.len()];
            adjoint.weights(&inputs[0], &delta, &mut gradient);
            let inner: f64 = weight.data().iter().zip(&gradient).map(|(a, b)| f64::from(a * b)).sum();
            assert!((outer - inner).abs() < 1e-3, "{op:?}: {outer} and {inner}");
        }
    }

    #[test]
    fn what_is_not_linear_has_no_adjoint() {
        assert!(Adjoint::new(&Op::Sigmoid, &[&[2]]).is_err());
    }
}
