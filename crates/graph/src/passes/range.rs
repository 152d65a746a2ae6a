//! Bounds on values that follow from activations, through operations that move values without changing them.

use crate::ops::{Activation, Window};
use crate::{Graph, NodeId, Op};

/// All values lie in `[low, high]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) low: f32,
    pub(super) high: f32,
}

impl Range {
    /// Nothing is known.
    const ALL: Self = Self { low: f32::NEG_INFINITY, high: f32::INFINITY };

    /// What an activation of the clipping kind lets through.
    pub(super) fn of(activation: &Activation) -> Option<Self> {
        match activation {
            Activation::Relu => Some(Self { low: 0.0, high: f32::INFINITY }),
            &Activation::Clip { low, high } => Some(Self { low, high }),
            Activation::Leaky { .. } => None,
        }
    }

    /// The range of values of this range, clipped to `clip`.
    pub(super) fn clipped(self, clip: Self) -> Self {
        let clip = |x: f32| x.max(clip.low).min(clip.high);
        Self { low: clip(self.low), high: clip(self.high) }
    }

    /// Whether all values of this range lie in `other`.
    pub(super) fn within(self, other: Self) -> bool {
        self.low >= other.low && self.high <= other.high
    }

    fn union(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }
}

/// The range of each node. Sums and means are left out on purpose: an activation after them is one that the network
/// means to have, though it may change nothing.
pub(super) fn ranges(graph: &Graph) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::with_capacity(graph.nodes().len());
    for id in graph.ids() {
        ranges.push(range(graph, id, &ranges));
    }
    ranges
}

fn range(graph: &Graph, id: NodeId, ranges: &[Range]) -> Range {
    let node = graph.node(id);
    let Some(input) = node.inputs.iter().map(|i| ranges[i.0]).reduce(Range::union) else {
        return Range::ALL;
    };
    match &node.op {
        Op::Activation(activation) => Range::of(activation).map_or(Range::ALL, |clip| input.clipped(clip)),
        Op::MaxPool(pool) if sees_input(&pool.window, &graph.node(node.inputs[0]).shape, &node.shape) => input,
        Op::Concat(_) | Op::Reshape(_) | Op::Transpose(_) | Op::Select(_) => input,
        Op::Pad(pad) => input.union(Range { low: pad.value, high: pad.value }),
        _ => Range::ALL,
    }
}

/// Whether each window holds at least one element of the input (shapes with their channels).
pub(super) fn sees_input(window: &Window, input: &[usize], output: &[usize]) -> bool {
    (0..window.rank()).all(|axis| {
        let inside = window.pad_begin[axis]..window.pad_begin[axis] + input[axis + 1];
        (0..output[axis + 1]).all(|at| {
            (0..window.kernel[axis])
                .any(|tap| inside.contains(&(at * window.stride[axis] + tap * window.dilation[axis])))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping_a_range() {
        let six = Range { low: 0.0, high: 6.0 };
        assert_eq!(Range::ALL.clipped(six), six);
        assert_eq!(Range { low: -5.0, high: -1.0 }.clipped(six), Range { low: 0.0, high: 0.0 });
        assert!(six.within(Range::ALL) && !Range::ALL.within(six));
    }

    #[test]
    fn a_dilated_window_may_see_only_padding() {
        let mut window = Window::new(vec![2]).padded(1);
        assert!(sees_input(&window, &[1, 1], &[1, 2]));
        window.dilation = vec![2];
        assert!(!sees_input(&window, &[1, 1], &[1, 1]));
    }
}
