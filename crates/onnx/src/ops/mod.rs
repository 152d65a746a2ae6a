//! How each ONNX operator becomes graph operations, one family a file, and the table of all of them.
//!
//! Adding an operator: a function in its family's file and its row in [`RULES`].

mod activation;
mod arithmetic;
mod concat;
mod conv;
mod depth;
mod expand;
mod head;
mod identity;
mod linear;
mod norm;
mod pad;
mod pool;
mod reasons;
mod reduce;
mod reshape;
mod resize;
mod select;
mod shape;
mod transpose;
mod window;

pub(crate) use identity::type_of;
pub(crate) use reduce::reduced_axes;
pub(crate) use reshape::copied_zeros;
pub(crate) use select::{indices, parts, ranges};
pub(crate) use shape::part as shape_part;
pub(crate) use transpose::permutation;

use crate::context::{Context, Done};
use crate::fold;
use crate::problem::{Problem, unsupported};
use crate::value::Value;

/// What a rule gives.
pub(crate) type Outcome = Result<Done, Problem>;

type Rule = fn(&mut Context<'_>) -> Outcome;

/// How one operator is imported.
struct Row {
    op: &'static str,
    /// On data that depends on the network's input.
    data: Option<Rule>,
    /// On constants alone.
    fold: Option<Rule>,
}

const fn both(op: &'static str, data: Rule, fold: Rule) -> Row {
    Row { op, data: Some(data), fold: Some(fold) }
}

const fn data(op: &'static str, rule: Rule) -> Row {
    Row { op, data: Some(rule), fold: None }
}

const fn fold(op: &'static str, rule: Rule) -> Row {
    Row { op, data: None, fold: Some(rule) }
}

/// Every operator that is imported.
static RULES: &[Row] = &[
    // synapses
    data("Conv", conv::conv),
    data("ConvTranspose", conv::conv_transpose),
    both("Gemm", linear::gemm, fold::linear::gemm),
    both("MatMul", linear::matmul, fold::linear::matmul),
    data("BatchNormalization", norm::batch_normalization),
    // activations
    both("Relu", activation::relu, fold::elementwise::relu),
    data("LeakyRelu", activation::leaky_relu),
    data("PRelu", activation::prelu),
    data("Clip", activation::clip),
    data("HardSigmoid", activation::hard_sigmoid),
    both("Max", activation::max, fold::elementwise::max),
    both("Min", activation::min, fold::elementwise::min),
    // pooling and reduction
    data("MaxPool", pool::max_pool),
    data("AveragePool", pool::average_pool),
    data("GlobalAveragePool", pool::global_average_pool),
    data("GlobalMaxPool", pool::global_max_pool),
    both("ReduceMean", reduce::mean, fold::reduce::mean),
    both("ReduceSum", reduce::sum, fold::reduce::sum),
    both("ReduceMax", reduce::max, fold::reduce::max),
    fold("ReduceMin", fold::reduce::min),
    fold("ReduceProd", fold::reduce::prod),
    fold("ReduceSumSquare", fold::reduce::sum_square),
    fold("ReduceL2", fold::reduce::l2),
    // arithmetic
    both("Add", arithmetic::add, fold::elementwise::add),
    both("Sub", arithmetic::sub, fold::elementwise::sub),
    both("Mul", arithmetic::mul, fold::elementwise::mul),
    both("Div", arithmetic::div, fold::elementwise::div),
    both("Sum", arithmetic::sum, fold::elementwise::sum),
    data("Mean", arithmetic::mean),
    both("Neg", arithmetic::neg, fold::elementwise::neg),
    both("Pow", arithmetic::pow, fold::elementwise::pow),
    fold("Mod", fold::elementwise::modulo),
    fold("Abs", fold::elementwise::abs),
    fold("Sqrt", fold::elementwise::sqrt),
    fold("Reciprocal", fold::elementwise::reciprocal),
    fold("Exp", fold::elementwise::exp),
    fold("Log", fold::elementwise::log),
    fold("Tanh", fold::elementwise::tanh),
    fold("Floor", fold::elementwise::floor),
    fold("Ceil", fold::elementwise::ceil),
    fold("Round", fold::elementwise::round),
    fold("Sign", fold::elementwise::sign),
    // logic on shapes
    fold("Equal", fold::logic::equal),
    fold("Greater", fold::logic::greater),
    fold("GreaterOrEqual", fold::logic::greater_or_equal),
    fold("Less", fold::logic::less),
    fold("LessOrEqual", fold::logic::less_or_equal),
    fold("And", fold::logic::and),
    fold("Or", fold::logic::or),
    fold("Not", fold::logic::not),
    fold("Where", fold::logic::choose),
    // layout
    both("Concat", concat::concat, fold::layout::concat),
    both("Reshape", reshape::reshape, fold::layout::reshape),
    both("Flatten", reshape::flatten, fold::layout::flatten),
    both("Squeeze", reshape::squeeze, fold::layout::squeeze),
    both("Unsqueeze", reshape::unsqueeze, fold::layout::unsqueeze),
    both("Transpose", transpose::transpose, fold::layout::transpose),
    both("Slice", select::slice, fold::select::slice),
    both("Gather", select::gather, fold::select::gather),
    both("Split", select::split, fold::select::split),
    both("Expand", expand::expand, fold::layout::expand),
    both("Tile", expand::tile, fold::layout::tile),
    data("Pad", pad::pad),
    data("Resize", resize::resize),
    data("Upsample", resize::upsample),
    data("DepthToSpace", depth::depth_to_space),
    data("SpaceToDepth", depth::space_to_depth),
    // shapes
    both("Shape", shape::shape, fold::shape::shape),
    both("Size", shape::size, fold::shape::size),
    fold("ConstantOfShape", fold::shape::constant_of_shape),
    fold("Range", fold::shape::range),
    fold("Constant", fold::shape::constant),
    // read-out
    data("Softmax", head::softmax),
    data("LogSoftmax", head::log_softmax),
    both("Sigmoid", head::sigmoid, fold::elementwise::sigmoid),
    data("ArgMax", head::argmax),
    // nothing to do
    both("Identity", identity::identity, fold::cast::identity),
    both("Dropout", identity::dropout, fold::cast::identity),
    both("Cast", identity::cast, fold::cast::cast),
    both("CastLike", identity::cast_like, fold::cast::cast_like),
    // quantised weights
    fold("DequantizeLinear", fold::quantize::dequantize_linear),
];

/// Imports one node of ONNX's own operator set.
pub(crate) fn import(op: &str, context: &mut Context<'_>) -> Outcome {
    if let Some(reason) = context.inputs().find_map(|value| match value {
        Value::Foreign(reason) => Some(reason.clone()),
        _ => None,
    }) {
        return Err(unsupported(reason));
    }
    let Some(row) = RULES.iter().find(|row| row.op == op) else {
        return Err(reasons::unknown(op));
    };
    let constant = context.inputs().all(|value| matches!(value, Value::Constant(_)));
    match (constant, row.data, row.fold) {
        (true, _, Some(rule)) | (false, Some(rule), _) => rule(context),
        (true, _, None) => Err(unsupported("all its inputs are constants, and it is not evaluated at import")
            .remedy("fold the constants before, e.g. with onnxslim or onnxruntime's offline optimisation")),
        (false, None, _) => Err(reasons::unknown(op)),
    }
}

/// The operators that are imported, for the documentation.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|row| row.op)
}
