"""Adds Keras models, converted by tf2onnx, to the folder that export_models.py makes.

    python scripts/oracle/export_keras.py OUT_DIR         in an environment of requirements-tf.txt

Every network is written twice: as tf2onnx writes it, and with its optimiser left out, so that the transposes between the NHWC
of Keras and the NCHW of ONNX stand around every layer.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from keras import layers
from tf2onnx import tf_loader, tfonnx

from zoo import BATCH, Zoo

OPSETS = (13, 15, 18)


def conv_bn(x: keras.KerasTensor, filters: int, strides: int = 1, relu6: bool = False) -> keras.KerasTensor:
    x = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU(6.0)(x) if relu6 else layers.ReLU()(x)


def cnn(x: keras.KerasTensor) -> keras.KerasTensor:
    x = layers.MaxPooling2D()(conv_bn(x, 8))
    x = layers.Dropout(0.5)(conv_bn(x, 12, 2))
    return layers.Dense(5, activation="softmax")(layers.Flatten()(x))


def residual(x: keras.KerasTensor) -> keras.KerasTensor:
    x = conv_bn(x, 8)
    y = layers.BatchNormalization()(layers.Conv2D(12, 3, padding="same")(conv_bn(x, 12, 2)))
    x = layers.ReLU()(layers.Add()([y, layers.Conv2D(12, 1, 2)(x)]))
    return layers.Dense(5)(layers.GlobalAveragePooling2D()(x))


def mobilenet(x: keras.KerasTensor) -> keras.KerasTensor:
    x = conv_bn(x, 8, 2, relu6=True)
    x = layers.DepthwiseConv2D(3, 2, padding="same", use_bias=False)(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.ReLU(6.0)(layers.SeparableConv2D(12, 3, padding="same")(x))
    return layers.Dense(5)(layers.Reshape((12,))(layers.GlobalAveragePooling2D(keepdims=True)(x)))


def branches(x: keras.KerasTensor) -> keras.KerasTensor:
    a = layers.LeakyReLU(negative_slope=0.1)(layers.Conv2D(6, 3, padding="same")(layers.Rescaling(2.0, -1.0)(x)))
    b = layers.ReLU()(layers.Conv2D(4, 5, padding="same")(x))
    x = layers.AveragePooling2D(3, 2, padding="same")(layers.Concatenate()([a, b]))
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    return layers.Dense(5, activation="sigmoid")(layers.GlobalAveragePooling2D()(x))


def decomposed(x: keras.KerasTensor) -> keras.KerasTensor:
    """Layers that tf2onnx writes as chains of smaller ops: Neg, Tile, ReduceMax."""
    x = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(4, 5, padding="same")(x))
    x = layers.Conv2D(4, 3, activation="relu")(layers.UpSampling2D(2)(x))
    return layers.Dense(5)(layers.GlobalMaxPooling2D()(x))


def sequence(x: keras.KerasTensor) -> keras.KerasTensor:
    x = layers.BatchNormalization()(layers.Conv1D(8, 5, 2, padding="same", activation="relu")(x))
    x = layers.MaxPooling1D(2)(x)
    return layers.Dense(5)(layers.Flatten()(layers.Conv1D(6, 3, activation="relu")(x)))


def mlp(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Dense(5, activation="softmax")(layers.Dense(12, activation="relu")(layers.Dense(16, activation="relu")(x)))


NETS: dict[str, tuple[Callable[[keras.KerasTensor], keras.KerasTensor], tuple[int, ...]]] = {
    "cnn": (cnn, (16, 14, 3)),
    "residual": (residual, (16, 16, 3)),
    "mobilenet": (mobilenet, (20, 20, 3)),
    "branches": (branches, (17, 16, 3)),
    "decomposed": (decomposed, (8, 7, 3)),
    "sequence": (sequence, (32, 4)),
    "mlp": (mlp, (20,)),
}


def build(name: str) -> keras.Model:
    """The network with seeded weights and batch statistics as after training."""
    keras.utils.set_random_seed(1)
    make, shape = NETS[name]
    x = keras.Input(shape)
    model = keras.Model(x, make(x))
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            count = layer.gamma.shape[0]
            layer.set_weights(
                [rng.uniform(0.5, 1.5, count), rng.normal(0, 0.2, count), rng.normal(0, 0.2, count), rng.uniform(0.5, 1.5, count)]
            )
        if isinstance(layer, layers.PReLU):
            layer.set_weights([rng.uniform(0.05, 0.4, w.shape) for w in layer.get_weights()])
    return model


def convert(model: keras.Model, shape: tuple[int, ...], opset: int, optimise: bool) -> onnx.ModelProto:
    signature = [tf.TensorSpec((None, *shape), tf.float32, name="input")]
    function = tf.function(lambda x: model(x, training=False), input_signature=signature)
    if optimise:
        return tf2onnx.convert.from_function(function, signature, opset=opset)[0]
    concrete = function.get_concrete_function()
    inputs = [t.name for t in concrete.inputs if t.dtype != tf.resource]
    outputs = [t.name for t in concrete.outputs]
    graph_def = tf_loader.from_function(concrete, inputs, outputs)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        converted = tfonnx.process_tf_graph(graph, opset=opset, input_names=inputs, output_names=outputs)
    return converted.make_model("unoptimised")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir", type=Path)
    with Zoo(parser.parse_args().out_dir, "keras") as zoo:
        for name, (_, shape) in NETS.items():
            model = build(name)
            x = np.random.default_rng(2).standard_normal((BATCH, *shape), np.float32)
            for opset in OPSETS:
                for optimise in (True, False):
                    file = f"keras_{name}-tf2onnx{opset}{'' if optimise else '_raw'}"
                    onnx.save(convert(model, shape, opset, optimise), zoo.path(file))
                    zoo.add(file, x)
                    got, expected = np.load(zoo.folder / f"{file}.output.npy"), model(x, training=False).numpy()
                    if not np.allclose(got, expected, rtol=1e-3, atol=1e-4):
                        raise ValueError(f"{file}: ONNX Runtime differs from Keras by {np.abs(got - expected).max():.3g}")


if __name__ == "__main__":
    main()
