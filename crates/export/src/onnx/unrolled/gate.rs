//! The maximum of spike trains, step by step: of the inputs in a window that have sent what the result sent so far, the
//! largest spike passes, and those that sent less drop out.

use spikeconverter_graph::ops::MaxPool;

use super::Train;
use crate::onnx::ops::{LOWEST, Value, pad_with, trailing};
use crate::onnx::writer::Writer;

/// The train of the maxima, of shape `shape` a sample.
pub(super) fn lower(w: &mut Writer, name: &str, pool: &MaxPool, shape: &[usize], arriving: &Train) -> Train {
    let mut alive: Option<Vec<String>> = None;
    let last = arriving.len();
    arriving
        .iter()
        .zip(1..)
        .map(|(current, t)| {
            let current = current.as_ref()?;
            let of = |what: &str| format!("{name}@{t}/{what}");
            let taps = taps(w, &of("tap"), pool, shape, current);
            let living: Vec<String> = match &alive {
                None => taps.clone(),
                Some(alive) => {
                    let lowest = w.reals("lowest", &[], current.real, std::iter::once(LOWEST));
                    let living = taps.iter().zip(alive);
                    living
                        .map(|(tap, alive)| w.node("Where", &of("living"), &[alive, tap, &lowest], Vec::new()))
                        .collect()
                }
            };
            let names: Vec<&str> = living.iter().map(String::as_str).collect();
            let largest = w.node("Max", &format!("{name}@{t}"), &names, Vec::new());
            if t < last {
                let agree: Vec<String> =
                    living.iter().map(|tap| w.node("Equal", &of("agrees"), &[tap, &largest], Vec::new())).collect();
                alive = Some(agree);
            }
            Some(Value { name: largest, shape: shape.to_vec(), ..current.clone() })
        })
        .collect()
}

/// The input that each tap of the window reads, a value for each tap; padding holds the lowest number.
fn taps(w: &mut Writer, name: &str, pool: &MaxPool, shape: &[usize], x: &Value) -> Vec<String> {
    let window = &pool.window;
    let side = |pads: &[usize]| std::iter::once(0).chain(pads.iter().copied()).collect::<Vec<_>>();
    let after = side(&trailing(window, &x.shape[1..], &shape[1..]));
    let padded = pad_with(w, &format!("{name}/pad"), x, (&side(&window.pad_begin), &after), LOWEST);
    let axes: Vec<i64> = (0..window.rank()).map(|axis| axis as i64 + 2).collect();
    let axes = w.integers(&format!("{name}/axes"), &axes);
    let steps: Vec<i64> = window.stride.iter().map(|&n| n as i64).collect();
    let steps = w.integers(&format!("{name}/steps"), &steps);
    (0..window.taps())
        .map(|mut tap| {
            let mut start = vec![0; window.rank()];
            for axis in (0..window.rank()).rev() {
                start[axis] = ((tap % window.kernel[axis]) * window.dilation[axis]) as i64;
                tap /= window.kernel[axis];
            }
            let end = |axis: usize| start[axis] + ((shape[axis + 1] - 1) * window.stride[axis]) as i64 + 1;
            let ends: Vec<i64> = (0..window.rank()).map(end).collect();
            let starts = w.integers(&format!("{name}/starts"), &start);
            let ends = w.integers(&format!("{name}/ends"), &ends);
            w.node("Slice", name, &[&padded, &starts, &ends, &axes, &steps], Vec::new())
        })
        .collect()
}
