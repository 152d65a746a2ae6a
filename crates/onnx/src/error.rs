use thiserror::Error;

/// Why a file gives no graph. Each message is one sentence that names the file, the place in it and a remedy.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// The file cannot be read.
    #[error("cannot read `{file}`: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file has no bytes.
    #[error("`{file}` is empty; export or copy the model again")]
    Empty {
        /// The file.
        file: String,
    },
    /// The file is not an ONNX model.
    #[error("`{file}` is not an ONNX model ({reason}); export the model with torch.onnx.export or tf2onnx")]
    NotOnnx {
        /// The file.
        file: String,
        /// What was found.
        reason: String,
    },
    /// The file ends before the model does, or its middle is damaged.
    #[error("`{file}` is cut short or damaged ({reason}); copy or export it again")]
    Damaged {
        /// The file.
        file: String,
        /// What was found.
        reason: String,
    },
    /// The operator set is too old, or none is named.
    #[error(
        "`{file}` uses {found}; opset 7 is the oldest that is read: convert it with onnx.version_converter or export it again"
    )]
    Opset {
        /// The file.
        file: String,
        /// The version found.
        found: String,
    },
    /// An input of the network has no usable shape.
    #[error("`{file}`: input `{input}` {reason}; {remedy}")]
    Input {
        /// The file.
        file: String,
        /// Name of the input.
        input: String,
        /// What is wrong with it.
        reason: String,
        /// What helps.
        remedy: String,
    },
    /// A result of the network has no usable value.
    #[error("`{file}`: output `{output}` {reason}")]
    Output {
        /// The file.
        file: String,
        /// Name of the output.
        output: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The network has no results.
    #[error("`{file}` declares no output; export the model again with its outputs named")]
    NoOutput {
        /// The file.
        file: String,
    },
    /// A constant's declaration does not match its data.
    #[error("`{file}`: tensor `{tensor}` {reason}; export the model again")]
    Tensor {
        /// The file.
        file: String,
        /// Name of the tensor.
        tensor: String,
        /// What does not match.
        reason: String,
    },
    /// A constant lies in another file that cannot or must not be read.
    #[error("`{file}`: tensor `{tensor}` keeps its data in another file, {reason}; {remedy}")]
    ExternalData {
        /// The file.
        file: String,
        /// Name of the tensor.
        tensor: String,
        /// Why it is not read.
        reason: String,
        /// What helps.
        remedy: String,
    },
    /// A node reads, or the network returns, a value that nothing computes.
    #[error("`{file}`: {reader} reads `{value}`, which no input, initializer or node defines; export the model again")]
    Undefined {
        /// The file.
        file: String,
        /// Who reads it.
        reader: String,
        /// Name of the value.
        value: String,
    },
    /// Two places define the same value.
    #[error("`{file}`: value `{value}` is defined twice, the second time by node `{node}`; export the model again")]
    Duplicate {
        /// The file.
        file: String,
        /// The second node.
        node: String,
        /// Name of the value.
        value: String,
    },
    /// A node reads its own result, perhaps by way of others.
    #[error("`{file}`: node `{node}` depends on its own result; export the model again")]
    Cycle {
        /// The file.
        file: String,
        /// A node on the cycle.
        node: String,
    },
    /// A node has no counterpart here.
    #[error("`{file}`: node `{node}` ({op}) is not supported: {reason}{}", remedy.as_ref().map(|r| format!("; {r}")).unwrap_or_default())]
    Unsupported {
        /// The file.
        file: String,
        /// Name of the node.
        node: String,
        /// Its operator.
        op: String,
        /// Why not.
        reason: String,
        /// What helps.
        remedy: Option<String>,
    },
    /// A node contradicts its inputs or the ONNX specification.
    #[error("`{file}`: node `{node}` ({op}) is malformed: {reason}; check the model with onnx.checker")]
    Invalid {
        /// The file.
        file: String,
        /// Name of the node.
        node: String,
        /// Its operator.
        op: String,
        /// What does not fit.
        reason: String,
    },
    /// A weight is NaN or infinite.
    #[error("`{file}`: node `{node}`: {what} holds {value} at position {position}; retrain or repair the model")]
    NonFinite {
        /// The file.
        file: String,
        /// Name of the node that uses the weight.
        node: String,
        /// Which constant: the initializer's name where it is known.
        what: String,
        /// The offending value, as text.
        value: String,
        /// Index in the flattened tensor.
        position: usize,
    },
    /// Evaluating the file's constants would take more memory than any network this is for.
    #[error(
        "`{file}`: node `{node}` makes the constants exceed {limit} elements; simplify the model, e.g. with onnxslim"
    )]
    TooLarge {
        /// The file.
        file: String,
        /// Name of the node.
        node: String,
        /// The bound.
        limit: usize,
    },
}
