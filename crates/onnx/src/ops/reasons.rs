//! Why common operators are not imported, and what helps.

use crate::problem::{Problem, unsupported};

const NO_RULE: &str = "no spiking rule exists for it yet";
const RETRAIN: &str = "replace it by Relu and fine-tune the network";
const FLOAT: &str = "export the float model instead; weights alone may be quantised (DequantizeLinear on constants)";

/// The problem of an operator without a rule.
pub(super) fn unknown(op: &str) -> Problem {
    match op {
        "GRU" | "LSTM" | "RNN" => unsupported("it is recurrent, and only feed-forward networks are converted")
            .remedy("replace it by a convolution over time, or unroll it"),
        "If" | "Loop" | "Scan" | "SequenceMap" => {
            unsupported("it is control flow, and the graph must be the same for every sample")
                .remedy("export with fixed shapes and by tracing, so that no branch or loop remains")
        }
        "Gelu" | "Erf" | "Tanh" | "HardSwish" | "Swish" | "Mish" | "Elu" | "Celu" | "Selu" | "Softplus"
        | "Softsign" | "ThresholdedRelu" | "Shrink" | "Sin" | "Cos" => unsupported(NO_RULE).remedy(RETRAIN),
        "Exp" | "Log" | "Sqrt" | "Reciprocal" | "Abs" | "Sign" | "Floor" | "Ceil" | "Round" | "Mod" => {
            unsupported("it is applied to data, and no spiking rule exists for it").remedy(RETRAIN)
        }
        "LayerNormalization"
        | "GroupNormalization"
        | "InstanceNormalization"
        | "RMSNormalization"
        | "MeanVarianceNormalization"
        | "LpNormalization"
        | "LRN" => unsupported("it normalises by statistics of each sample, and no spiking rule exists for that")
            .remedy("train with batch normalisation, whose statistics are constants"),
        "Attention" | "MultiHeadAttention" | "Einsum" => {
            unsupported("it multiplies values that both depend on the input, and no spiking rule exists for that")
                .remedy("attention is not converted; use a convolutional or fully connected network")
        }
        "QuantizeLinear"
        | "DynamicQuantizeLinear"
        | "DequantizeLinear"
        | "QLinearConv"
        | "QLinearMatMul"
        | "ConvInteger"
        | "MatMulInteger" => unsupported("it quantises activations, which the conversion does itself").remedy(FLOAT),
        "ReduceMin" | "ReduceProd" | "ReduceL1" | "ReduceL2" | "ReduceSumSquare" | "ReduceLogSum"
        | "ReduceLogSumExp" | "LpPool" | "GlobalLpPool" => unsupported(NO_RULE).remedy("use a mean or a maximum"),
        "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "And" | "Or" | "Not" | "Xor" | "Where"
        | "IsNaN" | "IsInf" | "NonZero" => {
            unsupported("it decides on the data of each sample, and no spiking rule exists for that")
                .remedy("only decisions about shapes are evaluated, at import")
        }
        "ConstantOfShape" | "Range" => unsupported("its shape depends on the data").remedy("export with fixed shapes"),
        "TopK" | "NonMaxSuppression" | "ArgMin" | "Unique" | "RoiAlign" | "MaxRoiPool" | "GatherElements"
        | "GatherND" | "ScatterElements" | "ScatterND" | "GridSample" | "Compress" | "CumSum" => {
            unsupported("it selects or moves values by data of each sample, or is post-processing")
                .remedy("cut the model before it and do this step outside the network")
        }
        "Multinomial" | "Bernoulli" | "RandomNormal" | "RandomNormalLike" | "RandomUniform" | "RandomUniformLike" => {
            unsupported("it draws random numbers").remedy("export the model in evaluation mode, model.eval()")
        }
        "StringNormalizer" | "TfIdfVectorizer" | "StringSplit" | "StringConcat" | "RegexFullMatch" => {
            unsupported("it works on text").remedy("do this step outside the network")
        }
        "Conv3D" => unsupported("only one- and two-dimensional convolutions are converted"),
        _ => unsupported(format!("operator {op} is not known here"))
            .remedy("replace it by supported operators, or ask for it with a small model that shows it"),
    }
}
