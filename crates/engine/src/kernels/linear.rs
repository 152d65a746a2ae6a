//! Matrix product with constant weights.

use rayon::prelude::*;
use spikeconverter_graph::ops;

use super::product::{Position, Product};
use super::tile::Offsets;
use super::{Kernel, Threads};

/// Rows whose products are computed together: enough for each weight to be loaded once for many.
const ROWS: usize = 64;

/// `y = W x + b` on the last axis.
pub(super) struct Linear {
    product: Product,
    inputs: usize,
    outputs: usize,
    positions: Vec<Position>,
}

impl Linear {
    /// # Errors
    /// When the matrix has too many columns.
    pub(super) fn new(op: &ops::Linear) -> Result<Self, String> {
        let (inputs, outputs) = (op.inputs(), op.outputs());
        let weight = op.weight.data();
        let bias = |o: usize| op.bias.as_ref().map_or(0.0, |bias| bias.data()[o]);
        let offsets = Offsets::new(0..inputs).ok_or("it has too many inputs")?;
        let product = Product::new(outputs, offsets, |o, k| weight[o * inputs + k], bias);
        let positions = (0..ROWS).map(|row| Position { read: row * inputs, write: row * outputs });
        Ok(Self { product, inputs, outputs, positions: positions.collect() })
    }

    fn rows(&self, x: &[f32], y: &mut [f32]) {
        let rows = y.len() / self.outputs;
        self.product.run(0..self.product.panels(), x, &self.positions[..rows], y, 1);
    }
}

impl Kernel for Linear {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], threads: Threads) {
        let x = inputs[0].chunks(ROWS * self.inputs);
        let y = output.chunks_mut(ROWS * self.outputs);
        match threads {
            Threads::One => x.zip(y).for_each(|(x, y)| self.rows(x, y)),
            Threads::Pool => x.zip(y).par_bridge().for_each(|(x, y)| self.rows(x, y)),
        }
    }
}
