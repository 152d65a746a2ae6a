/// How the batch axis of the inputs is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BatchAxis {
    /// Axis 0 of each input counts samples, whatever extent the file declares for it.
    #[default]
    Leading,
    /// There is no batch axis: each input tensor as a whole is one sample.
    None,
}

/// Choices of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportOptions {
    /// Where the batch axis is.
    pub batch: BatchAxis,
    /// Shape of the input per sample (without the batch axis), in place of the declared one. Only for a network with
    /// one input; needed where the file leaves extents other than the batch open.
    pub input_shape: Option<Vec<usize>>,
}
