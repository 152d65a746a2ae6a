"""Networks, tensors and loaders of PyTorch."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from test_notebook import blocks

import spikeconverter as sc
from conftest import DEMO, ROOT, Digits

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.fixture(scope="module")
def module() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, padding=1),
        torch.nn.BatchNorm2d(8),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * 16, 10),
    )


@pytest.fixture(scope="module")
def loader(digits: Digits) -> torch.utils.data.DataLoader:
    images = torch.from_numpy(digits.images).float().unsqueeze(1) / 16
    data = torch.utils.data.TensorDataset(images, torch.from_numpy(digits.labels).long())
    return torch.utils.data.DataLoader(data, batch_size=50)


def test_a_module_converts_with_its_loader(module: torch.nn.Module, loader: torch.utils.data.DataLoader) -> None:
    module.train()
    net = sc.convert(module, loader, time_steps=8, calibrate=200)
    assert module.training, "its mode is as it was"
    module.eval()
    images, _ = next(iter(loader))
    with torch.no_grad():
        wanted = module(images).numpy()
    found = net(images)
    assert np.abs(found - wanted).max() < 0.05 * np.abs(wanted).max()
    assert net.evaluate(loader).agreement > 0.97
    assert net.describe().provenance["source"] == "Sequential.onnx"
    np.testing.assert_array_equal(net(loader), np.concatenate([net(images) for images, _ in loader]))


def test_a_module_is_checked(module: torch.nn.Module) -> None:
    assert sc.check(module, input_shape=(1, 8, 8))
    assert sc.check(module, example=torch.zeros(2, 1, 8, 8))
    with pytest.raises(TypeError, match="exported with an example"):
        sc.check(module)


def test_tensors_are_arrays(digits: Digits, net: sc.Network) -> None:
    wanted = net(digits.images[:8])
    np.testing.assert_array_equal(net(torch.from_numpy(digits.images[:8])), wanted)
    floating = torch.from_numpy(digits.images[:8]).float().requires_grad_()
    np.testing.assert_array_equal(net(floating), wanted)
    np.testing.assert_array_equal(net(floating.bfloat16()), wanted)


def test_the_tutorial_trains_and_exports_a_network_that_converts(digits: Digits, folder: Path) -> None:
    shutil.copytree(DEMO, folder / "digits")
    page = ROOT / "docs" / "src" / "tutorial.md"
    (block,) = blocks(page.read_text())
    exec(compile(block, str(page), "exec"), {})  # noqa: S102
    assert sc.check("mine.onnx")
    net = sc.convert("mine.onnx", digits.train, time_steps=8, preprocessing=digits.preprocessing)
    found = net.evaluate(digits.images, digits.labels)
    assert found.ann_accuracy is not None and found.ann_accuracy > 0.9 and found.agreement > 0.98
