"""Compares exported ONNX files, run in ONNX Runtime, with the program's own engines.

    python scripts/oracle/exported.py [--images N] [--random N] [--program COMMAND] [--only TEXT]

Random networks of the engines' test suite must agree in every value. Trained networks of $SPIKECONVERTER_DATA, if it is set,
are converted and run on real images: with integer weights every spike and accumulator must be the same, otherwise the
class; spikes that differ (membranes within rounding of a threshold) are counted and printed. The status is 1 when a case
failed.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

import runner

RUN = "cargo run -q --release"


@dataclass(frozen=True)
class Case:
    """A trained network and how it is converted."""

    model: str
    calibrate: str
    test: str
    options: tuple[str, ...]
    images: int
    """At most this many: large networks are slow step by step."""
    forms: tuple[str, ...] = ("folded", "unrolled")

    @property
    def integer(self) -> bool:
        return "i8" in self.options

    @property
    def name(self) -> str:
        return f"{self.model} {' '.join(self.options)}"


CIFAR = ("cifar10/train_20k.bin", "cifar10/test.bin")
KWS = ("kws/kws01.npz", "kws/kws01.npz")
IMAGENET = ("imagenet-nips2017/calibrate", "imagenet-nips2017/test")
STREAM = ("--method", "rueckauer2017")
CASES = [
    Case("cifar10_resnet20", *CIFAR, ("-T", "8"), 64),
    Case("cifar10_resnet20", *CIFAR, ("-T", "8", "--weights", "i8"), 64),
    Case("cifar10_resnet20", *CIFAR, ("-T", "12", "--weights", "i8"), 16, ("folded",)),
    Case("kws_dscnn", *KWS, ("-T", "6", "--base", "1.5"), 64),
    Case("kws_dscnn", *KWS, ("-T", "8", "--weights", "i8"), 64),
    Case("mobilenet_v2_imagenet", *IMAGENET, ("-T", "8", "--weights", "i8"), 4, ("folded",)),
    Case("resnet8_cifar10", *CIFAR, (*STREAM, "-T", "32"), 16, ("unrolled",)),
]


def session(file: Path, populations: bool) -> tuple[onnxruntime.InferenceSession, list[str]]:
    """A session that also gives the codes of each population, where the file has them; and their names."""
    model = onnx.load(file)
    onnx.checker.check_model(model)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    codes = json.loads(facts["spikeconverter.codes"]) if populations else []
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in codes if name)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]), codes


def run(file: Path, inputs: np.ndarray, populations: bool = False) -> tuple[np.ndarray, list[np.ndarray | None]]:
    """The result, and the codes of each population, where they are values."""
    program, names = session(file, populations)
    wanted = [program.get_outputs()[0].name, *filter(None, names)]
    found = dict(zip(wanted, program.run(wanted, {program.get_inputs()[0].name: inputs}), strict=True))
    return found[wanted[0]], [found.get(name) for name in names]


def random_networks(count: int, program: str, folder: Path) -> Iterator[tuple[str, bool, str]]:
    subprocess.run([*shlex.split(program), str(folder), str(count)], check=True)
    for case in sorted(folder.iterdir()):
        inputs, expected = np.load(case / "input.npy"), np.load(case / "output.npy")
        for form in ("folded", "unrolled"):
            output, _ = run(case / f"{form}.onnx", inputs)
            # heads scale what is exact before
            worst = float(np.abs(output - expected).max() / max(1.0, np.abs(expected).max()))
            yield f"{case.name} {form}", worst <= 1e-6, f"largest difference {worst:.1e}"


def trained(case: Case, data: Path, images: int, program: str, dump: str, folder: Path) -> Iterator[tuple[str, bool, str]]:
    net = folder / "net.snn"
    model = data / "models" / f"{case.model}.onnx"
    convert = ["convert", model, "--data", data / case.calibrate, "--preprocess", data / "models/preprocessing.toml"]
    call = [*shlex.split(program), *convert, "--calibrate", "128", *case.options, "-o", net]
    subprocess.run([str(part) for part in call], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    count = str(min(images, case.images))
    subprocess.run([*shlex.split(dump), str(net), str(data / case.test), str(folder), count], check=True)
    inputs, expected = np.load(folder / "input.npy"), np.load(folder / "output.npy")
    for form in case.forms:
        file = folder / f"{form}.onnx"
        flags = ["--unrolled"] if form == "unrolled" else []
        call = [*shlex.split(program), "export", str(net), "--to", "onnx", "-o", str(file), *flags]
        subprocess.run(call, check=True, stdout=subprocess.DEVNULL)
        output, codes = run(file, inputs, populations=form == "folded")
        classes = int((output.argmax(-1) == expected.argmax(-1)).sum())
        detail = f"{classes} of {len(inputs)} classes agree, results differ by {np.abs(output - expected).max():.2e}"
        differing, neurons = 0, 0
        for number, found in enumerate(codes):
            if found is None:
                continue
            wanted = np.load(folder / f"codes_{number}.npy")
            differing, neurons = differing + int((found != wanted).sum()), neurons + wanted.size
        if neurons:
            detail += f", {differing} of {neurons} trains"
        exact = np.array_equal(output, expected) and differing == 0
        yield f"{case.name} {form}", exact if case.integer else classes == len(inputs), detail


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=64, help="images a network, at most (default: %(default)s)")
    parser.add_argument("--random", type=int, default=40, help="random networks of each kind (default: %(default)s)")
    parser.add_argument("--only", metavar="TEXT", default="", help="only the trained networks whose name contains TEXT")
    parser.add_argument("--program", default=f"{RUN} -p spikeconverter --", help="the command line (default: %(default)s)")
    parser.add_argument("--dump", default=f"{RUN} -p spikeconverter-pipeline --example run_snn --", help="default: %(default)s")
    make = f"{RUN} -p spikeconverter-export --example random_networks --"
    parser.add_argument("--networks", default=make, help="default: %(default)s")
    options = parser.parse_args()

    tally = runner.Tally()

    def report(found: Iterator[tuple[str, bool, str]]) -> None:
        for name, close, detail in found:
            tally.report("passed" if close else "FAILED", name, detail)

    with tempfile.TemporaryDirectory() as temporary:
        if options.random:
            report(random_networks(options.random, options.networks, Path(temporary)))
    if data := os.environ.get("SPIKECONVERTER_DATA"):
        for case in CASES:
            if options.only in case.name:
                with tempfile.TemporaryDirectory() as temporary:
                    report(trained(case, Path(data), options.images, options.program, options.dump, Path(temporary)))
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
