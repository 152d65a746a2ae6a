//! Operations of the graph as ONNX operators.

use spikeconverter_graph::ops::{Activation, Add, Affine, AvgPool, MaxPool, Select, Softmax, Window};
use spikeconverter_graph::{Op, Tensor, volume};

use super::weighted::weighted;
use super::writer::{Real, Writer, int, ints};
use crate::ExportError;
use crate::bounds::{self, Range};

/// `f32` holds all integers below this; a divisor and a rounding step may come on top of a membrane.
pub(super) const SINGLE: i128 = 1 << 24;
/// The same of `f64`.
const DOUBLE: i128 = 1 << 52;

/// A value of the graph under construction.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) name: String,
    pub(super) real: Real,
    /// Extents of a sample.
    pub(super) shape: Vec<usize>,
    /// In an integer network what it can be.
    pub(super) range: Option<Range>,
}

/// The type that holds all values of a range exactly.
pub(super) fn real_for(range: Range) -> Option<Real> {
    let significant = range.magnitude() >> range.shift;
    if significant < SINGLE {
        Some(Real::Single)
    } else if significant < DOUBLE {
        Some(Real::Double)
    } else {
        None
    }
}

/// Applies `op`, as the node `name`, whose weights belong to `owner` (the same for all time steps).
pub(super) fn apply(
    w: &mut Writer,
    (name, owner): (&str, &str),
    op: &Op,
    inputs: &[Value],
    constants: bool,
) -> Result<Value, ExportError> {
    let shapes: Vec<&[usize]> = inputs.iter().map(|value| value.shape.as_slice()).collect();
    let shape = op.output_shape(&shapes).map_err(|reason| ExportError::node(owner, reason))?;
    let ranges: Option<Vec<Range>> = inputs.iter().map(|value| value.range).collect();
    let range = ranges.filter(|_| is_synaptic(op)).map(|ranges| bounds::of_op(op, &ranges, constants));
    let real = match range {
        Some(range) => real_for(range).ok_or_else(|| {
            let reason = "its sums can exceed 2^52, which no number type of ONNX Runtime's convolutions holds exactly";
            ExportError::node(owner, reason)
        })?,
        None => inputs.iter().map(|value| value.real).max().unwrap_or(Real::Single),
    };
    let result = |name: String, real: Real| Value { name, real, shape: shape.clone(), range };
    let x = &inputs[0];
    let same = |w: &mut Writer, operator: &str, attributes| {
        let y = w.node(operator, name, &[&x.name], attributes);
        result(y, x.real)
    };
    Ok(match op {
        Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) => {
            if range.is_some() && bounds::largest_weights(op) >= SINGLE {
                let reason =
                    "its weights add up to 2^24 and more for one result, where sums in f32 are no longer exact";
                return Err(ExportError::node(owner, reason));
            }
            result(weighted(w, (name, owner), op, x, real, constants), real)
        }
        Op::Affine(op) => {
            let x = cast(w, x, real);
            result(affine(w, name, op, &x, constants), real)
        }
        Op::Add(op) => {
            let inputs: Vec<Value> = inputs.iter().map(|value| cast(w, value, real)).collect();
            result(add(w, name, op, &inputs, shape.len()), real)
        }
        Op::Concat(op) => {
            let inputs: Vec<Value> = inputs.iter().map(|value| cast(w, value, real)).collect();
            let names: Vec<&str> = inputs.iter().map(|value| value.name.as_str()).collect();
            result(w.node("Concat", name, &names, vec![int("axis", op.axis + 1)]), real)
        }
        Op::Reshape(_) => result(reshape(w, name, &x.name, &shape), x.real),
        Op::Transpose(op) => {
            same(w, "Transpose", vec![ints("perm", std::iter::once(0).chain(op.perm.iter().map(|p| p + 1)))])
        }
        Op::Select(op) => result(select(w, name, op, x), x.real),
        Op::Pad(op) => {
            let x = cast(w, x, real);
            let value = if constants { f64::from(op.value) } else { 0.0 };
            result(pad_with(w, name, &x, (&op.before, &op.after), value), real)
        }
        Op::Activation(op) => result(activation(w, name, op, x), x.real),
        Op::MaxPool(op) => result(max_pool(w, name, op, x, &shape), x.real),
        Op::AvgPool(op) => result(average(w, name, op, x, &shape), x.real),
        Op::Mean(op) => {
            let axes = ints("axes", op.axes.iter().map(|axis| axis + 1));
            same(w, "ReduceMean", vec![axes, int("keepdims", usize::from(op.keep))])
        }
        Op::Softmax(op) => result(softmax(w, name, op, x), x.real),
        Op::Sigmoid => same(w, "Sigmoid", Vec::new()),
        Op::ArgMax(op) => {
            let attributes = vec![
                int("axis", op.axis + 1),
                int("keepdims", usize::from(op.keep)),
                int("select_last_index", usize::from(op.select_last)),
            ];
            let index = w.node("ArgMax", &format!("{name}/index"), &[&x.name], attributes);
            let to = int("to", Real::Single.code() as usize);
            result(w.node("Cast", name, &[&index], vec![to]), Real::Single)
        }
        Op::Input => return Err(ExportError::node(owner, "an input within the network")),
    })
}

/// What can stand between neurons; anything else may hold any numbers.
fn is_synaptic(op: &Op) -> bool {
    !matches!(op, Op::Activation(_) | Op::AvgPool(_) | Op::Mean(_) | Op::Softmax(_) | Op::Sigmoid | Op::ArgMax(_))
}

/// The same value in another number type.
pub(super) fn cast(w: &mut Writer, value: &Value, real: Real) -> Value {
    if value.real == real {
        return value.clone();
    }
    let name = w.node("Cast", &format!("{}/cast", value.name), &[&value.name], vec![int("to", real.code() as usize)]);
    Value { name, real, ..value.clone() }
}

/// Applies an operator to a value and numbers that broadcast to it.
pub(super) fn with_constant(
    w: &mut Writer,
    operator: &str,
    name: &str,
    x: &Value,
    shape: &[usize],
    values: &[f64],
) -> String {
    let constant = w.reals(&format!("{name}/constant"), shape, x.real, values.iter().copied());
    w.node(operator, name, &[&x.name, &constant], Vec::new())
}

pub(super) fn tensor(t: &Tensor) -> (Vec<usize>, Vec<f64>) {
    (t.shape().to_vec(), t.data().iter().map(|&x| f64::from(x)).collect())
}

pub(super) fn window(window: &Window) -> Vec<spikeconverter_onnx::proto::AttributeProto> {
    vec![
        ints("kernel_shape", window.kernel.iter().copied()),
        ints("strides", window.stride.iter().copied()),
        ints("dilations", window.dilation.iter().copied()),
        ints("pads", window.pad_begin.iter().chain(&window.pad_end).copied()),
    ]
}

fn affine(w: &mut Writer, name: &str, op: &Affine, x: &Value, constants: bool) -> String {
    let shift = op.shift.as_ref().filter(|_| constants);
    let scaled = |w: &mut Writer, name: &str, scale: &Tensor| {
        let (shape, values) = tensor(scale);
        with_constant(w, "Mul", name, x, &shape, &values)
    };
    match (&op.scale, shift) {
        (None, None) => w.node("Identity", name, &[&x.name], Vec::new()),
        (Some(scale), None) => scaled(w, name, scale),
        (scale, Some(shift)) => {
            let x = match scale {
                Some(scale) => Value { name: scaled(w, &format!("{name}/scale"), scale), ..x.clone() },
                None => x.clone(),
            };
            let (shape, values) = tensor(shift);
            with_constant(w, "Add", name, &x, &shape, &values)
        }
    }
}

/// Branches of lower rank get leading axes, since the batch is not theirs to be aligned with.
fn add(w: &mut Writer, name: &str, op: &Add, inputs: &[Value], rank: usize) -> String {
    let mut total: Option<String> = None;
    for (i, (x, &coefficient)) in inputs.iter().zip(&op.coefficients).enumerate() {
        let mut x = x.clone();
        if x.shape.len() < rank && inputs.len() > 1 {
            let mut shape = vec![1; rank - x.shape.len()];
            shape.extend(&x.shape);
            x = Value { name: reshape(w, &format!("{name}/branch{i}/shape"), &x.name, &shape), shape, ..x };
        }
        let last = i + 1 == inputs.len();
        if coefficient != 1.0 {
            let own = if last && i == 0 { name.to_owned() } else { format!("{name}/branch{i}") };
            x.name = with_constant(w, "Mul", &own, &x, &[], &[f64::from(coefficient)]);
        }
        total = Some(match total {
            None => x.name,
            Some(so_far) => {
                let own = if last { name.to_owned() } else { format!("{name}/sum{i}") };
                w.node("Add", &own, &[&so_far, &x.name], Vec::new())
            }
        });
    }
    total.unwrap_or_default()
}

/// A value under another per-sample shape.
pub(super) fn reshape(w: &mut Writer, name: &str, x: &str, shape: &[usize]) -> String {
    // 0: the batch stays
    let extents: Vec<i64> = std::iter::once(0).chain(shape.iter().map(|&n| n as i64)).collect();
    let shape = w.integers(&format!("{name}/shape"), &extents);
    w.node("Reshape", name, &[x, &shape], Vec::new())
}

fn select(w: &mut Writer, name: &str, op: &Select, x: &Value) -> String {
    let chosen: Vec<(usize, &Vec<usize>)> =
        op.maps.iter().enumerate().filter_map(|(axis, map)| Some((axis, map.as_ref()?))).collect();
    let mut y = x.name.clone();
    for (i, (axis, map)) in chosen.iter().enumerate() {
        let own = if i + 1 == chosen.len() { name.to_owned() } else { format!("{name}/axis{axis}") };
        let indices: Vec<i64> = map.iter().map(|&n| n as i64).collect();
        let indices = w.integers(&format!("{own}/indices"), &indices);
        y = w.node("Gather", &own, &[&y, &indices], vec![int("axis", axis + 1)]);
    }
    if chosen.is_empty() { w.node("Identity", name, &[&y], Vec::new()) } else { y }
}

/// Pads the axes of a sample.
pub(super) fn pad_with(
    w: &mut Writer,
    name: &str,
    x: &Value,
    (before, after): (&[usize], &[usize]),
    value: f64,
) -> String {
    let side = |side: &[usize]| std::iter::once(0).chain(side.iter().map(|&n| n as i64)).collect::<Vec<i64>>();
    let pads = w.integers(&format!("{name}/pads"), &[side(before), side(after)].concat());
    let value = w.reals(&format!("{name}/value"), &[], x.real, std::iter::once(value));
    w.node("Pad", name, &[&x.name, &pads, &value], Vec::new())
}

fn activation(w: &mut Writer, name: &str, op: &Activation, x: &Value) -> String {
    match op {
        Activation::Relu => w.node("Relu", name, &[&x.name], Vec::new()),
        Activation::Clip { low, high } => clip(w, name, x, Some(*low), Some(*high)),
        Activation::Leaky { slope } => {
            let (shape, values) = tensor(slope);
            with_constant(w, "PRelu", name, x, &shape, &values)
        }
    }
}

/// Bounds, of which infinite ones are none.
pub(super) fn clip(w: &mut Writer, name: &str, x: &Value, low: Option<f32>, high: Option<f32>) -> String {
    let mut bound = |bound: Option<f32>| {
        bound
            .filter(|b| b.is_finite())
            .map(|b| w.reals(&format!("{name}/bound"), &[], x.real, std::iter::once(f64::from(b))))
    };
    let (low, high) = (bound(low), bound(high));
    match (low, high) {
        (None, None) => x.name.clone(),
        (low, None) => w.node("Clip", name, &[&x.name, &low.unwrap_or_default()], Vec::new()),
        (low, Some(high)) => w.node("Clip", name, &[&x.name, &low.unwrap_or_default(), &high], Vec::new()),
    }
}

/// Padding behind the last element with which all windows of a pool with these results lie within the padded input.
/// Runtimes disagree on which incomplete windows count, so that none are left.
pub(super) fn trailing(window: &Window, input: &[usize], output: &[usize]) -> Vec<usize> {
    (0..window.rank())
        .map(|axis| {
            let end = (output[axis] - 1) * window.stride[axis] + window.reach(axis);
            end.saturating_sub(input[axis] + window.pad_begin[axis])
        })
        .collect()
}

/// The lowest number: what padding holds that must never be a maximum.
pub(super) const LOWEST: f64 = f32::MIN as f64;

pub(super) fn max_pool(w: &mut Writer, name: &str, op: &MaxPool, x: &Value, shape: &[usize]) -> String {
    let pad_end = trailing(&op.window, &x.shape[1..], &shape[1..]);
    let mut window_of = Window { pad_end, ..op.window.clone() };
    let mut x = x.clone();
    let wide = |pads: &[usize]| pads.iter().zip(&op.window.kernel).any(|(pad, kernel)| pad >= kernel);
    if wide(&window_of.pad_begin) || wide(&window_of.pad_end) {
        // operators refuse padding as wide as their windows, which dilated windows may have
        let side = |pads: &[usize]| std::iter::once(0).chain(pads.iter().copied()).collect::<Vec<_>>();
        let (before, after) = (side(&window_of.pad_begin), side(&window_of.pad_end));
        x.name = pad_with(w, &format!("{name}/pad"), &x, (&before, &after), LOWEST);
        window_of.pad_begin.fill(0);
        window_of.pad_end.fill(0);
    }
    w.node("MaxPool", name, &[&x.name], window(&window_of))
}

fn average(w: &mut Writer, name: &str, op: &AvgPool, x: &Value, shape: &[usize]) -> String {
    let plain = !op.window.is_padded() && op.window.dilation.iter().all(|&d| d == 1);
    let pad_end = trailing(&op.window, &x.shape[1..], &shape[1..]);
    if plain && pad_end.iter().all(|&pad| pad == 0) {
        let attributes = vec![
            ints("kernel_shape", op.window.kernel.iter().copied()),
            ints("strides", op.window.stride.iter().copied()),
        ];
        return w.node("AveragePool", name, &[&x.name], attributes);
    }
    // sums over each window, divided by what it counts
    let channels = shape[0];
    let mut weight = vec![channels, 1];
    weight.extend(&op.window.kernel);
    let ones = w.reals(&format!("{name}/ones"), &weight, x.real, std::iter::repeat_n(1.0, volume(&weight)));
    let mut attributes = window(&Window { pad_end, ..op.window.clone() });
    attributes.push(int("group", channels));
    let sums = w.node("Conv", &format!("{name}/sums"), &[&x.name, &ones], attributes);
    let extents = &shape[1..];
    let divisors = (0..volume(extents)).map(|mut position| {
        let mut index = vec![0; extents.len()];
        for axis in (0..extents.len()).rev() {
            index[axis] = position % extents[axis];
            position /= extents[axis];
        }
        f64::from(op.divisor(&index, &x.shape[1..]))
    });
    let divisors: Vec<f64> = divisors.collect();
    with_constant(w, "Div", name, &Value { name: sums, ..x.clone() }, extents, &divisors)
}

fn softmax(w: &mut Writer, name: &str, op: &Softmax, x: &Value) -> String {
    let operator = if op.log { "LogSoftmax" } else { "Softmax" };
    if let [axis] = op.axes.as_slice() {
        return w.node(operator, name, &[&x.name], vec![int("axis", axis + 1)]);
    }
    // over several axes together: their volume as one last axis, and back
    let rest: Vec<usize> = (0..x.shape.len()).filter(|axis| !op.axes.contains(axis)).collect();
    let order: Vec<usize> = rest.iter().chain(&op.axes).copied().collect();
    let perm = |order: &[usize]| vec![ints("perm", std::iter::once(0).chain(order.iter().map(|axis| axis + 1)))];
    let turned = w.node("Transpose", &format!("{name}/turn"), &[&x.name], perm(&order));
    let turned_shape: Vec<usize> = order.iter().map(|&axis| x.shape[axis]).collect();
    let flat = vec![volume(&turned_shape[..rest.len()]), volume(&turned_shape[rest.len()..])];
    let flat = reshape(w, &format!("{name}/flat"), &turned, &flat);
    let y = w.node(operator, &format!("{name}/rows"), &[&flat], vec![int("axis", 2)]);
    let y = reshape(w, &format!("{name}/unflat"), &y, &turned_shape);
    let mut back = vec![0; order.len()];
    for (to, &from) in order.iter().enumerate() {
        back[from] = to;
    }
    w.node("Transpose", name, &[&y], perm(&back))
}
