"""What the tests share: the demo's network and images, and networks made from them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import spikeconverter as sc

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "demo"
SCALE = 1 / 16


class Digits:
    """The demo's network and images."""

    model = DEMO / "digits.onnx"
    preprocessing = sc.Preprocessing(scale=SCALE)

    def __init__(self) -> None:
        with np.load(DEMO / "digits-train.npz") as train, np.load(DEMO / "digits-test.npz") as test:
            self.train: NDArray[np.uint8] = train["x"]
            self.images: NDArray[np.uint8] = test["x"]
            self.labels: NDArray[np.uint8] = test["y"]

    def convert(self, **options: object) -> sc.Network:
        """Converts the network on its calibration images."""
        return sc.convert(self.model, self.train, **{"preprocessing": self.preprocessing, **options})


@pytest.fixture(scope="session")
def digits() -> Digits:
    return Digits()


@pytest.fixture(scope="session")
def net(digits: Digits) -> sc.Network:
    """With windows of 4 steps."""
    return digits.convert(time_steps=4)


@pytest.fixture(scope="session")
def stream(digits: Digits) -> sc.Network:
    """A streaming network of 32 steps."""
    return digits.convert(method="rueckauer2017", time_steps=32)


@pytest.fixture(scope="session")
def early(digits: Digits) -> sc.Network:
    """With windows of 4 steps, whose populations fire after 2."""
    return digits.convert(time_steps=4, delay=2, base=2.0)


@pytest.fixture(scope="session")
def integers(digits: Digits) -> sc.Network:
    return digits.convert(time_steps=4, weights="i8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real networks and images."""
    folder = os.environ.get("SPIKECONVERTER_DATA")
    if not folder:
        pytest.skip("SPIKECONVERTER_DATA is not set")
    return Path(folder)
