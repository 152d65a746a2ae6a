"""Real networks and images, from the folder that SPIKECONVERTER_DATA names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spikeconverter as sc


@pytest.mark.parametrize("weights", ["f32", "i8"])
def test_a_residual_network_keeps_its_accuracy(data: Path, weights: str) -> None:
    model = data / "models" / "cifar10_resnet20.onnx"
    preprocessing = sc.Preprocessing.read(data / "models" / "preprocessing.toml", model)
    net = sc.convert(model, data / "cifar10", preprocessing=preprocessing, calibrate=256, weights=weights)
    found = net.evaluate(sc.open_data(data / "cifar10", split="test", limit=500))
    assert found.gap is not None and found.gap < 0.01 and found.agreement > 0.97
    assert found.images == 500 and found.ann_accuracy is not None and found.ann_accuracy > 0.88


def test_arrays_are_as_files(data: Path) -> None:
    """The records of a CIFAR file as an array give what the file gives."""
    model = data / "models" / "cifar10_resnet20.onnx"
    preprocessing = sc.Preprocessing.read(data / "models" / "preprocessing.toml", model)
    net = sc.convert(model, data / "cifar10", preprocessing=preprocessing, calibrate=64)
    path = next((data / "cifar10").glob("test*.bin"))
    records = np.fromfile(path, np.uint8).reshape(-1, 3073)[:100]
    images, labels = records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]
    samples = sc.open_data(path, limit=100)
    np.testing.assert_array_equal(net(images), net(samples))
    assert net.evaluate(images, labels).snn_accuracy == net.evaluate(samples).snn_accuracy
