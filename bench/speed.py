"""Measures this program and its peers on the same networks and images, in turns; `bench/speed` runs it.

Every engine is a program of its own (server.py), bound to as many cores as it has threads. In each round every engine runs
once, for about half a second, in alternating order. The data are in the folder that SPIKECONVERTER_DATA names.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import machine
import networks
from engine import Engine, Setup, Unavailable
from networks import Network
from ours import OURS
from peers import F32_PEER, PEERS
from server import Server, ServerError
from table import Measurement, markdown

ENGINES = [*PEERS, *OURS]
THREADS = [1, 2]
SECONDS_A_RUN = 0.5


class Bench:
    """Collects measurements, and remarks about what is not measured."""

    def __init__(self, engines: list[Engine], setup: Setup, rounds: int) -> None:
        self.engines, self.setup, self.rounds = engines, setup, rounds
        self.measurements: list[Measurement] = []
        self.remarks: list[str] = []
        self.failed = False

    def remark(self, text: str) -> None:
        """Says it now, and once in the result."""
        if text not in self.remarks:
            self.remarks.append(text)
            tell(text)

    def prepare(self, network: Network) -> dict[Engine, list[str]]:
        """The commands of the engines that can run the network."""
        commands = {}
        for engine in self.engines:
            tell(f"{network.name}: preparing {engine.name}")
            try:
                commands[engine] = engine.command(network, self.setup)
            except Unavailable as reason:
                self.remark(f"{engine.title}: left out, {reason}")
            except subprocess.CalledProcessError as error:
                self.fail(network, engine, error)
        return commands

    def fail(self, network: Network, engine: Engine, error: Exception) -> None:
        """Leaves out a row that should be there."""
        self.failed = True
        self.remark(f"{network.name}, {engine.title}: failed, {error}")

    def run(self, network: Network) -> None:
        """Measures all engines on a network, with each number of threads."""
        commands = self.prepare(network)
        cores = sorted(os.sched_getaffinity(0))
        for threads in THREADS:
            if threads > len(cores):
                self.remark(f"{threads} threads: left out, there are only {len(cores)} cores")
                continue
            with ExitStack() as stack:
                servers = {}
                for engine, command in commands.items():
                    try:
                        servers[engine] = stack.enter_context(Server(command, cores[-threads:]))
                    except ServerError as error:
                        self.fail(network, engine, error)
                for batch in [self.setup.batch, 1] if threads == 1 else [self.setup.batch]:
                    tell(f"{network.name}: measuring, threads {threads}, batch {batch}")
                    self.measure(network, servers, threads, batch)

    def measure(self, network: Network, servers: dict[Engine, Server], threads: int, batch: int) -> None:
        """Lets the engines take turns."""
        repeats = {engine: repeats_for(server, batch) for engine, server in servers.items()}
        seconds: dict[Engine, list[float]] = {engine: [] for engine in servers}
        for turn in range(self.rounds):
            order = list(servers) if turn % 2 == 0 else list(reversed(servers))
            for engine in order:
                seconds[engine].append(servers[engine].seconds(batch, repeats[engine]))
        truth = next((server.classes for engine, server in servers.items() if engine.name == F32_PEER), None)
        for engine, server in servers.items():
            self.measurements.append(
                Measurement(
                    network.name,
                    engine.name,
                    engine.title,
                    batch,
                    threads,
                    repeats[engine],
                    truth and agreement(truth, server.classes),
                    seconds[engine],
                )
            )


def repeats_for(server: Server, batch: int) -> int:
    """How often a batch fits into a run's time; warms up on the way."""
    server.seconds(batch, 1)
    return max(1, round(SECONDS_A_RUN / server.seconds(batch, 2)))


def agreement(expected: list[int], found: list[int]) -> float:
    """Share of equal entries."""
    return sum(a == b for a, b in zip(expected, found, strict=True)) / len(expected)


def tell(text: str) -> None:
    """Progress, apart from the result."""
    print(text, file=sys.stderr, flush=True)


def chosen(names: list[str]) -> Callable[[str], list[str]]:
    """A reader of lists of names, separated by commas."""

    def parse(text: str) -> list[str]:
        given = text.split(",")
        if unknown := [name for name in given if name not in names]:
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(names)}")
        return [name for name in names if name in given]

    return parse


def positive(text: str) -> int:
    """Reads a number of at least 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"`{text}` is no number of at least 1")
    return int(text)


def work_option(parser: argparse.ArgumentParser) -> None:
    """Where converted networks are kept."""
    work = Path(tempfile.gettempdir()) / "spikeconverter-bench"
    parser.add_argument(
        "--work", type=Path, default=work, metavar="DIR", help="keeps what is made of networks (default: %(default)s)"
    )


def options() -> argparse.Namespace:
    """The command line."""
    names = [engine.name for engine in ENGINES]
    parser = argparse.ArgumentParser("bench/speed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=chosen(networks.NAMES), default=networks.NAMES, help=f"of {','.join(networks.NAMES)}")
    parser.add_argument("--engines", type=chosen(names), default=names, help=f"of {','.join(names)}")
    parser.add_argument("--rounds", type=positive, default=7, help="rounds (default: %(default)s)")
    parser.add_argument("--batch", type=positive, default=64, help="images in a batch (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the Markdown here as well")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured here")
    work_option(parser)
    parser.add_argument("--programs", type=Path, required=True, metavar="DIR", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    arguments = options()
    data = networks.data_folder()
    facts = machine.describe()
    arguments.work.mkdir(parents=True, exist_ok=True)
    bench = Bench([e for e in ENGINES if e.name in arguments.engines], Setup(arguments.programs, arguments.batch), arguments.rounds)
    for name in arguments.networks:
        bench.run(networks.prepare(name, data, arguments.work))
    facts["load"].append(os.getloadavg()[0])
    text = markdown(facts, arguments.rounds, bench.measurements, bench.remarks)
    print(text, end="")
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    if arguments.json:
        raw = {"machine": facts, "remarks": bench.remarks, "measurements": [asdict(m) for m in bench.measurements]}
        arguments.json.write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())
