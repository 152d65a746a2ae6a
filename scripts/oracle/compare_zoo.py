"""Compares the program's executor of trained networks with ONNX Runtime on whole models.

    python scripts/oracle/compare_zoo.py DIR [--runner COMMAND] [--keep DIR] [--only TEXT]

DIR is what export_models.py (and export_keras.py) made. If SPIKECONVERTER_DATA is set, the classifiers of its `models` folder run
too, on seeded random inputs in the range that their preprocessing gives. A model passes when no value differs from ONNX
Runtime's by more than 1e-4 of the range of the output. The status is 1 when a model failed.
"""

import argparse
import json
import os
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

import runner
from zoo import MANIFEST

TOLERANCE = 1e-4
CLASSIFIER_BATCH = 2
INT8_FORMATS = {"npz"}


@dataclass(frozen=True)
class Model:
    name: str
    file: Path
    companions: list[Path]
    inputs: np.ndarray
    expected: np.ndarray


def zoo(folder: Path) -> Iterator[Model]:
    for entry in json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["models"]:
        name = entry["name"]
        yield Model(
            name,
            folder / f"{name}.onnx",
            [folder / companion for companion in entry["companions"]],
            np.load(folder / f"{name}.input.npy"),
            np.load(folder / f"{name}.output.npy"),
        )


def classifiers(folder: Path) -> Iterator[Model]:
    """The trained networks, fed random raw values (pixels, int8 features) prepared as preprocessing.toml says."""
    table = tomllib.loads((folder / "preprocessing.toml").read_text(encoding="utf-8"))
    for name, entry in table["model"].items():
        file = folder / entry["file"]
        rng = np.random.default_rng(sum(name.encode()))
        low, high = (-128, 127) if entry.get("format") in INT8_FORMATS else (0, 255)
        raw = rng.integers(low, high, (CLASSIFIER_BATCH, *entry["shape"]), endpoint=True)
        per_channel = (-1, 1, 1) if entry["layout"] == "NCHW" else (-1,)
        mean, std = (np.reshape(entry[key], per_channel) for key in ("mean", "std"))
        inputs = (((raw - entry["zero_point"]) * entry["scale"] - mean) / std).astype(np.float32)
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        yield Model(f"models/{name}", file, [], inputs, session.run([entry["output"]], {entry["input"]: inputs})[0])


def difference(got: np.ndarray | str, expected: np.ndarray) -> tuple[bool, str]:
    """Whether the answer is close enough, and what to print."""
    if isinstance(got, str):
        return False, got
    if got.shape != expected.shape:
        return False, f"shape {list(got.shape)} instead of {list(expected.shape)}"
    span = float(np.ptp(expected)) or 1.0
    error = float(np.abs(got.astype(np.float64) - expected).max()) / span
    return error <= TOLERANCE, f"max difference {error:.2e} of the output's range"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=Path, nargs="?", help="folder written by export_models.py")
    runner.add_options(parser)
    options = parser.parse_args()

    models = list(zoo(options.dir)) if options.dir else []
    if data := os.environ.get("SPIKECONVERTER_DATA"):
        models += classifiers(Path(data) / "models")
    models = [m for m in models if options.only in m.name]

    tally = runner.Tally()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        places = [folder / m.name.replace("/", "-") for m in models]
        for place, model in zip(places, models, strict=True):
            runner.write_case(place, model.file, [model.inputs], model.companions)
        runner.run(options.runner, folder)
        for place, model in zip(places, models, strict=True):
            close, detail = difference(runner.answer(place), model.expected)
            tally.report("passed" if close else "FAILED", model.name, detail)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
