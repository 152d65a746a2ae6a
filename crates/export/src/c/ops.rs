//! Synaptic operations and maxima as loops.

use spikeconverter_graph::ops::{Add, Affine, Conv, ConvTranspose, Linear, MaxPool, Window};
use spikeconverter_graph::{Op, Tensor, volume};

use super::text::{Arrays, Code, Int, broadcast_strides, position, strides};
use crate::ExportError;
use crate::bounds::{self, Range};

/// Where a value lies, as the loops see it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// An expression for its first element.
    pub(super) name: String,
    pub(super) int: Int,
    pub(super) shape: Vec<usize>,
    pub(super) range: Range,
}

/// A function that applies `op` to places.
pub(super) struct Function<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// What its constants are named after: the same for all functions of a node.
    pub(super) owner: &'a str,
    /// The node's name in the network.
    pub(super) node: &'a str,
    pub(super) op: &'a Op,
    pub(super) inputs: &'a [Place],
    pub(super) output: &'a Place,
    /// Whether constants are added only where the argument `first` says so, or always.
    pub(super) stepwise: bool,
}

/// Whether an operation has constants, which act in the first step alone.
pub(super) fn has_constants(op: &Op) -> bool {
    match op {
        Op::Affine(affine) => affine.shift.is_some(),
        Op::Pad(pad) => pad.value != 0.0,
        _ => bounds::bias(op).is_some(),
    }
}

impl Function<'_> {
    /// The call of this function; `first` is an expression.
    pub(super) fn call(&self, first: &str) -> String {
        if self.takes_first() { format!("{}({first});", self.name) } else { format!("{}();", self.name) }
    }

    fn takes_first(&self) -> bool {
        self.stepwise && has_constants(self.op)
    }

    /// A constant as it acts.
    fn constant(&self, constant: &str) -> String {
        if self.takes_first() { format!("(first ? {constant} : 0)") } else { constant.to_owned() }
    }

    /// Defines the function, and the constants that it reads.
    pub(super) fn define(&self, arrays: &mut Arrays, code: &mut Code) -> Result<(), ExportError> {
        let parameter = if self.takes_first() { "int first" } else { "void" };
        code.open(&format!("static void {}({parameter})", self.name));
        match self.op {
            Op::Conv(op) => self.conv(op, arrays, code)?,
            Op::ConvTranspose(op) => self.conv_transpose(op, arrays, code)?,
            Op::Linear(op) => self.linear(op, arrays, code)?,
            Op::Affine(affine) => self.affine(affine, arrays, code)?,
            Op::Add(add) => self.add(add, code)?,
            Op::Concat(concat) => {
                let mut offset = 0;
                for x in self.inputs {
                    let start = offset * strides(&self.output.shape)[concat.axis];
                    self.copy(x, start, code);
                    offset += x.shape[concat.axis];
                }
            }
            Op::Reshape(_) => {
                code.count("i", volume(&self.output.shape));
                self.store(code, "i", &format!("{}[i]", self.inputs[0].name));
                code.close();
            }
            Op::Transpose(transpose) => {
                let own = strides(&self.inputs[0].shape);
                let from: Vec<usize> = transpose.perm.iter().map(|&axis| own[axis]).collect();
                let i = code.walk(&self.output.shape);
                self.store(
                    code,
                    &at(&strides(&self.output.shape), &i),
                    &format!("{}[{}]", self.inputs[0].name, at(&from, &i)),
                );
                code.close_all(i.len());
            }
            Op::Select(select) => {
                let own = strides(&self.inputs[0].shape);
                let i = code.walk(&self.output.shape);
                let mut terms = Vec::new();
                for (axis, map) in select.maps.iter().enumerate() {
                    let index = match map {
                        None => i[axis].clone(),
                        Some(map) => {
                            let name = format!("{}_map{axis}", self.owner);
                            arrays.array(Int::I32, &name, map.iter().map(|&index| index as i64));
                            format!("{name}[{}]", i[axis])
                        }
                    };
                    terms.push((own[axis], index));
                }
                let read = format!("{}[{}]", self.inputs[0].name, position(&terms));
                self.store(code, &at(&strides(&self.output.shape), &i), &read);
                code.close_all(i.len());
            }
            Op::Pad(pad) => {
                code.count("i", volume(&self.output.shape));
                let value = self.constant(&format!("({})", pad.value as i64));
                self.store(code, "i", &value);
                code.close();
                let to = strides(&self.output.shape);
                let start = to.iter().zip(&pad.before).map(|(stride, before)| stride * before).sum();
                self.copy(&self.inputs[0], start, code);
            }
            other => {
                return Err(ExportError::node(
                    self.node,
                    format!("{} is no synaptic operation of integers", other.kind()),
                ));
            }
        }
        code.close();
        Ok(())
    }

    /// `y = scale · x + shift`.
    fn affine(&self, affine: &Affine, arrays: &mut Arrays, code: &mut Code) -> Result<(), ExportError> {
        let shape = &self.output.shape;
        // the scaled value is at most the result and the constant away from 0
        let shift = affine.shift.as_ref().map_or(0, |shift| bounds::of_constants(shift.data()).magnitude());
        let magnitude = self.output.range.magnitude().max(self.inputs[0].range.magnitude());
        let int = self.computing(magnitude.saturating_add(shift))?;
        let i = code.walk(shape);
        let mut value = format!("({}){}[{}]", int.name(), self.inputs[0].name, at(&strides(shape), &i));
        if let Some(scale) = &affine.scale {
            let factor = self.constants(arrays, "scale", scale);
            value = format!("{factor}[{}] * {value}", at(&broadcast_strides(scale.shape(), shape), &i));
        }
        if let Some(shift) = &affine.shift {
            let summand = self.constants(arrays, "shift", shift);
            let summand = format!("{summand}[{}]", at(&broadcast_strides(shift.shape(), shape), &i));
            value = format!("{value} + {}", self.constant(&summand));
        }
        self.store(code, &at(&strides(shape), &i), &value);
        code.close_all(shape.len());
        Ok(())
    }

    /// `y = Σ_i coefficient_i · x_i`.
    fn add(&self, add: &Add, code: &mut Code) -> Result<(), ExportError> {
        let shape = &self.output.shape;
        let terms = self
            .inputs
            .iter()
            .zip(&add.coefficients)
            .fold(0i128, |sum, (x, &c)| sum.saturating_add(x.range.magnitude().saturating_mul((c as i128).abs())));
        let int = self.computing(terms)?;
        let i = code.walk(shape);
        let terms = self.inputs.iter().zip(&add.coefficients).map(|(x, &c)| {
            let x = format!("({}){}[{}]", int.name(), x.name, at(&broadcast_strides(&x.shape, shape), &i));
            if c == 1.0 { x } else { format!("({}) * {x}", c as i64) }
        });
        let sum = terms.collect::<Vec<_>>().join(" + ");
        self.store(code, &at(&strides(shape), &i), &sum);
        code.close_all(shape.len());
        Ok(())
    }

    /// Copies a value into the result, from this position on.
    fn copy(&self, x: &Place, start: usize, code: &mut Code) {
        let i = code.walk(&x.shape);
        let to = format!("{start} + {}", at(&strides(&self.output.shape), &i));
        self.store(code, &to, &format!("{}[{}]", x.name, at(&strides(&x.shape), &i)));
        code.close_all(i.len());
    }

    fn store(&self, code: &mut Code, at: &str, value: &str) {
        code.line(&format!("{}[{at}] = ({})({value});", self.output.name, self.output.int.name()));
    }

    fn computing(&self, magnitude: i128) -> Result<Int, ExportError> {
        Int::computing(magnitude)
            .ok_or_else(|| ExportError::node(self.node, "its sums can exceed the integers of 64 bits"))
    }

    fn constants(&self, arrays: &mut Arrays, what: &str, tensor: &Tensor) -> String {
        let name = format!("{}_{what}", self.owner);
        arrays.array(Int::I32, &name, tensor.data().iter().map(|&x| x as i64));
        name
    }

    /// Weights, the constants to start from as an expression of the result channel, and the type of the sums.
    fn weights(
        &self,
        weight: &Tensor,
        arrays: &mut Arrays,
        channel: &str,
    ) -> Result<(String, String, Int), ExportError> {
        let name = format!("{}_weight", self.owner);
        arrays.array(Int::I8, &name, weight.data().iter().map(|&w| w as i64));
        let bias = bounds::bias(self.op);
        let biggest = bias.map_or(0, |b| bounds::of_constants(b.data()).magnitude());
        let sums = bounds::largest_weights(self.op).saturating_mul(self.inputs[0].range.magnitude());
        let int = self.computing(sums.saturating_add(biggest))?;
        let start = match bias {
            Some(bias) => {
                let bias = self.constants(arrays, "bias", bias);
                self.constant(&format!("{bias}[{channel}]"))
            }
            None => "0".into(),
        };
        Ok((name, start, int))
    }

    fn conv(&self, op: &Conv, arrays: &mut Arrays, code: &mut Code) -> Result<(), ExportError> {
        let (x, y) = (&self.inputs[0], &self.output.shape);
        let (weight, start, int) = self.weights(&op.weight, arrays, "o")?;
        let channels = op.weight.shape()[1];
        let outputs = y[0] / op.groups;
        let spatial = plane(&x.shape[1..], 1);
        let out = plane(&y[1..], 1);
        let taps = plane(&op.window.kernel, 1);
        code.count("o", y[0]);
        code.count("oy", out[0]);
        code.count("ox", out[1]);
        code.line(&format!("{} sum = {start};", int.name()));
        code.count("c", channels);
        let opened = windows(code, &op.window, spatial);
        let group = if op.groups == 1 { "c".to_owned() } else { format!("(o / {outputs} * {channels} + c)") };
        let synapse = format!("{weight}[((o * {channels} + c) * {} + ky) * {} + kx]", taps[0], taps[1]);
        let read = format!("{}[({group} * {} + iy) * {} + ix]", x.name, spatial[0], spatial[1]);
        code.line(&format!("sum += ({}){synapse} * {read};", int.name()));
        code.close_all(opened + 1);
        self.store(code, &format!("(o * {} + oy) * {} + ox", out[0], out[1]), "sum");
        code.close_all(3);
        Ok(())
    }

    /// Each result gathers the inputs whose taps land on it.
    fn conv_transpose(&self, op: &ConvTranspose, arrays: &mut Arrays, code: &mut Code) -> Result<(), ExportError> {
        let (x, y) = (&self.inputs[0], &self.output.shape);
        let (weight, start, int) = self.weights(&op.weight, arrays, "o")?;
        let outputs = op.weight.shape()[1];
        let inputs = x.shape[0] / op.groups;
        let spatial = plane(&x.shape[1..], 1);
        let out = plane(&y[1..], 1);
        let taps = plane(&op.window.kernel, 1);
        let (stride, dilation) = (plane(&op.window.stride, 1), plane(&op.window.dilation, 1));
        let pad = plane(&op.window.pad_begin, 0);
        code.count("o", y[0]);
        code.count("oy", out[0]);
        code.count("ox", out[1]);
        code.line(&format!("{} sum = {start};", int.name()));
        code.count("c", inputs);
        for (axis, (k, at, o)) in [("ky", "iy", "oy"), ("kx", "ix", "ox")].into_iter().enumerate() {
            code.count(k, taps[axis]);
            code.line(&format!("const int32_t p{at} = {o} + {} - {k} * {};", pad[axis], dilation[axis]));
            let (stride, extent) = (stride[axis], spatial[axis]);
            code.open(&format!("if (p{at} < 0 || p{at} % {stride} != 0 || p{at} / {stride} >= {extent})"));
            code.line("continue;");
            code.close();
            code.line(&format!("const int32_t {at} = p{at} / {stride};"));
        }
        let channel = if op.groups == 1 { "c".to_owned() } else { format!("(o / {outputs} * {inputs} + c)") };
        let own = if op.groups == 1 { "o".to_owned() } else { format!("o % {outputs}") };
        let synapse = format!("{weight}[(({channel} * {outputs} + {own}) * {} + ky) * {} + kx]", taps[0], taps[1]);
        let read = format!("{}[({channel} * {} + iy) * {} + ix]", x.name, spatial[0], spatial[1]);
        code.line(&format!("sum += ({}){synapse} * {read};", int.name()));
        code.close_all(3);
        self.store(code, &format!("(o * {} + oy) * {} + ox", out[0], out[1]), "sum");
        code.close_all(3);
        Ok(())
    }

    fn linear(&self, op: &Linear, arrays: &mut Arrays, code: &mut Code) -> Result<(), ExportError> {
        let (weight, start, int) = self.weights(&op.weight, arrays, "o")?;
        let (inputs, outputs) = (op.inputs(), op.outputs());
        code.count("row", volume(&self.output.shape) / outputs);
        code.count("o", outputs);
        code.line(&format!("{} sum = {start};", int.name()));
        code.count("i", inputs);
        let read = format!("{}[row * {inputs} + i]", self.inputs[0].name);
        code.line(&format!("sum += ({}){weight}[o * {inputs} + i] * {read};", int.name()));
        code.close();
        self.store(code, &format!("row * {outputs} + o"), "sum");
        code.close_all(2);
        Ok(())
    }
}

fn at(strides: &[usize], variables: &[String]) -> String {
    let terms: Vec<(usize, String)> = strides.iter().copied().zip(variables.iter().cloned()).collect();
    position(&terms)
}

/// Spatial extents as height and width; a sequence has height `missing`.
pub(super) fn plane(spatial: &[usize], missing: usize) -> [usize; 2] {
    match *spatial {
        [height, width, ..] => [height, width],
        [width] => [missing, width],
        [] => [missing, missing],
    }
}

/// Loops over the taps of the window at `oy`, `ox` that lie within the input: `ky`, `kx` and the positions `iy`, `ix`. Gives
/// the number of blocks opened.
pub(super) fn windows(code: &mut Code, window: &Window, spatial: [usize; 2]) -> usize {
    let taps = plane(&window.kernel, 1);
    let (stride, dilation) = (plane(&window.stride, 1), plane(&window.dilation, 1));
    let before = plane(&window.pad_begin, 0);
    for (axis, (k, at, o)) in [("ky", "iy", "oy"), ("kx", "ix", "ox")].into_iter().enumerate() {
        code.count(k, taps[axis]);
        let terms = position(&[(stride[axis], o.to_owned()), (dilation[axis], k.to_owned())]);
        let pad = if before[axis] > 0 { format!(" - {}", before[axis]) } else { String::new() };
        code.line(&format!("const int32_t {at} = {terms}{pad};"));
        let mut outside = Vec::new();
        if before[axis] > 0 {
            outside.push(format!("{at} < 0"));
        }
        // pools may run over the end without padding
        outside.push(format!("{at} >= {}", spatial[axis]));
        code.open(&format!("if ({})", outside.join(" || ")));
        code.line("continue;");
        code.close();
    }
    2
}

/// Opens loops over the results of a pool: `c`, `oy`, `ox`; then declares `best`, the maximum of the window. Gives the number
/// of blocks opened.
pub(super) fn maxima(code: &mut Code, pool: &MaxPool, x: &Place, shape: &[usize], int: Int) -> usize {
    let (spatial, out) = (plane(&x.shape[1..], 1), plane(&shape[1..], 1));
    code.count("c", shape[0]);
    code.count("oy", out[0]);
    code.count("ox", out[1]);
    code.line(&format!("{} best = ({});", int.name(), x.range.low));
    let opened = windows(code, &pool.window, spatial);
    let read = format!("{}[(c * {} + iy) * {} + ix]", x.name, spatial[0], spatial[1]);
    code.open(&format!("if ({read} > best)"));
    code.line(&format!("best = {read};"));
    code.close_all(opened + 1);
    3
}

/// Refuses pools with windows that hold nothing but padding: their maximum is no integer.
pub(super) fn check_windows(node: &str, pool: &MaxPool, input: &[usize], output: &[usize]) -> Result<(), ExportError> {
    let window = &pool.window;
    let reads = |axis: usize, at: usize| {
        (0..window.kernel[axis]).any(|tap| {
            let padded = at * window.stride[axis] + tap * window.dilation[axis];
            padded.checked_sub(window.pad_begin[axis]).is_some_and(|i| i < input[axis + 1])
        })
    };
    if (0..window.rank()).all(|axis| (0..output[axis + 1]).all(|at| reads(axis, at))) {
        Ok(())
    } else {
        Err(ExportError::node(node, "some of its windows hold nothing but padding, whose maximum is no integer"))
    }
}
