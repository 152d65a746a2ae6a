//! Change of shape with the batch axis kept apart.

use spikeconverter_graph::{Op, ops, volume};

use super::Outcome;
use crate::context::{Context, Done, axes, axis};
use crate::problem::{Problem, invalid, unsupported};
use crate::value::{Data, Dim, Number};

pub(super) fn reshape(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let target = ctx.constant(1, "shape")?.to_numbers();
    let zero = ctx.flag("allowzero");
    let target = copied_zeros(&target, &input.extents(), zero)?;
    to_shape(ctx, &input, &target)
}

pub(super) fn flatten(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let rank = input.rank();
    let split = ctx.int("axis", 1);
    let split = if split == rank as i64 { rank } else { axis(split, rank)? };
    let extents = input.extents();
    let product = |part: &[Number]| part.iter().try_fold(Number::plain(1.0), |n, &d| n.mul(d));
    let target = [product(&extents[..split])?, product(&extents[split..])?];
    to_shape(ctx, &input, &target)
}

/// An entry of 0 copies the input's extent (unless `allowzero`).
pub(crate) fn copied_zeros(target: &[Number], input: &[Number], allowzero: bool) -> Result<Vec<Number>, Problem> {
    if allowzero {
        return Ok(target.to_vec());
    }
    let copy = |(position, &entry): (usize, &Number)| {
        if entry.value != 0.0 {
            return Ok(entry);
        }
        input.get(position).copied().ok_or_else(|| invalid(format!("entry {position} of its shape copies no axis")))
    };
    target.iter().enumerate().map(copy).collect()
}

/// The same elements under the file's shape `target`, which may hold the batch size and one −1.
fn to_shape(ctx: &mut Context<'_>, input: &Data, target: &[Number]) -> Outcome {
    let dims = resolve(input, target, ctx.state.declared, ctx.state.leading)?;
    let batch = dims.iter().position(|&dim| dim == Dim::Batch);
    let shape: Vec<usize> = fixed(&dims);
    if let (Some(from), Some(to)) = (input.batch, batch)
        && volume(&input.shape[..from]) != volume(&shape[..to])
    {
        return Err(mixes());
    }
    if shape == input.shape {
        return Ok(Done::removed(Data { batch, ..input.clone() }));
    }
    let node = ctx.emit(Op::Reshape(ops::Reshape { shape }), &[input.node])?;
    Ok(Done::imported(Data { integer: input.integer, ..ctx.value(node, batch) }))
}

fn mixes() -> Problem {
    unsupported("its shape moves values between samples").remedy(
        "keep the batch as an axis of its own, e.g. x.flatten(1) or x.view(x.size(0), -1), or export with batch size 1",
    )
}

fn fixed(dims: &[Dim]) -> Vec<usize> {
    let fixed = |dim: &Dim| match dim {
        Dim::Batch => None,
        Dim::Fixed(n) => Some(*n),
    };
    dims.iter().filter_map(fixed).collect()
}

/// Finds the extents, and which of them is the batch axis.
fn resolve(input: &Data, target: &[Number], declared: Option<usize>, leading: bool) -> Result<Vec<Dim>, Problem> {
    let own = input.volume();
    let open = target.iter().position(|n| n.value == -1.0 && n.is_plain());
    if target.iter().skip(open.map_or(0, |i| i + 1)).any(|n| n.value < 0.0) || target.iter().any(|n| n.value < -1.0) {
        return Err(invalid("its shape has negative entries"));
    }
    // A multiple of the batch size is only a number where the file declares the batch size.
    let symbol = |n: &Number| n.power == 1 && n.value == 1.0;
    let others: Vec<Option<usize>> = target
        .iter()
        .enumerate()
        .filter(|&(position, _)| Some(position) != open)
        .map(|(_, n)| match (n.power, declared) {
            _ if symbol(n) => Ok(None),
            (0, _) => Ok(Some(n.value as usize)),
            (1, Some(batch)) => Ok(Some((n.value as usize).saturating_mul(batch))),
            _ => Err(mixes()),
        })
        .collect::<Result<_, _>>()?;
    let product = others.iter().flatten().try_fold(1usize, |n, &d| n.checked_mul(d));
    let product = product.ok_or_else(|| invalid("its shape overflows"))?;
    let symbols = others.iter().filter(|n| n.is_none()).count();
    let quotient = |total: usize| {
        if product > 0 && total.is_multiple_of(product) {
            Ok(total / product)
        } else {
            Err(invalid(format!("its shape does not hold the {total} elements of its input")))
        }
    };
    let with_open = |fill: Dim| {
        let mut dims: Vec<Dim> = others.iter().map(|n| n.map_or(Dim::Batch, Dim::Fixed)).collect();
        if let Some(open) = open {
            dims.insert(open, fill);
        }
        dims
    };
    match (input.batch, symbols) {
        (Some(_), 1) => Ok(with_open(Dim::Fixed(if open.is_some() { quotient(own)? } else { 1 }))),
        // Everything but the batch is spelled out.
        (Some(_), 0) if open.is_some() && product == own => Ok(with_open(Dim::Batch)),
        (Some(axis), 0) => {
            // Only numbers: the file was exported for one batch size, 1 where it does not say.
            let batch = declared.unwrap_or(1);
            let total = own.checked_mul(batch).ok_or_else(|| invalid("its shape overflows"))?;
            let fill = if open.is_some() { quotient(total)? } else { 1 };
            let dims = fixed(&with_open(Dim::Fixed(fill)));
            if dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) != Some(total) {
                if declared.is_none() && open.is_none() {
                    return Err(unsupported(format!("its shape {dims:?} fixes a batch size"))
                        .remedy("export with a dynamic batch axis, or with batch size 1"));
                }
                return Err(invalid(format!("its shape {dims:?} does not hold the {total} elements of its input")));
            }
            if declared.is_none() && open.is_some() {
                return Err(mixes());
            }
            place_batch(&dims, volume(&input.shape[..axis]), batch)
        }
        (None, 0) => {
            let fill = if open.is_some() { quotient(own)? } else { 1 };
            let dims = with_open(Dim::Fixed(fill));
            // The batch axis of extent 1 that was dropped comes back as soon as there is room for it.
            match dims.split_first() {
                Some((Dim::Fixed(1), rest)) if leading => {
                    Ok(std::iter::once(Dim::Batch).chain(rest.iter().copied()).collect())
                }
                _ => Ok(dims),
            }
        }
        _ => Err(mixes()),
    }
}

/// Finds the axis of extent `batch` that has `before` elements a sample before it. A batch of 1 may vanish.
fn place_batch(dims: &[usize], before: usize, batch: usize) -> Result<Vec<Dim>, Problem> {
    let mut lead = 1;
    for (axis, &extent) in dims.iter().enumerate() {
        if lead == before && extent == batch {
            let mut result: Vec<Dim> = dims.iter().map(|&n| Dim::Fixed(n)).collect();
            result[axis] = Dim::Batch;
            return Ok(result);
        }
        lead *= extent;
    }
    if batch == 1 { Ok(dims.iter().map(|&n| Dim::Fixed(n)).collect()) } else { Err(mixes()) }
}

pub(super) fn squeeze(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let dims = input.dims();
    let gone = match ctx.ints_either("axes", 1)? {
        Some(list) => axes(&list, dims.len())?,
        None => (0..dims.len()).filter(|&axis| dims[axis] == Dim::Fixed(1)).collect(),
    };
    for &axis in &gone {
        match dims[axis] {
            Dim::Fixed(1) => {}
            Dim::Batch if ctx.state.declared == Some(1) => {}
            Dim::Batch => {
                return Err(unsupported("it drops the batch axis").remedy("name the axes to drop, e.g. x.squeeze(2)"));
            }
            Dim::Fixed(n) => return Err(invalid(format!("it drops axis {axis}, whose extent is {n}"))),
        }
    }
    let rest: Vec<Dim> = (0..dims.len()).filter(|axis| !gone.contains(axis)).map(|axis| dims[axis]).collect();
    to_dims(ctx, &input, &rest)
}

pub(super) fn unsqueeze(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let list = ctx.ints_either("axes", 1)?.ok_or_else(|| invalid("its axes are missing"))?;
    let added = axes(&list, input.rank() + list.len())?;
    let mut dims = input.dims();
    for axis in added {
        // A dropped batch axis of extent 1 comes back.
        let back = axis == 0 && ctx.state.leading && !dims.contains(&Dim::Batch);
        dims.insert(axis, if back { Dim::Batch } else { Dim::Fixed(1) });
    }
    to_dims(ctx, &input, &dims)
}

fn to_dims(ctx: &mut Context<'_>, input: &Data, dims: &[Dim]) -> Outcome {
    let batch = dims.iter().position(|&dim| dim == Dim::Batch);
    let shape = fixed(dims);
    if shape == input.shape {
        return Ok(Done::removed(Data { batch, ..input.clone() }));
    }
    let node = ctx.emit(Op::Reshape(ops::Reshape { shape }), &[input.node])?;
    Ok(Done::imported(Data { integer: input.integer, ..ctx.value(node, batch) }))
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::NodeId;

    use super::*;

    fn data(shape: &[usize], batch: Option<usize>) -> Data {
        Data { node: NodeId(0), shape: shape.to_vec(), batch, integer: false }
    }

    fn plain(values: &[f64]) -> Vec<Number> {
        values.iter().map(|&v| Number::plain(v)).collect()
    }

    #[test]
    fn the_batch_is_found() {
        let input = data(&[4, 3], Some(0));
        let find = |target: &[f64], declared| resolve(&input, &plain(target), declared, true);
        let flat = vec![Dim::Batch, Dim::Fixed(12)];
        assert_eq!(find(&[-1.0, 12.0], None).unwrap(), flat);
        assert_eq!(find(&[1.0, -1.0], Some(1)).unwrap(), flat);
        assert_eq!(find(&[5.0, -1.0], Some(5)).unwrap(), flat);
        assert_eq!(find(&[1.0, 12.0], None).unwrap(), flat);
        assert_eq!(find(&[12.0], Some(1)).unwrap(), [Dim::Fixed(12)]);
        assert_eq!(find(&[1.0, -1.0, 6.0], Some(1)).unwrap(), [Dim::Batch, Dim::Fixed(2), Dim::Fixed(6)]);
        assert!(find(&[-1.0, 6.0], None).is_err());
        assert!(find(&[-1.0, 6.0], Some(2)).is_err());
        assert!(find(&[7.0, 7.0], None).is_err());
        assert!(find(&[-1.0, -1.0], None).is_err());
    }

    #[test]
    fn symbolic_targets() {
        let input = data(&[4, 3], Some(0));
        let target = [Number::BATCH, Number::plain(-1.0), Number::plain(2.0)];
        assert_eq!(resolve(&input, &target, None, true).unwrap(), [Dim::Batch, Dim::Fixed(6), Dim::Fixed(2)]);
        let double = [Number { value: 2.0, power: 1 }, Number::plain(6.0)];
        assert!(resolve(&input, &double, None, true).is_err());
    }

    #[test]
    fn a_dropped_batch_comes_back() {
        let input = data(&[12], None);
        assert_eq!(resolve(&input, &plain(&[1.0, 12.0]), Some(1), true).unwrap(), [Dim::Batch, Dim::Fixed(12)]);
        assert_eq!(resolve(&input, &plain(&[1.0, 12.0]), None, false).unwrap(), [Dim::Fixed(1), Dim::Fixed(12)]);
    }
}
