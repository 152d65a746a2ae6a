"""How the oracle scripts talk to the program under test.

A runner is a command that takes one argument, a directory. For every folder CASE in it, it reads CASE/model.onnx and
CASE/input_0.npy, input_1.npy, ... (float32, C order, in the order of the graph's inputs) and writes CASE/output_0.npy, the
network's first output, or CASE/error.txt, one sentence that says why it cannot.
"""

import argparse
import shlex
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx

DEFAULT_RUNNER = "cargo run -q --release -p spikeconverter-engine --example run_onnx --"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runner", default=DEFAULT_RUNNER, help="command that runs a directory of cases (default: %(default)s)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write the cases to this new directory and leave them there")
    parser.add_argument("--only", metavar="TEXT", default="", help="only the cases whose name contains TEXT")


def write_case(folder: Path, model: onnx.ModelProto | Path, inputs: Sequence[np.ndarray], companions: Sequence[Path] = ()) -> None:
    """Lays out one case; `companions` are files that lie beside the model, such as external weights."""
    folder.mkdir(parents=True)
    if isinstance(model, Path):
        shutil.copyfile(model, folder / "model.onnx")
    else:
        onnx.save(model, folder / "model.onnx")
    for file in companions:
        shutil.copyfile(file, folder / file.name)
    for i, value in enumerate(inputs):
        np.save(folder / f"input_{i}.npy", np.asarray(value, np.float32, order="C"))


def run(command: str, folder: Path) -> None:
    """Runs the program once over all cases; a case it left unanswered is found by `answer`."""
    status = subprocess.run([*shlex.split(command), str(folder)], check=False).returncode
    if status != 0:
        print(f"the runner ended with status {status}")


def answer(folder: Path) -> np.ndarray | str:
    """The program's first output, or what it said instead."""
    error, output = folder / "error.txt", folder / "output_0.npy"
    if error.exists():
        return error.read_text(encoding="utf-8").strip() or "an empty error"
    if not output.exists():
        return "neither an output nor an error was written"
    return np.load(output)


class Tally:
    """Prints a line per case and the closing line."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def report(self, verdict: str, name: str, detail: str = "") -> None:
        self.counts[verdict] += 1
        print(f"{verdict:<8} {name}" + (f": {detail}" if detail else ""))

    def close(self) -> int:
        """Prints the totals; the exit status. A run in which nothing passed has shown nothing, so it fails too."""
        counts = self.counts
        print(f"{counts['passed']} passed, {counts['FAILED']} failed, {counts['skipped']} skipped")
        return 1 if counts["FAILED"] or not counts["passed"] else 0
