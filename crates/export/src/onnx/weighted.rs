//! Operations with weights, so that the sums of integers are exact.

use spikeconverter_graph::{Op, Tensor};

use super::ops::{SINGLE, Value, cast, tensor, window, with_constant};
use super::writer::{Real, Writer, int, ints};
use crate::bounds::{self, Range};

/// A convolution, transposed convolution or matrix product. These exist for `f32` alone, whose sums of integers are exact
/// below 2^24: where the sums of an integer network can be larger, the input is taken apart into digits with which they
/// cannot, and the sums of each digit are put together in `f64`.
pub(super) fn weighted(
    w: &mut Writer,
    (name, owner): (&str, &str),
    op: &Op,
    x: &Value,
    real: Real,
    constants: bool,
) -> String {
    let bias = bounds::bias(op).filter(|_| constants);
    let largest = bounds::largest_weights(op).max(1);
    let Some(range) = x.range else { return product(w, (name, owner), op, &x.name, bias, x.shape.len()) };
    let input = range.magnitude() >> range.shift;
    let sums = largest.saturating_mul(input);
    let biggest = bias.map_or(0, |b| bounds::of_constants(b.data()).magnitude());
    if sums.saturating_mul(1 << range.shift).saturating_add(biggest) < SINGLE || (bias.is_none() && sums < SINGLE) {
        let x = cast(w, x, Real::Single);
        let y = product(w, (name, owner), op, &x.name, bias, x.shape.len());
        return cast(w, &Value { name: y, ..x }, real).name;
    }
    let total = if sums < SINGLE {
        let x = cast(w, x, Real::Single);
        let y = product(w, (&format!("{name}/sum"), owner), op, &x.name, None, x.shape.len());
        cast(w, &Value { name: y, ..x }, real)
    } else {
        by_digits(w, (name, owner), op, x, largest)
    };
    let Some(bias) = bias else { return cast(w, &total, real).name };
    let (_, values) = tensor(bias);
    let mut shape = vec![values.len()];
    if !matches!(op, Op::Linear(_)) {
        shape.extend(vec![1; x.shape.len() - 1]);
    }
    let y = with_constant(w, "Add", name, &total, &shape, &values);
    // the digits' bound is of magnitudes, and wider than the result's own
    cast(w, &Value { name: y, ..total }, real).name
}

/// `Σ_p 2^(b·p) · op(digit p of x)` with digits of as many bits as keep every sum below 2^24.
fn by_digits(w: &mut Writer, (name, owner): (&str, &str), op: &Op, x: &Value, largest: i128) -> Value {
    let range = x.range.unwrap_or(Range::new(0, 0));
    let mut bits = 1;
    while largest.saturating_mul((1 << (bits + 1)) - 1) < SINGLE {
        bits += 1;
    }
    let digits = (128 - range.magnitude().leading_zeros()).div_ceil(bits).max(1);
    let base = (1u64 << bits) as f64;
    // the last digit keeps what is left, with the sign
    let mut rest = cast(w, x, Real::Double);
    let mut total: Option<Value> = None;
    for digit in 0..digits {
        let of = |what: &str| format!("{name}/digit{digit}/{what}");
        let own = if digit + 1 == digits {
            rest.clone()
        } else {
            let shifted = with_constant(w, "Div", &of("shift"), &rest, &[], &[base]);
            let above = w.node("Floor", &of("above"), &[&shifted], Vec::new());
            let above = Value { name: above, ..rest.clone() };
            let taken = with_constant(w, "Mul", &of("taken"), &above, &[], &[base]);
            let own = w.node("Sub", &of("value"), &[&rest.name, &taken], Vec::new());
            rest = above;
            Value { name: own, ..rest.clone() }
        };
        let own = cast(w, &own, Real::Single);
        let sum = product(w, (&of("sum"), owner), op, &own.name, None, x.shape.len());
        let sum = cast(w, &Value { name: sum, ..own }, Real::Double);
        let weighted = if digit == 0 {
            sum
        } else {
            let name = with_constant(w, "Mul", &of("weighted"), &sum, &[], &[base.powi(digit as i32)]);
            Value { name, ..sum }
        };
        total = Some(match total {
            None => weighted,
            Some(so_far) => {
                let name = w.node("Add", &of("total"), &[&so_far.name, &weighted.name], Vec::new());
                Value { name, ..so_far }
            }
        });
    }
    total.unwrap_or(rest)
}

/// The operator with weights itself, in `f32`.
fn product(
    w: &mut Writer,
    (name, owner): (&str, &str),
    op: &Op,
    x: &str,
    bias: Option<&Tensor>,
    rank: usize,
) -> String {
    let mut constant = |role: &str, t: &Tensor| {
        let values = t.data().iter().map(|&x| f64::from(x));
        w.once(&format!("{owner}.{role}"), t.shape(), values)
    };
    let (operator, weight, attributes) = match op {
        Op::Conv(op) => {
            let mut attributes = window(&op.window);
            attributes.push(int("group", op.groups));
            ("Conv", constant("weight", &op.weight), attributes)
        }
        Op::ConvTranspose(op) => {
            let mut attributes = window(&op.window);
            attributes.push(ints("output_padding", op.output_padding.iter().copied()));
            attributes.push(int("group", op.groups));
            ("ConvTranspose", constant("weight", &op.weight), attributes)
        }
        Op::Linear(op) if rank == 1 => ("Gemm", constant("weight", &op.weight), vec![int("transB", 1)]),
        Op::Linear(op) => ("MatMul", constant("weight_t", &op.weight.transposed(&[1, 0])), Vec::new()),
        _ => return x.to_owned(),
    };
    let bias = bias.map(|bias| constant("bias", bias));
    match (operator, bias) {
        ("MatMul", Some(bias)) => {
            let y = w.node("MatMul", &format!("{name}/product"), &[x, &weight], Vec::new());
            w.node("Add", name, &[&y, &bias], Vec::new())
        }
        (_, Some(bias)) => w.node(operator, name, &[x, &weight, &bias], attributes),
        (_, None) => w.node(operator, name, &[x, &weight], attributes),
    }
}
