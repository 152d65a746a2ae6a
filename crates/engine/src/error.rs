use thiserror::Error;

/// What can be wrong with what an engine is given.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EngineError {
    /// A batch's data does not fill its shape.
    #[error("a batch of {count} samples of shape {shape:?} needs {expected} values but has {found}")]
    Length {
        /// Number of samples.
        count: usize,
        /// Shape of one sample.
        shape: Vec<usize>,
        /// Values needed.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// A batch's shape has no elements, or more than the machine can address.
    #[error("a batch of {count} samples of shape {shape:?} is empty or too large")]
    Volume {
        /// Number of samples.
        count: usize,
        /// Shape of one sample.
        shape: Vec<usize>,
    },
    /// Wrong number of inputs.
    #[error("{what} takes {expected} input(s), was given {found}")]
    InputCount {
        /// Name of the node, or `the network`.
        what: String,
        /// Inputs taken.
        expected: usize,
        /// Inputs given.
        found: usize,
    },
    /// An input of another shape than expected.
    #[error("{what} takes samples of shape {expected:?}, was given {found:?}")]
    InputShape {
        /// Name of the node or of the network's input.
        what: String,
        /// Shape of one sample that is taken.
        expected: Vec<usize>,
        /// Shape of one sample that was given.
        found: Vec<usize>,
    },
    /// Batches that belong together hold different numbers of samples.
    #[error("{what} was given batches of {first} and of {other} samples")]
    SampleCount {
        /// Name of the node, or `the network`.
        what: String,
        /// Samples in the first batch.
        first: usize,
        /// Samples in another one.
        other: usize,
    },
    /// Instructions that this machine does not have.
    #[error("this machine does not have the instructions {isa:?}; it has {available:?}")]
    Instructions {
        /// What was asked for.
        isa: crate::Isa,
        /// What there is.
        available: Vec<crate::Isa>,
    },
    /// An operation that cannot be applied to inputs of these shapes.
    #[error("{what}: {reason}")]
    Op {
        /// Name of the node, or kind of operation.
        what: String,
        /// What does not fit.
        reason: String,
    },
    /// A node that the network does not have.
    #[error("the network has {nodes} nodes, no node number {id}")]
    NoNode {
        /// Number of nodes.
        nodes: usize,
        /// The number asked for.
        id: usize,
    },
    /// A sample holds a value that the network's input cannot encode.
    #[error("{what} takes {wanted}, was given {value}")]
    InputValue {
        /// Name of the network's input.
        what: String,
        /// The value, as text.
        value: String,
        /// What it takes.
        wanted: &'static str,
    },
    /// An engine for networks whose time passes in another way.
    #[error("the {engine} engine runs networks with schedule `{wanted}`, and this one has schedule `{found}`")]
    Simulation {
        /// The engine.
        engine: &'static str,
        /// The schedule that it runs.
        wanted: &'static str,
        /// The network's schedule.
        found: &'static str,
    },
    /// An engine of whole windows for a network whose populations generate before theirs are over.
    #[error(
        "the {engine} engine folds whole windows, and in this network populations fire {delay} steps into a window of {steps}; \
         choose the clocked or the reference engine"
    )]
    Online {
        /// The engine.
        engine: &'static str,
        /// The network's delay.
        delay: u32,
        /// Steps of its windows.
        steps: u32,
    },
    /// Evaluations that are not of the same network.
    #[error("evaluations of different networks cannot be merged: one has the populations {first}, the other {other}")]
    Records {
        /// Populations of one.
        first: String,
        /// Populations of the other.
        other: String,
    },
}
