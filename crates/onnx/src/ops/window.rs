//! Kernel, stride, dilation and padding of convolutions and pools.

use spikeconverter_graph::{NodeId, ops::Window};

use crate::context::{Context, extents};
use crate::problem::{Problem, invalid, unsupported};
use crate::value::Data;

/// Largest kernel, stride or dilation; keeps products far from overflow.
const MAX: usize = 1 << 20;

/// How an ONNX node pads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AutoPad {
    NotSet,
    Valid,
    SameUpper,
    SameLower,
}

impl AutoPad {
    pub(super) fn of(ctx: &Context<'_>) -> Result<Self, Problem> {
        match ctx.text("auto_pad", "NOTSET").as_str() {
            "NOTSET" | "" => Ok(Self::NotSet),
            "VALID" => Ok(Self::Valid),
            "SAME_UPPER" => Ok(Self::SameUpper),
            "SAME_LOWER" => Ok(Self::SameLower),
            other => Err(invalid(format!("auto_pad `{other}` does not exist"))),
        }
    }
}

/// The window of a node over spatial extents `spatial`, padding resolved (that of `SAME` as for a convolution).
pub(super) fn window(ctx: &Context<'_>, kernel: Vec<usize>, spatial: &[usize]) -> Result<Window, Problem> {
    let rank = kernel.len();
    if !(1..=2).contains(&rank) {
        return Err(unsupported(format!("it has {rank} spatial axes; one and two are supported")));
    }
    if spatial.len() != rank {
        return Err(invalid(format!("its kernel {kernel:?} does not match spatial extents {spatial:?}")));
    }
    let list = |name: &str, default: usize, length: usize| match ctx.ints(name) {
        None => Ok(vec![default; length]),
        Some(given) if given.len() == length => extents(given, name),
        Some(given) => Err(invalid(format!("its {name} {given:?} should have {length} entries"))),
    };
    let stride = list("strides", 1, rank)?;
    let dilation = list("dilations", 1, rank)?;
    if kernel.iter().chain(&stride).chain(&dilation).any(|&n| n == 0 || n > MAX) {
        return Err(invalid(format!(
            "kernel {kernel:?}, strides {stride:?} and dilations {dilation:?} must lie between 1 and {MAX}"
        )));
    }
    let mut window =
        Window { stride, dilation, pad_begin: vec![0; rank], pad_end: vec![0; rank], ..Window::new(kernel) };
    match AutoPad::of(ctx)? {
        AutoPad::NotSet => {
            let pads = list("pads", 0, 2 * rank)?;
            window.pad_begin.copy_from_slice(&pads[..rank]);
            window.pad_end.copy_from_slice(&pads[rank..]);
        }
        AutoPad::Valid => {}
        same => {
            for (axis, &extent) in spatial.iter().enumerate() {
                let out = extent.div_ceil(window.stride[axis]);
                let total = ((out - 1) * window.stride[axis] + window.reach(axis)).saturating_sub(extent);
                (window.pad_begin[axis], window.pad_end[axis]) = split_padding(total, same);
            }
        }
    }
    Ok(window)
}

/// Padding before and after: the odd one after for `SAME_UPPER`, before otherwise.
pub(super) fn split_padding(total: usize, auto_pad: AutoPad) -> (usize, usize) {
    let small = total / 2;
    if auto_pad == AutoPad::SameUpper { (small, total - small) } else { (total - small, small) }
}

/// A value as an operation on `[C, spatial…]` wants it.
#[derive(Debug)]
pub(super) struct Channelled {
    pub(super) node: NodeId,
    batch: Option<usize>,
}

/// Brings a value to `[C, spatial…]` a sample: its batch axis must lead. Without a batch axis, a leading extent of 1
/// stands for it.
pub(super) fn channelled(ctx: &mut Context<'_>, data: &Data) -> Result<Channelled, Problem> {
    if data.rank() < 3 {
        return Err(unsupported(format!(
            "its input has {} axes; batch, channels and spatial axes are wanted",
            data.rank()
        )));
    }
    match (data.batch, data.shape.as_slice()) {
        (Some(0), _) => Ok(Channelled { node: data.node, batch: data.batch }),
        (Some(axis), _) => Err(unsupported(format!("the batch is axis {axis} of its input, not axis 0"))
            .remedy("keep the batch axis first")),
        (None, [1, rest @ ..]) => {
            let rest = rest.to_vec();
            Ok(Channelled { node: ctx.reshape(data.node, &rest)?, batch: None })
        }
        (None, shape) => Err(unsupported(format!("its input {shape:?} is one sample, but axis 0 counts samples here"))
            .remedy("import with axis 0 as the batch axis")),
    }
}

impl Channelled {
    /// The result's value in the file's layout.
    pub(super) fn restore(&self, ctx: &mut Context<'_>, node: NodeId) -> Result<Data, Problem> {
        if self.batch.is_some() {
            return Ok(ctx.value(node, self.batch));
        }
        let mut shape = vec![1];
        shape.extend(ctx.shape(node));
        let node = ctx.reshape(node, &shape)?;
        Ok(ctx.value(node, None))
    }
}
