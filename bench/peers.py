"""The programs that this one is compared with."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from engine import Engine, Setup
from networks import Network

CALIBRATION_IMAGES = 48
ACTIVATIONS = {"u8": QuantType.QUInt8, "s8": QuantType.QInt8}


class CalibrationImages(CalibrationDataReader):
    """Calibration images one by one."""

    def __init__(self, network: Network, model: Path) -> None:
        name = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).get_inputs()[0].name
        images = network.calibration_images(CALIBRATION_IMAGES)
        self.feeds = iter([{name: images[i : i + 1]} for i in range(len(images))])

    def get_next(self) -> dict | None:
        return next(self.feeds, None)


def quantised(network: Network, activations: str) -> Path:
    """The network as ONNX Runtime quantises it statically: 8-bit activations, signed 8-bit weights per channel."""
    path = network.folder / f"int8-{activations}-onnxruntime-{onnxruntime.__version__}.onnx"
    if path.exists():
        return path
    logging.getLogger().setLevel(logging.ERROR)
    prepared, partial = network.folder / "prepared.onnx", path.with_suffix(".partial")
    quant_pre_process(network.model, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        partial,
        CalibrationImages(network, prepared),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=False,  # processors with VNNI add products of full 8-bit numbers without saturation
        activation_type=ACTIVATIONS[activations],
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
    )
    prepared.unlink()
    return partial.replace(path)


def onnx_runtime(model: Callable[[Network], Path]) -> Callable[[Network, Setup], list[str]]:
    """The command of ONNX Runtime on a form of the network."""

    def command(network: Network, setup: Setup) -> list[str]:
        server = Path(__file__).with_name("ort_server.py")
        return [sys.executable, str(server), str(model(network)), str(network.images(setup.batch))]

    return command


PEERS = [
    Engine("ort-f32", "ONNX Runtime f32", onnx_runtime(lambda network: network.model)),
    Engine("ort-int8-u8", "ONNX Runtime int8, u8 activations", onnx_runtime(lambda network: quantised(network, "u8"))),
    Engine("ort-int8-s8", "ONNX Runtime int8, s8 activations", onnx_runtime(lambda network: quantised(network, "s8"))),
]
F32_PEER = "ort-f32"
INT8_PEERS = ["ort-int8-u8", "ort-int8-s8"]
"""What the ratios refer to; of the 8-bit ones the fastest."""
