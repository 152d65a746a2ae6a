"""Layer by layer: what is multiplied, how long it takes, and how much of the processor's peak that is; `bench/roofline` runs it.

The peak is measured in the same run, in registers. Figures are of one thread; times are medians of nine runs. A layer is all
that reaches a population: its synapses, shortcut, neurons and pooling. The data are in the folder that SPIKECONVERTER_DATA
names.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import machine
import networks
from engine import Setup
from ours import converted
from speed import chosen, positive, work_option

FORMS = {"i8-t8": ("i8", 8), "i8-t16": ("i8", 16), "f32-t8": ("f32", 8)}
SMALL = 0.01
"""Layers that take a smaller share of the time than this are summed up."""


def measured(network: networks.Network, form: str, setup: Setup) -> dict[str, Any]:
    """What the program says about a network's layers."""
    weights, time_steps = FORMS[form]
    samples = network.images if weights == "f32" else network.pixels
    program = setup.programs / "examples/speed"
    command = [program, "--layers", converted(network, setup, weights, time_steps), samples(setup.batch)]
    core = str(max(os.sched_getaffinity(0)))
    answer = subprocess.run(["taskset", "--cpu-list", core, *command], check=True, capture_output=True, text=True).stdout
    return {"network": network.name, "form": form, **json.loads(answer)}


def row(name: str, macs: int, seconds: float, run: dict[str, Any], total: float) -> str:
    """A line of a table."""
    rate = macs * run["images"] / seconds
    peak = run["peak_integers"] if run["integers"] else run["peak_f32"]
    share = f"{100 * rate / peak:.0f}" if peak else "-"
    milliseconds = 1000 * seconds / run["images"]
    return f"| {name} | {macs / 1e6:.2f} | {milliseconds:.4f} | {100 * seconds / total:.1f} | {2 * rate / 1e9:.1f} | {share} |"


def table(run: dict[str, Any]) -> str:
    """A network's layers, and their sum."""
    layers = [layer for layer in run["layers"] if layer["seconds"] > 0]
    total = sum(layer["seconds"] for layer in layers)
    shown = [layer for layer in layers if layer["seconds"] >= SMALL * total]
    rest = [layer for layer in layers if layer["seconds"] < SMALL * total]
    lines = [
        f"\n## {run['network']}, {run['form'].replace('-t', ', T = ')}, batch {run['images']}\n",
        "| layer | M MACs an image | ms an image | % of the time | GOP/s | % of the peak |",
        "|---|---:|---:|---:|---:|---:|",
        *(row(layer["name"], layer["macs"], layer["seconds"], run, total) for layer in shown),
    ]
    if rest:
        name = f"{len(rest)} more, below {100 * SMALL:.0f} % each"
        lines.append(row(name, sum(layer["macs"] for layer in rest), sum(layer["seconds"] for layer in rest), run, total))
    lines.append(row("**all**", sum(layer["macs"] for layer in layers), total, run, total))
    return "\n".join(lines)


def markdown(facts: dict[str, Any], runs: list[dict[str, Any]]) -> str:
    """All tables, and what they were measured on."""
    # others disturb a peak as they disturb layers: the highest that was seen is the machine's
    for peak in ("peak_f32", "peak_integers"):
        highest = max(run[peak] or 0.0 for run in runs)
        runs = [run | {peak: highest} for run in runs]
    head = (
        f"Made by `bench/roofline` (spikeconverter at {facts['spikeconverter']}) on {facts['processor']}, "
        f"{' '.join(facts['flags'])}; {facts['system']}; load {facts['load'][0]:.1f} before, {facts['load'][1]:.1f} after.\n\n"
        f"Peak of one core, in registers: {2e-9 * runs[0]['peak_f32']:.0f} GOP/s in f32, "
        f"{2e-9 * runs[0]['peak_integers']:.0f} GOP/s with the integer instructions in use ({runs[0]['instructions']}). A multiply-accumulate is "
        "two operations, and counts as the direct algorithm needs it: layers with fewer multiplications (Winograd) can exceed "
        "100 %. The peak is the highest of all runs."
    )
    return "\n".join([head, *map(table, runs)]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser("bench/roofline", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=chosen(networks.NAMES), default=networks.NAMES, help=f"of {','.join(networks.NAMES)}")
    parser.add_argument("--forms", type=chosen(list(FORMS)), default=list(FORMS), help=f"of {','.join(FORMS)}")
    parser.add_argument("--batch", type=positive, default=16, help="images (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the Markdown here as well")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured here")
    parser.add_argument("--programs", type=Path, required=True, metavar="DIR", help=argparse.SUPPRESS)
    work_option(parser)
    arguments = parser.parse_args()
    data = networks.data_folder()
    facts = machine.describe()
    arguments.work.mkdir(parents=True, exist_ok=True)
    setup = Setup(arguments.programs, arguments.batch)
    prepared = [networks.prepare(name, data, arguments.work) for name in arguments.networks]
    runs = [measured(network, form, setup) for network in prepared for form in arguments.forms]
    facts["load"].append(os.getloadavg()[0])
    text = markdown(facts, runs)
    print(text, end="")
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": facts, "runs": runs}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
