//! Passes that bring a graph to its normal form.
//!
//! A pass is a *rule* on one node: it says which expression over other nodes computes the same value more simply, or
//! nothing. [`normalise`] applies all rules to a fixed point. What the rules fold, they fold in `f64` and round once;
//! a fold whose result would leave `f32` is not made. Nodes keep the names of the user's file: where two become one
//! (a convolution and the batch norm after it), the one that carries the weights, else the earlier one, lends its name.
//!
//! | file | what it does |
//! |---|---|
//! | `identity` | drops operations that change nothing, shares routing that is done twice |
//! | `activation` | gives activations one form, merges neighbours |
//! | `transpose` | lets transposes sink towards the head until they cancel |
//! | `reshape` | merges reshapes, lets them sink below pointwise operations |
//! | `flatten` | a transpose before a flattened matrix product permutes its columns |
//! | `pad` | padding becomes part of the window that reads it |
//! | `compose` | neighbouring affine maps become one |
//! | `fold_after` | an affine map after weights goes into them |
//! | `fold_before` | an affine map before weights goes into them, exact at padded borders |
//! | `input_normalisation` | the data's normalisation becomes part of the network |
//!
//! The remaining files are what the rules share: how a graph is rewritten (`rewrite`), constants in `f64` (`field`),
//! bounds on values (`range`), weights between channels (`synapses`), the search for affine maps (`peel`).
//!
//! Not folded, because the result would not be the same, or would cost more: a map into weights whose value something
//! else reads; a scale that varies over space; a shift that varies over space, which stays as an affine map behind the
//! weights; a map before or after a maximum or a nonlinearity; coefficients of a sum; padding of channels, or with a
//! value that a window could see; and a transpose that meets a branch without one.

mod activation;
mod compose;
mod field;
mod flatten;
mod fold_after;
mod fold_before;
mod identity;
mod input_normalisation;
mod pad;
mod peel;
mod range;
mod reshape;
mod rewrite;
mod synapses;
#[cfg(test)]
mod testing;
mod transpose;

pub use input_normalisation::fold_input_normalisation;

use crate::{Graph, GraphError};
use rewrite::{Rule, distinct_names, pruned, sweep};

/// All rules, in the order in which they are tried on a node.
const RULES: &[Rule] = &[
    identity::remove,
    identity::share,
    activation::simplify,
    transpose::sink,
    reshape::simplify,
    reshape::sink,
    pad::fold,
    compose::merge,
    fold_after::fold,
    fold_before::fold,
    flatten::permute,
];

/// The graph in normal form: it computes the same (up to the rounding of folded weights), with only the nodes that
/// its outputs need. Inputs are kept, in order, whether or not they are needed.
///
/// # Errors
/// [`GraphError`] when the graph itself is not consistent.
pub fn normalise(graph: &Graph) -> Result<Graph, GraphError> {
    let mut graph = pruned(graph)?;
    // Every rule removes a node or moves one in a fixed direction; the bound only guards against an oversight.
    for _ in 0..64 + 8 * graph.nodes().len() {
        match sweep(&graph, RULES)? {
            Some(simpler) => graph = pruned(&simpler)?,
            None => break,
        }
    }
    distinct_names(&graph)
}
