//! Takes affine maps off a value: the value as it is without them, and the one map that they are together.

use super::compose::{Map, merge};
use super::field::Field;
use super::fold_after;
use super::rewrite::{Sketch, View};
use crate::ops::Concat;
use crate::{NodeId, Op};

/// How many operations a search for affine maps passes at most: real networks have a handful in a row.
const MOST_STEPS: usize = 64;

/// A value without its affine maps.
pub(super) struct Peeled {
    /// The node, or an expression in the sketch, that is left.
    pub(super) core: NodeId,
    /// What the maps do together to it.
    pub(super) map: Map,
    /// Name of the first map found.
    pub(super) name: String,
}

/// Looks for affine maps behind operations that move values or take means. `None` when there are none to take.
pub(super) fn peel<'g>(view: &View<'g>, sketch: &mut Sketch<'g>, id: NodeId) -> Option<Peeled> {
    Peeler { view, sketch, steps: 0 }.peel(id)
}

struct Peeler<'a, 'g> {
    view: &'a View<'g>,
    sketch: &'a mut Sketch<'g>,
    steps: usize,
}

impl Peeler<'_, '_> {
    fn peel(&mut self, id: NodeId) -> Option<Peeled> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return None;
        }
        let node = self.view.node(id);
        match &node.op {
            Op::Affine(affine) if stays(self.view, id) => {
                let core = self.view.input(id)?;
                Some(Peeled { core, map: Map::of(affine, &node.shape)?, name: node.name.clone() })
            }
            Op::Transpose(t) => self.through(id, |map| map.map(|field| Some(field.permuted(&t.perm)))),
            Op::Reshape(r) => self.through(id, |map| map.map(|field| field.reshaped(&r.shape))),
            Op::Select(s) => self.through(id, |map| map.map(|field| field.selected(s))),
            // What padding adds is neither scaled nor shifted.
            Op::Pad(p) => {
                self.through(id, |map| Some(Map { scale: map.scale.padded(p, 1.0)?, shift: map.shift.padded(p, 0.0)? }))
            }
            Op::Mean(m) if self.view.sole(id) => self.through(id, |map| {
                let scale = map.scale.without(&m.axes)?.reshaped(&node.shape)?;
                Some(Map { scale, shift: map.shift.mean(&m.axes)?.reshaped(&node.shape)? })
            }),
            Op::AvgPool(p) if self.view.sole(id) && !p.window.is_padded() => self.through(id, |map| {
                let spatial: Vec<usize> = (1..node.shape.len()).collect();
                map.map(|field| field.without(&spatial)?.repeated(&node.shape))
            }),
            Op::Concat(concat) => self.join(id, concat),
            _ => None,
        }
    }

    /// An operation with one input: what is left of the input goes through it, and the map through `route`.
    fn through(&mut self, id: NodeId, route: impl Fn(Map) -> Option<Map>) -> Option<Peeled> {
        let inner = self.peel(self.view.input(id)?)?;
        let core = self.sketch.add(self.view.name(id), self.view.op(id).clone(), &[inner.core])?;
        Some(Peeled { core, map: route(inner.map)?, name: inner.name })
    }

    /// A concatenation: at least one branch has a map.
    fn join(&mut self, id: NodeId, concat: &Concat) -> Option<Peeled> {
        let mut cores = Vec::new();
        let mut maps = Vec::new();
        let mut name = None;
        for &branch in &self.view.node(id).inputs {
            if let Some(peeled) = self.peel(branch) {
                cores.push(peeled.core);
                maps.push(peeled.map);
                name.get_or_insert(peeled.name);
            } else {
                cores.push(branch);
                maps.push(Map::identity(self.view.shape(branch)));
            }
        }
        let name = name?;
        let core = self.sketch.add(self.view.name(id), self.view.op(id).clone(), &cores)?;
        let (scales, shifts): (Vec<_>, Vec<_>) = maps.into_iter().map(|map| (map.scale, map.shift)).unzip();
        let map = Map { scale: Field::concatenated(concat, &scales)?, shift: Field::concatenated(concat, &shifts)? };
        Some(Peeled { core, map, name })
    }
}

/// Whether an affine map is at rest: nothing folds it into what is before it, now or after other rules had their turn.
fn stays(view: &View<'_>, id: NodeId) -> bool {
    let waits = view.input(id).is_none_or(|input| matches!(view.op(input), Op::Transpose(_) | Op::Reshape(_)));
    !waits && merge(view, id).is_none() && fold_after::fold(view, id).is_none()
}
