"""Small networks built node by node, for what no exporter at hand writes any more. `NETS` lists the functions that make them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

INT8_MAX = 127
CLASSES = 5
IR_WITH_FREE_INITIALIZERS = 4
"""Before this version of the file format initializers had to be inputs as well."""


class Builder:
    """A graph with one input of a free batch axis; every method returns the name of a tensor."""

    def __init__(self, name: str, shape: Sequence[int], opset: int, ir_version: int | None = None) -> None:
        self.name, self.shape, self.opset = name, tuple(shape), opset
        self.ir_version = ir_version or max(
            IR_WITH_FREE_INITIALIZERS, helper.find_min_ir_version_for([helper.make_opsetid("", opset)])
        )
        self.rng = np.random.default_rng(sum(name.encode()))
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.named = True
        self.x = "input"

    def const(self, value: Any, dtype: Any = np.float32, name: str | None = None) -> str:
        name = name or f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def ints(self, *values: int) -> str:
        return self.const(values, np.int64)

    def weight(self, *shape: int) -> str:
        fan_in = int(np.prod(shape[1:])) or 1
        return self.const(self.rng.standard_normal(shape) * (2 / fan_in) ** 0.5)

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        output = f"{kind}_{len(self.nodes)}_output"
        name = f"{kind}_{len(self.nodes)}" if self.named else None
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=name, **attributes))
        return output

    def then(self, kind: str, *others: str, **attributes: Any) -> str:
        """Applies an op to the current tensor, which becomes its result."""
        self.x = self.op(kind, self.x, *others, **attributes)
        return self.x

    def conv(self, i: int, o: int, kernel: int = 3, **attributes: Any) -> str:
        self.then("Conv", self.weight(o, i, kernel, kernel), self.const(self.rng.standard_normal(o) * 0.1), **attributes)
        return self.then("Relu")

    def head(self, channels: int) -> str:
        self.then("GlobalAveragePool")
        self.then("Flatten")
        return self.then("Gemm", self.weight(5, channels), self.const(self.rng.standard_normal(5)), transB=1)

    def model(self, initializers_as_inputs: bool = False, output_type: int = TensorProto.FLOAT) -> onnx.ModelProto:
        inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", *self.shape])]
        if initializers_as_inputs:
            inputs += [helper.make_tensor_value_info(c.name, c.data_type, c.dims) for c in self.constants]
        graph = helper.make_graph(
            self.nodes, self.name, inputs, [helper.make_tensor_value_info(self.x, output_type, None)], self.constants
        )
        opsets = [helper.make_opsetid("", self.opset)]
        model = onnx.shape_inference.infer_shapes(helper.make_model(graph, opset_imports=opsets, ir_version=self.ir_version))
        if not model.graph.output[0].type.tensor_type.HasField("shape"):  # it hangs on a shape that the graph computes
            model.graph.output[0].CopyFrom(helper.make_tensor_value_info(self.x, output_type, ["N", CLASSES]))
        return model


Maker = Callable[[str], onnx.ModelProto]
NETS: dict[str, Maker] = {}


def net(make: Maker) -> Maker:
    NETS[make.__name__] = make
    return make


def family(**members: tuple[Any, ...]) -> Callable[[Callable[..., onnx.ModelProto]], Callable[..., onnx.ModelProto]]:
    """One network per member, made with the member's arguments."""

    def register(make: Callable[..., onnx.ModelProto]) -> Callable[..., onnx.ModelProto]:
        for suffix, arguments in members.items():
            NETS[f"{make.__name__}_{suffix}"] = lambda name, a=arguments: make(name, *a)
        return make

    return register


@family(same_upper=("SAME_UPPER",), same_lower=("SAME_LOWER",), valid=("VALID",))
def auto_pad(name: str, how: str) -> onnx.ModelProto:
    b = Builder(name, (3, 17, 14), 13)
    b.conv(3, 6, 4, auto_pad=how, strides=[2, 1])
    b.then("MaxPool", kernel_shape=[2, 3], strides=[2, 2], auto_pad=how)
    b.then("AveragePool", kernel_shape=[2, 2], strides=[1, 1], auto_pad=how)
    b.conv(6, 6, 2, auto_pad=how)
    b.head(6)
    return b.model()


@family(same_upper=("SAME_UPPER",), same_lower=("SAME_LOWER",), valid=("VALID",))
def transposed_auto_pad(name: str, how: str) -> onnx.ModelProto:
    b = Builder(name, (3, 5, 6), 11)
    b.then("ConvTranspose", b.weight(3, 4, 3, 3), auto_pad=how, strides=[2, 2])
    b.then("Relu")
    b.then(
        "ConvTranspose",
        b.weight(4, 2, 3, 3),
        b.const([0.1, -0.2]),
        strides=[2, 2],
        output_shape=[22, 26] if how == "VALID" else [20, 24],
    )
    return b.model()


@family(trans_b=(0, 1, 1.0, 1.0), scaled=(0, 0, 0.5, 2.0), scaled_trans_b=(0, 1, 1.5, 0.25))
def gemm(name: str, _: int, trans_b: int, alpha: float, beta: float) -> onnx.ModelProto:
    b = Builder(name, (12,), 13)
    b.then("Gemm", b.weight(*((8, 12) if trans_b else (12, 8))), b.weight(8), transB=trans_b, alpha=alpha, beta=beta)
    b.then("Relu")
    b.then("Gemm", b.weight(*((5, 8) if trans_b else (8, 5))), b.const(0.3), transB=trans_b, alpha=alpha, beta=beta)
    b.then("Gemm", b.weight(5, 5))
    return b.model()


@net
def gemm_of_constants(name: str) -> onnx.ModelProto:
    """transA stands on a product of two constants, which is the weight of the layer."""
    b = Builder(name, (12,), 13)
    weight = b.op("Gemm", b.weight(4, 12), b.weight(4, 8), transA=1, alpha=0.5)
    b.then("MatMul", weight)
    b.then("Relu")
    b.then("MatMul", b.op("Transpose", b.weight(5, 8), perm=[1, 0]))
    return b.model()


@net
def matmul_add(name: str) -> onnx.ModelProto:
    b = Builder(name, (12,), 13)
    b.then("MatMul", b.weight(12, 8))
    b.x = b.op("Add", b.const(b.rng.standard_normal(8)), b.x)
    b.then("Relu")
    b.then("MatMul", b.weight(8, 5))
    b.then("Add", b.const(b.rng.standard_normal((1, 5))))
    b.then("Softmax", axis=1)
    return b.model()


@net
def arithmetic(name: str) -> onnx.ModelProto:
    """The four operations with constants of every shape that broadcasts, on either side."""
    b = Builder(name, (3, 8, 8), 13)
    b.then("Sub", b.const(0.5))
    b.then("Div", b.const([[[0.5]], [[0.25]], [[2.0]]]))
    b.x = b.op("Sub", b.const(np.ones((1, 3, 1, 1))), b.x)
    b.x = b.op("Mul", b.const([1.5]), b.x)
    b.conv(3, 6)
    b.then("Mul", b.const(b.rng.uniform(0.5, 1.5, (1, 6, 1, 1))))
    b.then("Add", b.const(b.rng.standard_normal((6, 6, 6)) * 0.1))
    b.head(6)
    return b.model()


@family(per_tensor=(False, 13), per_axis=(True, 13), per_axis_10=(False, 10), per_axis_21=(True, 21))
def dequantize(name: str, per_axis: bool, opset: int) -> onnx.ModelProto:
    b = Builder(name, (3, 8, 8), opset)

    def stored(values: np.ndarray, axis: int, dtype: Any, zero: int) -> str:
        other = tuple(i for i in range(values.ndim) if i != axis)
        scale = np.abs(values).max(axis=other if per_axis else None) / (INT8_MAX - 1)
        shape = [-1 if i == axis else 1 for i in range(values.ndim)] if per_axis else []
        code = np.rint(values / scale.reshape(shape)).astype(int) + zero
        zeros = np.full(scale.shape, zero)
        attributes = {"axis": axis} if per_axis else {}
        return b.op("DequantizeLinear", b.const(code, dtype), b.const(scale), b.const(zeros, dtype), **attributes)

    bias = b.op("DequantizeLinear", b.const([100, -50, 20, 3, 0, 7], np.int32), b.const(0.001))
    b.then("Conv", stored(b.rng.standard_normal((6, 3, 3, 3)) * 0.3, 0, np.int8, 0), bias)
    b.then("Relu")
    b.then("GlobalAveragePool")
    b.then("Flatten")
    b.then("MatMul", stored(b.rng.standard_normal((6, 5)), 1, np.uint8, 128))
    return b.model()


@net
def casts(name: str) -> onnx.ModelProto:
    """Half, double and integer constants, cast to float by the graph."""
    b = Builder(name, (12,), 13)
    b.then("MatMul", b.op("Cast", b.const(b.rng.standard_normal((12, 8)) * 0.3, np.float16), to=TensorProto.FLOAT))
    b.then("Add", b.op("Cast", b.const(b.rng.standard_normal(8), np.float64), to=TensorProto.FLOAT))
    b.then("Relu")
    b.then("MatMul", b.weight(8, 5))
    b.then("Mul", b.op("Cast", b.const([1, 2, 3, 4, 5], np.int64), to=TensorProto.FLOAT))
    b.then("Cast", to=TensorProto.FLOAT)
    return b.model()


@family(
    upsample_7=("Upsample", 7), upsample_9=("Upsample", 9), resize_10=("Resize", 10), resize_11=("Resize", 11), resize_13=("Resize", 13),
    resize_19=("Resize", 19), sizes_13=("Sizes", 13), computed_13=("Computed", 13),
)  # fmt: skip
def nearest(name: str, how: str, opset: int) -> onnx.ModelProto:
    b = Builder(name, (3, 5, 6), opset)
    b.conv(3, 4)
    scales = [1.0, 1.0, 2.0, 3.0]
    floor = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    match how, opset:
        case "Upsample", 7:
            b.then("Upsample", mode="nearest", scales=scales)
        case ("Upsample", 9) | ("Resize", 10):
            b.then(how, b.const(scales), mode="nearest")
        case "Resize", 11:
            b.then("Resize", b.const([], np.float32), b.const(scales), mode="nearest", **floor)
        case "Resize", _:
            b.then("Resize", "", b.const(scales), mode="nearest", **floor)
        case "Sizes", _:
            b.then("Resize", "", "", b.const([1, 4, 6, 12], np.int64), mode="nearest", **floor)
        case "Computed", _:  # the sizes of old exporters: a slice of the shape, joined with constants
            batch = b.op("Slice", b.op("Shape", b.x), b.ints(0), b.ints(2), b.ints(0))
            b.then("Resize", "", "", b.op("Concat", batch, b.ints(6, 12), axis=0), mode="nearest", **floor)
    b.conv(4, 4, 2)
    if how == "Sizes":  # these sizes fix the batch at 1
        b.head(4)
        model = b.model()
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
        return onnx.shape_inference.infer_shapes(model)
    b.head(4)
    return b.model()


@family(keep=(1,), drop=(0,))
def argmax(name: str, keep: int) -> onnx.ModelProto:
    b = Builder(name, (12,), 13)
    b.then("MatMul", b.weight(12, 7))
    b.then("ArgMax", axis=1, keepdims=keep)
    return b.model(output_type=TensorProto.INT64)


@net
def global_max(name: str) -> onnx.ModelProto:
    b = Builder(name, (3, 8, 8), 13)
    b.conv(3, 6)
    b.then("GlobalMaxPool")
    b.then("Flatten", axis=-3)
    b.then("Gemm", b.weight(6, 5))
    return b.model()


@family(v7=(7,), v12=(12,), v22=(22,))
def dropout_identity(name: str, opset: int) -> onnx.ModelProto:
    b = Builder(name, (12,), opset)
    b.then("Identity")
    b.then("Gemm", b.op("Identity", b.weight(12, 8)), b.weight(8))
    b.then("Relu")
    if opset >= 12:  # the ratio became an input
        b.then("Dropout", b.const(0.5))
    else:
        b.then("Dropout", ratio=0.5)
    b.then("Gemm", b.weight(8, 5), b.weight(5))
    b.then("Identity")
    return b.model()


@family(v9=(9,), v11=(11,), v13=(13,))
def squeeze_slice(name: str, opset: int) -> onnx.ModelProto:
    """Squeeze, Unsqueeze and Slice with attributes and with inputs."""
    b = Builder(name, (12, 10), opset)

    def squeeze(kind: str, *axes: int) -> None:
        if opset >= 13:  # axes became an input
            b.then(kind, b.ints(*axes))
        else:
            b.then(kind, axes=list(axes))

    squeeze("Unsqueeze", 1)
    b.conv(1, 6)
    if opset >= 10:  # bounds became inputs
        b.then("Slice", b.ints(1, 6), b.ints(9223372036854775807, -100), b.ints(2, 3), b.ints(2, -1))
        b.then("Slice", b.ints(0), b.ints(4), b.ints(-3))
    else:
        b.then("Slice", axes=[2, 3], starts=[1, -5], ends=[9223372036854775807, -1])
        b.then("Slice", axes=[1], starts=[0], ends=[4])
    b.then("GlobalAveragePool")
    squeeze("Squeeze", 2, 3)
    b.then("MatMul", b.weight(4, 5))
    return b.model()


@net
def shape_chain(name: str) -> onnx.ModelProto:
    """Flattening as old exporters write it, with the pads and ones of the graph computed too."""
    b = Builder(name, (3, 8, 8), 11)
    pads = b.op("ConstantOfShape", b.ints(4), value=numpy_helper.from_array(np.array([0], np.int64)))
    spatial = b.op("Concat", pads, b.ints(0, 0, 1, 2), axis=0)
    b.then("Pad", spatial, mode="constant")
    b.conv(3, 6)
    ones = b.op("ConstantOfShape", b.ints(1, 6, 1, 1), value=numpy_helper.from_array(np.array([1.5], np.float32)))
    b.then("Mul", ones)
    shape = b.op("Shape", b.x)
    batch = b.op("Unsqueeze", b.op("Gather", shape, b.const(0, np.int64), axis=0), axes=[0])
    sides = [b.op("Gather", shape, b.const(i, np.int64), axis=0) for i in (1, 2, 3)]
    count = b.op("Mul", b.op("Mul", sides[0], sides[1]), sides[2])
    b.then("Reshape", b.op("Concat", batch, b.op("Unsqueeze", count, axes=[0]), axis=0))
    b.then("MatMul", b.weight(6 * 7 * 8, 5))
    return b.model()


@family(minus_one=([0, -1], False), fixed=([-1, 216], False), constant_node=([0, -1], True))
def reshape(name: str, shape: list[int], node: bool) -> onnx.ModelProto:
    b = Builder(name, (3, 8, 8), 13)
    b.conv(3, 6)
    b.then("Reshape", b.op("Constant", value_ints=shape) if node else b.ints(*shape))
    b.then("MatMul", b.weight(216, 5))
    b.then("Mul", b.op("Constant", value_float=0.5) if node else b.const(0.5))
    return b.model()


@net
def channels_last(name: str) -> onnx.ModelProto:
    """NHWC in and out of every layer: a transpose before and after each convolution."""
    b = Builder(name, (10, 9, 3), 13)
    for i, o in ((3, 6), (6, 8)):
        b.then("Transpose", perm=[0, 3, 1, 2])
        b.conv(i, o)
        b.then("Transpose", perm=[0, 2, 3, 1])
        b.then("Mul", b.const(b.rng.uniform(0.5, 1.5, o)))
    b.then("ReduceMean", axes=[1, 2], keepdims=0)
    b.then("MatMul", b.weight(8, 5))
    return b.model()


@net
def channels_last_flatten(name: str) -> onnx.ModelProto:
    """The rows of the last layer are in NHWC order."""
    b = Builder(name, (6, 5, 3), 13)
    b.then("Transpose", perm=[0, 3, 1, 2])
    b.conv(3, 4)
    b.then("Transpose", perm=[0, 2, 3, 1])
    b.then("Reshape", b.ints(-1, 48))
    b.then("MatMul", b.weight(48, 5))
    return b.model()


@family(v6=(7,), v11=(11,))
def clips_pads(name: str, opset: int) -> onnx.ModelProto:
    b = Builder(name, (3, 8, 8), opset)
    if opset >= 11:  # pads and bounds became inputs
        b.then("Pad", b.ints(0, 0, 1, 0, 0, 0, 2, 1), b.const(0.25), mode="constant")
        b.then("Conv", b.weight(6, 3, 3, 3))
        b.then("Clip", b.const(0.0), b.const(6.0))
        b.then("Conv", b.weight(6, 6, 3, 3))
        b.then("Clip", b.const(0.0))
    else:
        b.then("Pad", pads=[0, 0, 1, 0, 0, 0, 2, 1], value=0.25)
        b.then("Conv", b.weight(6, 3, 3, 3))
        b.then("Clip", min=0.0, max=6.0)
        b.then("Conv", b.weight(6, 6, 3, 3))
        b.then("Clip", min=0.0)
    b.head(6)
    return b.model()


@net
def batch_norms(name: str) -> onnx.ModelProto:
    """After a convolution, after an activation, after a matrix product, and one shared by nothing but its statistics."""
    b = Builder(name, (3, 8, 8), 9)
    statistics = [
        b.const(b.rng.uniform(0.5, 1.5, 6)),
        b.const(b.rng.standard_normal(6)),
        b.const(b.rng.standard_normal(6)),
        b.const(b.rng.uniform(0.5, 1.5, 6)),
    ]
    b.then("Conv", b.weight(6, 3, 3, 3), pads=[1, 1, 1, 1])
    b.then("BatchNormalization", *statistics, epsilon=0.01)
    b.then("Relu")
    b.then("BatchNormalization", *statistics)
    b.conv(6, 6, pads=[1, 1, 1, 1])
    b.then("GlobalAveragePool")
    b.then("Flatten")
    b.then("MatMul", b.weight(6, 6))
    b.then("BatchNormalization", *statistics)
    return b.model()


@net
def shared_weights(name: str) -> onnx.ModelProto:
    """Two branches with the same weights, joined by Concat with a constant-free identity branch."""
    b = Builder(name, (3, 8, 8), 13)
    weight = b.weight(3, 3, 3, 3)
    first = b.op("Relu", b.op("Conv", b.x, weight, pads=[1, 1, 1, 1]))
    second = b.op("Relu", b.op("Conv", first, weight, pads=[1, 1, 1, 1]))
    b.x = b.op("Concat", b.x, first, second, axis=-3)
    b.head(9)
    return b.model()


@net
def unnamed_old(name: str) -> onnx.ModelProto:
    """IR version 3: initializers are inputs too. Nodes without names, an initializer that nothing reads."""
    b = Builder(name, (3, 8, 8), 8, ir_version=3)
    b.named = False
    b.const(np.zeros(7), name="unused")
    b.conv(3, 6, kernel_shape=[3, 3], dilations=[1, 1], group=1)
    b.then("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    b.head(6)
    b.then("LogSoftmax")
    return b.model(initializers_as_inputs=True)


@family(v11=(11,), v13=(13,))
def softmax_rank4(name: str, opset: int) -> onnx.ModelProto:
    """Up to opset 12 Softmax joins all axes from `axis` on; the last two here have length 1, so both read the same."""
    b = Builder(name, (3, 8, 8), opset)
    b.conv(3, 5)
    b.then("GlobalAveragePool")
    b.then("Softmax", axis=1)
    b.then("Flatten")
    return b.model()


@family(attribute=(13,), operand=(18,))
def reduce_mean(name: str, opset: int) -> onnx.ModelProto:
    b = Builder(name, (3, 8, 8), opset)
    b.conv(3, 6)
    if opset >= 18:  # axes became an input
        b.then("ReduceMean", b.ints(-1, -2), keepdims=0)
    else:
        b.then("ReduceMean", axes=[2, 3], keepdims=1)
        b.then("Flatten")
    b.then("Gemm", b.weight(6, 5))
    return b.model()
