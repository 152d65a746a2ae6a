"""A VGG-16 for CIFAR images with random weights: 313 M multiply-accumulates, for measurements of speed alone."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STAGES = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]
"""Channels and convolutions of each stage; a max pooling ends it."""
CLASSES = 10
OPSET = 17
IR_VERSION = 8
SEED = 16
GAIN = 1 / (1 / 2 - 1 / (2 * np.pi))
"""Keeps the variance from layer to layer: the inverse of that of ReLU of a standard normal variable."""


class Builder:
    """A chain of nodes with weights scaled as by He et al. (2015), so that activations keep their size."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(SEED)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.at = "input"

    def add(self, op: str, name: str, *weights: tuple[int, ...], **attributes: object) -> None:
        """Appends a node with weights of these shapes."""
        names = [f"{name}.{role}" for role, _ in zip(("weight", "bias"), weights, strict=False)]
        self.weights += [self.draw(key, shape) for key, shape in zip(names, weights, strict=True)]
        self.nodes.append(helper.make_node(op, [self.at, *names], [name], name=name, **attributes))
        self.at = name

    def draw(self, name: str, shape: tuple[int, ...]) -> onnx.TensorProto:
        """Weights by their fan-in, with no mean, without which all images end in one class; small biases."""
        values = self.rng.standard_normal(shape)
        if len(shape) > 1:
            inputs = tuple(range(1, len(shape)))
            values -= values.mean(axis=inputs, keepdims=True)
            values *= np.sqrt(GAIN / np.prod(shape[1:]))
        else:
            values *= 0.05
        return numpy_helper.from_array(values.astype(np.float32), name)


def build() -> onnx.ModelProto:
    """The network: 13 convolutions, batch norms folded, with ReLU; 5 max poolings; one linear layer."""
    net = Builder()
    channels = 3
    for stage, (width, layers) in enumerate(STAGES, 1):
        for layer in range(1, layers + 1):
            net.add("Conv", f"conv{stage}_{layer}", (width, channels, 3, 3), (width,), kernel_shape=[3, 3], pads=[1] * 4)
            net.add("Relu", f"relu{stage}_{layer}")
            channels = width
        net.add("MaxPool", f"pool{stage}", kernel_shape=[2, 2], strides=[2, 2])
    net.add("Flatten", "flatten", axis=1)
    net.add("Gemm", "logits", (CLASSES, channels), (CLASSES,), transB=1)
    graph = helper.make_graph(
        net.nodes,
        "vgg16_cifar",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, 32, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", CLASSES])],
        net.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model


def write(path: Path) -> None:
    """Writes the network, whole or not at all."""
    partial = path.with_suffix(".partial")
    onnx.save(build(), partial)
    partial.replace(path)
