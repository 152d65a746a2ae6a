"""This program: the trained network's runner, and the folded engine on converted networks."""

import hashlib
import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

from engine import Engine, Setup, Unavailable
from networks import Network

CALIBRATION_IMAGES = 256


@cache
def offered_weights(program: Path) -> str:
    """What the help of `convert` says about its option `--weights`."""
    text = subprocess.run([program, "convert", "--help"], check=True, capture_output=True, text=True).stdout
    option = re.search(r"\n\s+--weights\b(.*?)(?=\n\s+--?\w|\Z)", text, re.DOTALL)
    return option[1] if option else ""


@cache
def digest(program: Path) -> str:
    """Tells one build of the program from another."""
    return hashlib.sha256(program.read_bytes()).hexdigest()[:12]


def converted(network: Network, setup: Setup, weights: str, time_steps: int) -> Path:
    """The spiking network, converted by this build of the program."""
    program = setup.programs / "spikeconverter"
    options = ["--weights", weights]
    if not re.search(rf"\b{weights}\b", offered_weights(program)):
        if weights != "f32":
            raise Unavailable(f"`spikeconverter convert` does not offer --weights {weights}")
        options = []
    if weights != "f32":
        options += ["--input", "pixels"]
    path = network.folder / f"{weights}-{time_steps}-{digest(program)}.snn"
    if not path.exists():
        command = [program, "convert", network.model, "--data", network.calibration, "--output", path, *options]
        command += ["--time-steps", str(time_steps), "--calibrate", str(CALIBRATION_IMAGES), *network.preprocessing.flags()]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def trained(network: Network, setup: Setup) -> list[str]:
    """The command of the trained network's runner."""
    return [str(setup.programs / "examples/speed"), str(network.model), str(network.images(setup.batch))]


def spiking(weights: str, time_steps: int) -> Callable[[Network, Setup], list[str]]:
    """The command of the folded engine; with integer weights it takes pixels."""

    def command(network: Network, setup: Setup) -> list[str]:
        samples = network.images if weights == "f32" else network.pixels
        snn = converted(network, setup, weights, time_steps)
        return [str(setup.programs / "examples/speed"), str(snn), str(samples(setup.batch))]

    return command


OURS = [
    Engine("ann-f32", "spikeconverter, trained network f32", trained),
    *(
        Engine(f"snn-{weights}-t{steps}", f"spikeconverter, spiking {weights}, T = {steps}", spiking(weights, steps))
        for weights, steps in [("f32", 8), ("f32", 16), ("i8", 16), ("i8", 8), ("i8", 4), ("i8", 2)]
    ),
]
