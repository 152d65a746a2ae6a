"""Compares conversion methods on trained networks, and writes what `spikeconverter compare` found as Markdown."""

import argparse
import json
import os
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NETWORKS = ["cifar10_resnet20", "mobilenet_v2_imagenet", "kws_dscnn"]

COLUMNS = ["method", "T", "latency, steps", "accuracy %", "gap", "agreement %", "spikes/neuron", "bits/spike", "SynOps"]
COLUMNS += ["energy SNN/ANN", "time, s", "front"]


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="bench/compare", description=__doc__)
    parser.add_argument("--networks", default=",".join(NETWORKS), help="tables of preprocessing.toml (default: %(default)s)")
    parser.add_argument("--methods", default="all", help="all, or names (default: %(default)s)")
    parser.add_argument("--time-steps", default="1,2,4,8,16,32,64,128", help="numbers of time steps (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="the first N test samples only")
    parser.add_argument("--calibrate", type=int, default=1024, help="calibration samples (default: %(default)s)")
    parser.add_argument("--threads", type=int, help="threads to compute with")
    parser.add_argument(
        "--folder", type=Path, default=Path("comparisons"), help="where reports and state go (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, help="write the tables here as well")
    parser.add_argument("--program", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def compare(asked: argparse.Namespace, data: Path, name: str, entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells of one network; finished ones are found again where a run was interrupted."""
    models = data / "models"
    command = [asked.program, "compare", models / entry["file"], "--preprocess", models / "preprocessing.toml"]
    command += ["--data", data / entry["test"], "--calibration-data", data / entry["calibrate"]]
    if "test_range" in entry:
        command += ["--range", "{}..{}".format(*entry["test_range"])]
    if "label_file" in entry:
        command += ["--labels", data / entry["label_file"]]
    if "calibrate_range" in entry:
        command += ["--calibration-range", "{}..{}".format(*entry["calibrate_range"])]
    command += ["--methods", asked.methods, "-T", asked.time_steps, "--calibrate", str(asked.calibrate), "--json"]
    command += ["--resume", asked.folder / f"{name}.state.json", "--report", asked.folder / f"{name}.html"]
    for option in ("limit", "threads"):
        if (value := getattr(asked, option)) is not None:
            command += [f"--{option}", str(value)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    (asked.folder / f"{name}.json").write_text(answer, encoding="utf-8")
    return json.loads(answer)


def percent(share: float | None) -> str:
    """A share in percent, or a dash where there is none."""
    return "-" if share is None else f"{100 * share:.2f}"


def row(cell: dict[str, Any]) -> str:
    """A line of the table."""
    kind = "window" if cell["schedule"] == "window" else "stream"
    trained, spiking = cell["ann_accuracy"], cell["snn_accuracy"]
    gap = None if trained is None or spiking is None else trained - spiking
    fronts = cell["fronts"]
    marks = ", ".join(mark for mark in ("best", "latency", "energy") if fronts[mark])
    figures = [
        f"{cell['method']} ({kind})",
        cell["time_steps"],
        cell["latency_steps"],
        percent(spiking),
        percent(gap),
        percent(cell["agreement"]),
        f"{cell['spikes_per_neuron']:.3f}",
        cell["bits_per_spike"],
        f"{cell['synops_per_image'] / 1e6:.2f} M",
        f"{cell['snn_energy_joule'] / cell['ann_energy_joule']:.2f}",
        f"{cell['seconds']:.1f}",
        marks,
    ]
    return "| " + " | ".join(map(str, figures)) + " |"


def table(name: str, cells: list[dict[str, Any]]) -> Iterator[str]:
    """What was found on one network."""
    measured = [cell for cell in cells if "error" not in cell]
    yield f"\n## {name}\n"
    if measured:
        first = measured[0]
        yield (
            f"Trained network: {percent(first['ann_accuracy'])} % of {first['images']} test samples, "
            f"{first['ann_macs_per_image'] / 1e6:.1f} MMAC, {first['ann_energy_joule'] * 1e6:.1f} uJ a sample.\n"
        )
        yield "| " + " | ".join(COLUMNS) + " |"
        yield "|---|" + "---:|" * (len(COLUMNS) - 2) + "---|"
        yield from map(row, measured)
        yield ""
    reasons: dict[tuple[str, str], list[int]] = {}
    for cell in cells:
        if "error" in cell:
            reasons.setdefault((cell["method"], cell["error"]), []).append(cell["time_steps"])
    for (method, reason), steps in reasons.items():
        yield f"* {method}, T = {', '.join(map(str, steps))}: not converted: {reason}"


def main() -> None:
    """Compares on every network asked for."""
    asked = arguments()
    folder = os.environ.get("SPIKECONVERTER_DATA")
    if not folder:
        raise SystemExit("SPIKECONVERTER_DATA is not set; it must name the folder that holds models/preprocessing.toml")
    data = Path(folder)
    known = tomllib.loads((data / "models/preprocessing.toml").read_text(encoding="utf-8"))["model"]
    names = asked.networks.split(",")
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"preprocessing.toml has no model {', '.join(unknown)}")
    asked.folder.mkdir(parents=True, exist_ok=True)
    lines = [
        f"All methods on the same calibration samples, {asked.calibrate} at most; gap: trained minus spiking network, points; "
        + "SynOps: of a sample; time: conversion and evaluation; front: best of all, or on that Pareto front of accuracy and cost."
    ]
    for name in names:
        lines += table(name, compare(asked, data, name, known[name]))
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if asked.out:
        asked.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
