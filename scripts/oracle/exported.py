"""Compares exported networks with the program's own engines: ONNX files in ONNX Runtime, C compiled with gcc.

    python scripts/oracle/exported.py [--images N] [--random N] [--program COMMAND] [--only TEXT]

Random networks of the engines' test suite must agree in every value. Trained networks of $SPIKECONVERTER_DATA, if it is set,
are converted and run on real images: with integer weights every spike and accumulator must be the same, in C too, otherwise
the class; trains that differ (membranes within rounding of a threshold) are counted and printed. The status is 1 when a
case failed.
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
    Case("kws_dscnn", *KWS, ("-T", "4", "--base", "3"), 64),
    Case("kws_dscnn", *KWS, ("-T", "8", "--weights", "i8"), 64),
    Case("kws_dscnn", *KWS, ("--method", "fs-neurons", "-T", "8"), 64),
    Case("mobilenet_v2_imagenet", *IMAGENET, ("-T", "8", "--weights", "i8"), 4, ("folded",)),
    Case("resnet8_cifar10", *CIFAR, (*STREAM, "-T", "32"), 16, ("unrolled",)),
]


def names(model: onnx.ModelProto, key: str) -> list[str]:
    """A list of values that the file's metadata hold."""
    return json.loads(next(entry.value for entry in model.metadata_props if entry.key == f"spikeconverter.{key}"))


@dataclass(frozen=True)
class Found:
    output: np.ndarray
    """The result."""
    codes: list[np.ndarray | None]
    """The codes of each population, where they are values."""
    accumulators: list[np.ndarray]
    """The membranes of the read-outs."""


def run(file: Path, inputs: np.ndarray) -> Found:
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    codes, readouts = names(model, "codes"), names(model, "readouts")
    inside = [name for name in [*codes, *readouts] if name]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in inside)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    wanted = [session.get_outputs()[0].name, *inside]
    found = dict(zip(wanted, session.run(wanted, {session.get_inputs()[0].name: inputs}), strict=True))
    return Found(found[wanted[0]], [found.get(name) for name in codes], [found[name] for name in readouts])


def random_networks(count: int, program: str, folder: Path) -> Iterator[tuple[str, bool, str]]:
    subprocess.run([*shlex.split(program), str(folder), str(count)], check=True)
    for case in sorted(folder.iterdir()):
        inputs, expected = np.load(case / "input.npy"), np.load(case / "output.npy")
        for form in ("folded", "unrolled"):
            output = run(case / f"{form}.onnx", inputs).output
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
    wanted = [np.load(folder / f"codes_{number}.npy") for number in range(len(list(folder.glob("codes_*.npy"))))]
    export = [*shlex.split(program), "export", str(net), "--to"]
    accumulators = None
    for form in case.forms:
        file = folder / f"{form}.onnx"
        flags = ["--unrolled"] if form == "unrolled" else []
        subprocess.run([*export, "onnx", "-o", str(file), *flags], check=True, stdout=subprocess.DEVNULL)
        found = run(file, inputs)
        accumulators = found.accumulators[0] if accumulators is None else accumulators
        classes = int((found.output.argmax(-1) == expected.argmax(-1)).sum())
        detail = f"{classes} of {len(inputs)} classes agree, results differ by {np.abs(found.output - expected).max():.2e}"
        pairs = [(codes, right) for codes, right in zip(found.codes, wanted, strict=form == "folded") if codes is not None]
        differing = sum(int((codes != right).sum()) for codes, right in pairs)
        if pairs:
            detail += f", {differing} of {sum(right.size for _, right in pairs)} trains"
        # what follows the accumulators is in f32, which rounds them beyond 2^24
        exact = np.allclose(found.output, expected, rtol=1e-6, atol=1e-6) and differing == 0
        yield f"{case.name} {form}", exact if case.integer else classes == len(inputs), detail
    if not case.integer:
        return
    for steps in ("folded", "spikes"):
        subprocess.run([*export, "c", "--steps", steps, "-o", str(folder / "net.c")], check=True, stdout=subprocess.DEVNULL)
        got, codes = compiled(folder, inputs.astype(np.uint8))
        right = np.concatenate([population.reshape(len(inputs), -1) for population in wanted], axis=1)
        differing = int((codes != right).sum())
        sums = int((got != accumulators.reshape(len(inputs), -1)).sum())
        detail = f"{differing} of {right.size} trains and {sums} of {got.size} accumulators differ"
        yield f"{case.name} C, {steps}", differing == 0 and sums == 0, detail


DRIVER = """
#include <stdio.h>
static int codes[1 << 24];
static size_t count;
#define NET_WATCH(population, neuron, code) (codes[count++] = (code))
#include "net.c"
int main(void) {
  static unsigned char pixels[NET_INPUTS];
  static net_accumulator found[NET_OUTPUTS];
  while (fread(pixels, 1, sizeof pixels, stdin) == sizeof pixels) {
    count = 0;
    net_run(pixels, found);
    for (int i = 0; i < NET_OUTPUTS; i++) { long long sum = found[i]; fwrite(&sum, 8, 1, stdout); }
    fwrite(codes, sizeof *codes, count, stdout);
  }
  return 0;
}
"""


def compiled(folder: Path, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Accumulators and codes of `net.c`."""
    (folder / "main.c").write_text(DRIVER, encoding="utf-8")
    flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    subprocess.run(["gcc", *flags, "-o", "net", "main.c"], cwd=folder, check=True)
    answer = subprocess.run([folder / "net"], input=pixels.tobytes(), capture_output=True, check=True).stdout
    header = (folder / "net.h").read_text(encoding="utf-8")
    outputs = int(header.split("#define NET_OUTPUTS ")[1].split()[0])
    rows = np.frombuffer(answer, np.uint8).reshape(len(pixels), -1)
    accumulators = np.ascontiguousarray(rows[:, : 8 * outputs]).view(np.int64)
    return accumulators, np.ascontiguousarray(rows[:, 8 * outputs :]).view(np.int32)


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
