//! Nearest-neighbour resizing: each result index reads one input index.

use spikeconverter_graph::{Op, ops};

use super::Outcome;
use crate::context::{Context, Done, axis, check_extent};
use crate::problem::{Problem, invalid, unsupported};
use crate::value::{Data, Number, across_samples};

/// How a result index maps to a position in the input, and that to an index.
#[derive(Debug, Clone)]
struct Rule {
    coordinate: String,
    rounding: String,
}

impl Rule {
    /// Position in the input of result index `i`, for extents `from` → `to` at scale `scale`.
    fn position(&self, i: usize, from: usize, to: usize, scale: f32) -> Result<f32, Problem> {
        let x = i as f32;
        let (length, result) = (from as f32, to as f32);
        Ok(match self.coordinate.as_str() {
            "pytorch_half_pixel" | "align_corners" if to == 1 => 0.0,
            "half_pixel" | "pytorch_half_pixel" => (x + 0.5) / scale - 0.5,
            "half_pixel_symmetric" => {
                let adjustment = result / (scale * length);
                length / 2.0 * (1.0 - adjustment) + (x + 0.5) / scale - 0.5
            }
            "align_corners" => x * (length - 1.0) / (result - 1.0),
            "asymmetric" => x / scale,
            "tf_half_pixel_for_nn" => (x + 0.5) / scale,
            other => {
                return Err(unsupported(format!("coordinate transformation `{other}` has no counterpart here"))
                    .remedy("export with asymmetric, half_pixel or align_corners"));
            }
        })
    }

    fn index(&self, position: f32, from: usize, scale: f32) -> Result<usize, Problem> {
        let tie = position.fract().abs() == 0.5;
        let rounded = match self.rounding.as_str() {
            "round_prefer_floor" if tie => position.floor(),
            "round_prefer_ceil" if tie => position.ceil(),
            "round_prefer_floor" | "round_prefer_ceil" => position.round(),
            // Before opset 11: truncation when enlarging, the next index when shrinking.
            "simple" if scale < 1.0 => position.ceil(),
            "floor" | "simple" => position.floor(),
            "ceil" => position.ceil(),
            other => return Err(invalid(format!("nearest_mode `{other}` does not exist"))),
        };
        Ok(rounded.clamp(0.0, (from - 1) as f32) as usize)
    }
}

/// Scale and result extent of one axis.
#[derive(Debug, Clone, Copy)]
struct Target {
    scale: f32,
    extent: usize,
}

pub(super) fn upsample(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let scales = match ctx.optional_constant(1, "scales")? {
        Some(scales) => scales.to_tensor()?.data().to_vec(),
        None => ctx.floats("scales").ok_or_else(|| invalid("its scales are missing"))?.to_vec(),
    };
    resized(ctx, &input, &scales, &simple())
}

fn simple() -> Rule {
    Rule { coordinate: "asymmetric".into(), rounding: "simple".into() }
}

pub(super) fn resize(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    if ctx.opset < 11 {
        let scales = ctx.tensor(1, "scales")?.data().to_vec();
        return resized(ctx, &input, &scales, &simple());
    }
    let rule = Rule {
        coordinate: ctx.text("coordinate_transformation_mode", "half_pixel"),
        rounding: ctx.text("nearest_mode", "round_prefer_floor"),
    };
    let rank = input.rank();
    let axes = match ctx.ints("axes") {
        Some(list) if !list.is_empty() => list.iter().map(|&a| axis(a, rank)).collect::<Result<Vec<_>, _>>()?,
        _ => (0..rank).collect(),
    };
    let scales = ctx.optional_constant(2, "scales")?.filter(|scales| scales.len() > 0);
    if let Some(scales) = scales {
        let given = scales.to_tensor()?;
        if given.len() != axes.len() {
            return Err(invalid(format!("{} scales for {} axes", given.len(), axes.len())));
        }
        let mut all = vec![1.0; rank];
        for (&axis, &scale) in axes.iter().zip(given.data()) {
            all[axis] = scale;
        }
        return resized(ctx, &input, &all, &rule);
    }
    let sizes = ctx.constant(3, "sizes")?.to_numbers();
    if sizes.len() != axes.len() {
        return Err(invalid(format!("{} sizes for {} axes", sizes.len(), axes.len())));
    }
    let policy = ctx.text("keep_aspect_ratio_policy", "stretch");
    let targets = sized(&input, &axes, &sizes, &policy, ctx.state.declared)?;
    apply(ctx, &input, &targets, &rule)
}

/// Targets from wanted extents.
fn sized(
    input: &Data,
    axes: &[usize],
    sizes: &[Number],
    policy: &str,
    declared: Option<usize>,
) -> Result<Vec<Target>, Problem> {
    let mut targets: Vec<Target> = input.shape.iter().map(|&extent| Target { scale: 1.0, extent }).collect();
    let mut chosen = Vec::new();
    for (&axis, size) in axes.iter().zip(sizes) {
        match (input.sample_axis(axis), size.as_plain()) {
            (None, None) if *size == Number::BATCH => {}
            (None, Some(n)) if declared.is_some_and(|d| d as f64 == n) || (declared.is_none() && n == 1.0) => {}
            (None, _) => return Err(across_samples("resizes the batch axis")),
            (Some(own), Some(n)) if n >= 1.0 => {
                let extent = n as usize;
                targets[own] = Target { scale: extent as f32 / input.shape[own] as f32, extent };
                chosen.push(own);
            }
            _ => return Err(invalid("its sizes must be positive")),
        }
    }
    let scales = chosen.iter().map(|&own| targets[own].scale);
    let common = match policy {
        "stretch" => None,
        "not_larger" => scales.reduce(f32::min),
        "not_smaller" => scales.reduce(f32::max),
        other => return Err(invalid(format!("keep_aspect_ratio_policy `{other}` does not exist"))),
    };
    if let Some(scale) = common {
        for own in chosen {
            let extent = (scale * input.shape[own] as f32 + 0.5).floor() as usize;
            targets[own] = Target { scale, extent };
        }
    }
    Ok(targets)
}

/// Targets from scales of all axes of the file's tensor.
fn resized(ctx: &mut Context<'_>, input: &Data, scales: &[f32], rule: &Rule) -> Outcome {
    if scales.len() != input.rank() {
        return Err(invalid(format!("{} scales for {} axes", scales.len(), input.rank())));
    }
    let mut targets = Vec::with_capacity(input.shape.len());
    for (axis, &scale) in scales.iter().enumerate() {
        let Some(own) = input.sample_axis(axis) else {
            if scale != 1.0 {
                return Err(across_samples("resizes the batch axis"));
            }
            continue;
        };
        let extent = (input.shape[own] as f32 * scale).floor();
        if !(scale > 0.0 && (1.0..1e9).contains(&extent)) {
            return Err(invalid(format!("scale {scale} of an axis of extent {}", input.shape[own])));
        }
        targets.push(Target { scale, extent: extent as usize });
    }
    apply(ctx, input, &targets, rule)
}

fn apply(ctx: &mut Context<'_>, input: &Data, targets: &[Target], rule: &Rule) -> Outcome {
    let mode = ctx.text("mode", "nearest");
    let mut maps = Vec::with_capacity(targets.len());
    for (&from, target) in input.shape.iter().zip(targets) {
        if target.scale == 1.0 && target.extent == from {
            maps.push(None);
            continue;
        }
        if mode != "nearest" {
            return Err(unsupported(format!("its mode is `{mode}`"))
                .remedy("use nearest-neighbour resizing, or a transposed convolution"));
        }
        check_extent(target.extent)?;
        let map = (0..target.extent)
            .map(|i| rule.index(rule.position(i, from, target.extent, target.scale)?, from, target.scale))
            .collect::<Result<Vec<_>, _>>()?;
        maps.push(Some(map).filter(|map| !map.iter().copied().eq(0..from)));
    }
    if maps.iter().all(Option::is_none) {
        return Ok(Done::removed(input.clone()));
    }
    let node = ctx.emit(Op::Select(ops::Select { maps }), &[input.node])?;
    Ok(Done::imported(ctx.value(node, input.batch)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(coordinate: &str, rounding: &str, from: usize, to: usize) -> Vec<usize> {
        let rule = Rule { coordinate: coordinate.into(), rounding: rounding.into() };
        let scale = to as f32 / from as f32;
        (0..to).map(|i| rule.index(rule.position(i, from, to, scale).unwrap(), from, scale).unwrap()).collect()
    }

    #[test]
    fn doubling() {
        assert_eq!(map("asymmetric", "floor", 2, 4), [0, 0, 1, 1]);
        assert_eq!(map("half_pixel", "round_prefer_floor", 2, 4), [0, 0, 1, 1]);
        assert_eq!(map("align_corners", "round_prefer_floor", 2, 4), [0, 0, 1, 1]);
        assert_eq!(map("tf_half_pixel_for_nn", "floor", 2, 4), [0, 0, 1, 1]);
        assert_eq!(map("asymmetric", "ceil", 2, 4), [0, 1, 1, 1]);
        assert_eq!(map("asymmetric", "round_prefer_ceil", 2, 4), [0, 1, 1, 1]);
    }

    #[test]
    fn shrinking() {
        assert_eq!(map("half_pixel", "round_prefer_floor", 4, 2), [0, 2]);
        assert_eq!(map("half_pixel", "round_prefer_ceil", 4, 2), [1, 3]);
        assert_eq!(map("pytorch_half_pixel", "round_prefer_floor", 4, 1), [0]);
    }
}
