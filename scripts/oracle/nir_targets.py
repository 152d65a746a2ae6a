"""Runs exported networks in the importers of NIR, on real images, and holds the verdicts of `spikeconverter export` to it.

    python scripts/oracle/nir_targets.py [--images N] [--only TEXT] [--venvs DIR]

Networks of $SPIKECONVERTER_DATA are converted by a method that resets by subtraction and by one that resets to zero, and exported
for every target. Each importer runs the file as it imports it, and with the change that the verdict names. Its spikes are compared
with this program's own network, neuron by neuron, and with our interpreter under the semantics that we say the importer has.
`faithful`: no more than 1 neuron in 1000 sends another number of spikes, and no more than a point of accuracy is lost;
`approximate`: no more than 5 points are lost, and most samples have our network's class; `unsupported`: it does not load, or
anything else. The status is 1 when a verdict is not what was measured, or where our interpreter differs from an importer that runs
nodes in order. Environments are made in --venvs from requirements-nir.txt and requirements-nir-sinabs.txt.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
RUN = "cargo run -q --release"
TARGETS = ("nir", "sinabs", "norse", "snntorch", "spikingjelly")


@dataclass(frozen=True)
class Case:
    """A trained network and how it is converted."""

    name: str
    arguments: tuple[object, ...]
    test: object
    images: int


def cases() -> list[Case]:
    soft, hard = ("--method", "rueckauer2017", "-T", 32), ("--method", "diehl2015-data", "-T", 32)
    if not (folder := os.environ.get("SPIKECONVERTER_DATA")):
        raise SystemExit("SPIKECONVERTER_DATA is not set; it must name the folder that holds models/preprocessing.toml")
    data = Path(folder)
    preprocess = ("--preprocess", data / "models/preprocessing.toml", "--calibrate", 128)
    resnet = (data / "models/resnet8_cifar10.onnx", "--data", data / "cifar10/train_20k.bin", *preprocess)
    kws = (data / "models/kws_dscnn.onnx", "--data", data / "kws/kws01.npz", *preprocess)
    return [
        Case("ResNet-8, subtraction", (*resnet, *soft), data / "cifar10/test.bin", 100),
        Case("ResNet-8, to zero", (*resnet, *hard), data / "cifar10/test.bin", 100),
        Case("keywords, subtraction", (*kws, *soft), data / "kws/kws01.npz", 50),
        Case("keywords, to zero", (*kws, *hard), data / "kws/kws01.npz", 50),
    ]


def call(command: list[object]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], check=False, capture_output=True, text=True)


def environment(folder: Path, target: str) -> Path:
    """The Python of an importer."""
    name = "nir-sinabs" if target == "sinabs" else "nir"
    python = folder / name / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / name], check=True)
        requirements = HERE / f"requirements-{name}.txt"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", requirements], check=True)
    return python


@dataclass(frozen=True)
class Seen:
    """What an importer did, beside the network's own."""

    verdict: str
    accuracy: float
    same: float
    """Share of samples with our network's class."""
    differing: float
    """Share of neurons with another number of spikes."""
    interpreter: float
    """Share of neurons in which our interpreter differs from the importer."""
    detail: str = ""


def compare(folder: Path, own: Path, interpreter: Path | None) -> Seen:
    labels = np.load(own / "labels.npy")
    read = lambda place, name: np.load(place / name).reshape(len(labels), -1)
    count = len(list(own.glob("codes_*.npy")))
    codes = [(read(folder, f"codes_{n}.npy"), read(own, f"codes_{n}.npy")) for n in range(count)]
    size = sum(right.size for _, right in codes)
    differing = sum(int((found != right).sum()) for found, right in codes) / size
    classes, wanted = (read(place, "output.npy").argmax(1) for place in (folder, own))
    accuracy, same = float((classes == labels).mean()), float((classes == wanted).mean())
    lost = float((wanted == labels).mean()) - accuracy
    near = lost <= 0.05 and same > 0.5
    verdict = "faithful" if differing <= 1e-3 and lost <= 0.01 else "approximate" if near else "unsupported"
    beside = 0.0
    if interpreter is not None:
        files = sorted(interpreter.glob("nir_n*.npy"))
        ours = zip(codes, files, strict=True)
        beside = sum(int((found != np.load(file)).sum()) for (found, _), file in ours) / size
    return Seen(verdict, accuracy, same, differing, beside)


def interpret(options: argparse.Namespace, file: Path, folder: Path, own: Path, target: str | None) -> str:
    """Runs our interpreter; what it complains of."""
    folder.mkdir(exist_ok=True)
    (folder / "input.npy").write_bytes((own / "input.npy").read_bytes())
    done = call([*shlex.split(options.interpreter), file, folder, *([target] if target else [])])
    return done.stderr.strip() if done.returncode else ""


def measure(options: argparse.Namespace, target: str, file: Path, own: Path, work: Path, adjusted: bool) -> Seen:
    interpreter = work / "interpreter"
    for old in interpreter.glob("*.npy"):
        old.unlink()
    if problem := interpret(options, file, interpreter, own, None if adjusted else target):
        return Seen("unsupported", 0.0, 0.0, 1.0, 1.0, problem)
    if target == "nir":
        # our interpreter is the importer
        for number, sent in enumerate(sorted(interpreter.glob("nir_n*.npy"))):
            (interpreter / f"codes_{number}.npy").write_bytes(sent.read_bytes())
        (interpreter / "output.npy").write_bytes((interpreter / "nir_output.npy").read_bytes())
        return compare(interpreter, own, None)
    folder = work / target
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.npy"):
        old.unlink()
    (folder / "input.npy").write_bytes((own / "input.npy").read_bytes())
    python = environment(options.venvs, target)
    done = call([python, HERE / "nir_importers.py", target, file, folder, *(["--adjusted"] if adjusted else [])])
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["?"]
        return Seen("unsupported", 0.0, 0.0, 1.0, 0.0, lines[-1].strip())
    return compare(folder, own, interpreter)


def run(options: argparse.Namespace, case: Case, work: Path) -> tuple[list[list[str]], bool]:
    """Rows of the table, and whether all verdicts are right."""
    program = shlex.split(options.program)
    own = work / "own"
    own.mkdir()
    net = work / "net.snn"
    done = call([*program, "convert", *case.arguments, "-o", net])
    if done.returncode:
        return [[case.name, "", "FAILED", done.stderr.strip()]], False
    done = call([*shlex.split(options.dump), net, case.test, own, min(case.images, options.images)])
    if done.returncode:
        return [[case.name, "", "FAILED", done.stderr.strip()]], False
    labels, output = np.load(own / "labels.npy"), np.load(own / "output.npy")
    accuracy = float((output.reshape(len(labels), -1).argmax(1) == labels).mean())
    rows, right = [[case.name, "this program", "", "", f"{100 * accuracy:.1f} %", "", "", ""]], True
    for target in TARGETS:
        file = work / f"{target}.nir"
        done = call([*program, "export", net, "--to", "nir", "--target", target, "--force", "-o", file, "--json"])
        if done.returncode:
            rows.append([case.name, target, "refused", done.stderr.strip(), "", "", "", ""])
            continue
        said = json.loads(done.stdout)["verdicts"][0]
        wanted = [(target, said["verdict"], False)]
        if said["adjustment"]:
            wanted.append((f"{target}, adjusted", said["adjustment"]["verdict"], True))
        for name, verdict, adjusted in wanted:
            seen = measure(options, target, file, own, work, adjusted)
            # an importer that runs nodes in another order does what no choice of neurons explains
            disorder = any(DISORDER in reason for reason in said["reasons"])
            agrees = seen.verdict == verdict and (disorder or seen.interpreter <= 1e-3)
            right &= agrees
            rows.append(
                [
                    case.name,
                    name,
                    seen.verdict,
                    verdict if agrees else f"WRONG: {verdict}",
                    "" if seen.detail else f"{100 * seen.accuracy:.1f} %",
                    "" if seen.detail else f"{100 * seen.same:.0f} %",
                    seen.detail or f"{100 * seen.differing:.2f} %",
                    "" if seen.detail else f"{100 * seen.interpreter:.2f} %",
                ]
            )
    return rows, right


#: What a verdict says of an importer that does not run nodes in the order of the graph.
DISORDER = "before all of them have sent"
HEADS = [
    "network",
    "in",
    "measured",
    "said",
    "accuracy",
    "same class as ours",
    "neurons that differ from ours",
    "and from the interpreter",
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=200, help="images a network, at most (default: %(default)s)")
    parser.add_argument("--only", metavar="TEXT", default="", help="only the networks whose name contains TEXT")
    parser.add_argument(
        "--venvs", type=Path, default=Path(tempfile.gettempdir()) / "spikeconverter-nir", help="default: %(default)s"
    )
    parser.add_argument("--program", default=f"{RUN} -p spikeconverter --", help="the command line (default: %(default)s)")
    example = f"{RUN} -p spikeconverter-pipeline --example"
    parser.add_argument("--dump", default=f"{example} run_snn --", help="default: %(default)s")
    parser.add_argument("--interpreter", default=f"{example} run_nir --", help="default: %(default)s")
    options = parser.parse_args()
    passed = failed = 0
    print("| " + " | ".join(HEADS) + " |", "|" + "---|" * len(HEADS), sep="\n")
    for case in cases():
        if options.only not in case.name:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            rows, right = run(options, case, Path(temporary))
        for row in rows:
            print("| " + " | ".join(row) + " |", flush=True)
        passed, failed = passed + right, failed + (not right)
    print(f"\n{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
