"""Reads our NIR files with the `nir` package, and the package's with ours.

    python scripts/oracle/nir_files.py [--program COMMAND]

Networks of the demo, and those of $SPIKECONVERTER_DATA if it is set, are converted by streaming methods and exported in each
form of pooling; `nir` reads them with its checks of types. Then graphs that it writes, contiguous and in compressed chunks, are
read back by `spikeconverter inspect`, node by node, and example files of $SPIKECONVERTER_DATA too. The status is 1 when a case
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
from pathlib import Path

import nir
import numpy as np

import runner

DEMO = Path(__file__).resolve().parents[2] / "demo"
POOLINGS = ("sum", "average", "convolution")


def call(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*shlex.split(program), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def sources() -> Iterator[tuple[str, list[object]]]:
    """Name and arguments of `convert` but the method."""
    yield "digits", [DEMO / "digits.onnx", "--data", DEMO / "digits-train.npz", "--scale", "1/16"]
    if folder := os.environ.get("SPIKECONVERTER_DATA"):
        data = Path(folder)
        preprocess = ["--preprocess", data / "models/preprocessing.toml"]
        for model, samples in (("cifar10_resnet20", "cifar10/train_20k.bin"), ("kws_dscnn", "kws/kws01.npz")):
            yield model, [data / "models" / f"{model}.onnx", "--data", data / samples, *preprocess]


def exported(program: str, folder: Path) -> Iterator[tuple[str, bool, str]]:
    for name, arguments in sources():
        for method in ("rueckauer2017", "diehl2015-data"):
            net = folder / f"{name}-{method}.snn"
            made = call(program, "convert", *arguments, "--method", method, "-T", 8, "--calibrate", 16, "-o", net)
            if made.returncode != 0:
                yield f"{name} {method}", False, made.stderr.strip()
                continue
            for pooling in POOLINGS:
                file = folder / "net.nir"
                done = call(program, "export", net, "--to", "nir", "--pooling", pooling, "-o", file, "--json")
                if done.returncode != 0:
                    # what NIR cannot say is refused in a sentence
                    refused = "NIR has no" in done.stderr
                    yield f"{name} {method} {pooling}", refused, done.stderr.strip()
                    continue
                graph = nir.read(file)
                neurons = [node for node in graph.nodes.values() if isinstance(node, nir.IF)]
                unit = all((node.v_threshold == 1).all() and (node.r == 1).all() for node in neurons)
                ours = graph.metadata["spikeconverter"]
                detail = f"{len(graph.nodes)} nodes, {len(neurons)} IF, metadata {len(ours)}"
                yield f"{name} {method} {pooling}", unit and int(ours["time_steps"]) == 8, detail


def graphs() -> Iterator[tuple[str, nir.NIRGraph]]:
    """Graphs with all nodes that the package has."""
    rng = np.random.default_rng(1)
    ones, draw = np.ones, rng.standard_normal
    shape = (2, 4, 4)
    conv = nir.Conv2d((4, 4), draw((2, 1, 3, 3)), 1, 1, 1, 1, draw(2))
    pools = [kind(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])) for kind in (nir.SumPool2d, nir.AvgPool2d)]
    spiking = nir.IF(ones(shape), ones(shape), np.zeros(shape))
    flatten = nir.Flatten({"input": np.array([2, 1, 1])}, 0, -1)
    yield "convolution", nir.NIRGraph.from_list(nir.Input(np.array([1, 4, 4])), conv, spiking, *pools, flatten)
    vectors = [
        nir.Affine(draw((3, 3)), draw(3)),
        nir.LIF(ones(3), ones(3), np.zeros(3), ones(3)),
        nir.Linear(draw((3, 3))),
        nir.CubaLIF(ones(3), ones(3), ones(3), np.zeros(3), ones(3)),
        nir.Scale(draw(3)),
        nir.LI(ones(3), ones(3), np.zeros(3)),
        nir.Delay(ones(3)),
        nir.CubaLI(ones(3), ones(3), ones(3), np.zeros(3)),
        nir.I(ones(3)),
        nir.Threshold(ones(3)),
    ]
    yield "neurons", nir.NIRGraph.from_list(nir.Input(np.array([3])), *vectors)
    yield "one axis", nir.NIRGraph.from_list(nir.Input(np.array([2, 8])), nir.Conv1d(8, draw((3, 2, 3)), 1, "same", 1, 1, draw(3)))


def written(program: str, folder: Path) -> Iterator[tuple[str, bool, str]]:
    file = folder / "theirs.nir"
    for name, graph in graphs():
        graph.metadata = {"text": "é", "numbers": np.arange(3.0), "group": {"one": 1}}
        for compression in (None, "gzip"):
            nir.write(file, graph, compression=compression)
            found = call(program, "inspect", file, "--json")
            label = f"{name} {compression or 'contiguous'}"
            if found.returncode != 0:
                yield label, False, found.stderr.strip()
                continue
            nodes = {node["name"]: node for node in json.loads(found.stdout)["nodes"]}
            right = set(nodes) == set(graph.nodes) and all(
                nodes[key]["kind"] == type(node).__name__
                and nodes[key]["shape"] == np.atleast_1d(next(iter(node.output_type.values()))).tolist()
                for key, node in graph.nodes.items()
            )
            yield label, right, f"{len(nodes)} nodes"


def examples(program: str) -> Iterator[tuple[str, bool, str]]:
    if not (folder := os.environ.get("SPIKECONVERTER_DATA")):
        return
    for file in sorted((Path(folder) / "nir").rglob("*.nir")):
        found = call(program, "inspect", file, "--json")
        if file.parent.name == "rejected":
            yield f"rejected {file.name}", found.returncode == 1 and str(file) in found.stderr, found.stderr.strip()
        else:
            nodes = len(json.loads(found.stdout)["nodes"]) if found.returncode == 0 else 0
            yield file.name, nodes == len(nir.read(file, type_check=False).nodes), found.stderr.strip() or f"{nodes} nodes"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    run = "cargo run -q --release -p spikeconverter --"
    parser.add_argument("--program", default=run, help="the command line (default: %(default)s)")
    options = parser.parse_args()
    tally = runner.Tally()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for cases in (exported(options.program, folder), written(options.program, folder), examples(options.program)):
            for name, right, detail in cases:
                tally.report("passed" if right else "FAILED", name, detail)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
