"""The networks that are measured, and the images that they are measured and calibrated on."""

import hashlib
import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import vgg

TRAINED = ["cifar10_resnet20", "cifar10_resnet56", "mobilenet_v2_imagenet"]
VGG = "vgg16_cifar"
NAMES = [*TRAINED, VGG]

CIFAR_SHAPE = (3, 32, 32)


@dataclass(frozen=True)
class Preprocessing:
    """x = (pixel * scale - mean) / std, with mean and std per channel."""

    scale: float
    mean: list[float]
    std: list[float]

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """What a trained network takes, from pixels of shape [N, C, H, W]."""
        mean, std = (np.reshape(values, (-1, 1, 1)) for values in (self.mean, self.std))
        return ((pixels * self.scale - mean) / std).astype(np.float32)

    def flags(self) -> list[str]:
        """The same as options of `spikeconverter convert`."""
        joined = {f"--{name}": ",".join(map(repr, getattr(self, name))) for name in ("mean", "std")}
        return [f"{flag}={value}" for flag, value in {"--scale": self.scale, **joined}.items()]


@dataclass(frozen=True)
class Network:
    """A trained network, its images, and a folder for what is made from it."""

    name: str
    model: Path
    preprocessing: Preprocessing
    test: Path
    """A CIFAR binary, or a folder of images of the network's size."""
    calibration: Path
    folder: Path

    def calibration_images(self, count: int) -> np.ndarray:
        """Preprocessed calibration images."""
        return self.preprocessing.apply(read_pixels(self.calibration, count))

    def images(self, count: int) -> Path:
        """A file with preprocessed test images, float32 in NCHW."""
        return self._samples(f"images-{count}.npy", count, self.preprocessing.apply)

    def pixels(self, count: int) -> Path:
        """A file with the same test images as pixels, 0 to 255."""
        return self._samples(f"pixels-{count}.npy", count, lambda pixels: pixels)

    def _samples(self, name: str, count: int, prepare: Callable[[np.ndarray], np.ndarray]) -> Path:
        path = self.folder / name
        np.save(path, np.ascontiguousarray(prepare(read_pixels(self.test, count)), np.float32))
        return path


def read_pixels(source: Path, count: int) -> np.ndarray:
    """The first images of a CIFAR-10 binary or of a folder, float32 of shape [N, C, H, W]."""
    if source.is_dir():
        files = sorted(source.glob("*.jpg"))[:count]
        images = [np.asarray(Image.open(file).convert("RGB")).transpose(2, 0, 1) for file in files]
    else:
        record = 1 + int(np.prod(CIFAR_SHAPE))
        rows = np.fromfile(source, np.uint8, count * record).reshape(-1, record)
        images = [row[1:].reshape(CIFAR_SHAPE) for row in rows]
    if len(images) < count:
        raise SystemExit(f"{source} has {len(images)} images, {count} are needed: give a smaller --batch")
    return np.stack(images).astype(np.float32)


def data_folder() -> Path:
    """The folder that SPIKECONVERTER_DATA names."""
    data = Path(os.environ.get("SPIKECONVERTER_DATA", ""))
    if not (data / "models/preprocessing.toml").is_file():
        raise SystemExit("SPIKECONVERTER_DATA must name the folder that holds models/preprocessing.toml")
    return data


def prepare(name: str, data: Path, work: Path) -> Network:
    """The network of this name; the folder of what is made from it changes with its file."""
    table = tomllib.loads((data / "models/preprocessing.toml").read_text(encoding="utf-8"))["model"]
    if name == VGG:
        entry, model = table[TRAINED[0]], work / f"{VGG}.onnx"
        vgg.write(model)
    else:
        entry = table[name]
        model = data / "models" / entry["file"]
    digest = hashlib.sha256(model.read_bytes()).hexdigest()[:12]
    folder = work / f"{name}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    return Network(name, model, preprocessing(entry), data / entry["test"], data / entry["calibrate"], folder)


def preprocessing(entry: dict[str, Any]) -> Preprocessing:
    """What a table of preprocessing.toml says, as far as these networks need it."""
    plain = {"zero_point": 0, "resize": "none", "layout": "NCHW", "channel_order": "RGB"}
    if any(entry[key] != value for key, value in plain.items()):
        raise SystemExit(f"{entry['file']}: this benchmark prepares only RGB pixels in NCHW at the network's own size")
    return Preprocessing(entry["scale"], entry["mean"], entry["std"])
