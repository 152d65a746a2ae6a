//! What a name in the file stands for during import: a constant, or data that flows through the network.

mod align;
mod constant;
mod data;
mod number;

pub(crate) use align::{Operand, align, broadcast};
pub(crate) use constant::{Constant, Kind, checked_volume, strides};
pub(crate) use data::{Data, Dim, across_samples};
pub(crate) use number::Number;

/// What a name in the file stands for.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// Depends on the input: a node of the graph.
    Data(Data),
    /// Known at import.
    Constant(Constant),
    /// Would be computed by this node, which could not be imported.
    Missing(String),
    /// Has no counterpart here; the text says what it is.
    Foreign(String),
}
