"""Runs a NIR file in one of its importers; `nir_targets.py` calls this in the environment of that importer.

    python scripts/oracle/nir_importers.py PROGRAM NET.nir FOLDER [--adjusted]

Reads `input.npy` of FOLDER, runs each sample for the steps that the file's metadata say, and writes to FOLDER `output.npy`, the
mean of what leaves, and for each population its numbers of spikes, `codes_0.npy`, `codes_1.npy`, …. With `--adjusted`, after the
change to the imported network that `spikeconverter export` names.
"""

import argparse
import contextlib
import importlib.metadata
import io
from collections.abc import Callable
from pathlib import Path

import nir
import numpy as np
import torch

Step = Callable[[torch.Tensor], torch.Tensor]


class Counter:
    """Counts what modules send."""

    def __init__(self, network: torch.nn.Module, names: list[str]) -> None:
        self.names = names
        self.spikes: dict[str, torch.Tensor] = {}
        modules = dict(network.named_modules())
        for name in names:
            modules[name].register_forward_hook(lambda _m, _i, output, name=name: self.count(name, output))

    def count(self, name: str, output: torch.Tensor | tuple) -> None:
        sent = (output[0] if isinstance(output, tuple) else output).detach().sum(0)
        self.spikes[name] = self.spikes.get(name, torch.zeros_like(sent)) + sent

    def take(self) -> list[np.ndarray]:
        taken = [self.spikes[name].numpy().reshape(-1) for name in self.names]
        self.spikes.clear()
        return taken


def norse(graph: nir.NIRGraph, _steps: int, _adjusted: bool) -> tuple[torch.nn.Module, Callable[[], Step]]:
    import norse.torch

    network = norse.torch.from_nir(graph, ignore_warnings=True)
    return network, lambda: stepper(network)


def spikingjelly(graph: nir.NIRGraph, _steps: int, adjusted: bool) -> tuple[torch.nn.Module, Callable[[], Step]]:
    from spikingjelly.activation_based import neuron
    from spikingjelly.activation_based.nir_exchange import import_from_nir

    network = import_from_nir(graph, dt=1.0)
    for m in network.modules():
        if adjusted and isinstance(m, neuron.IFNode):
            m.v_reset = None
    return network, lambda: stepper(network)


def snntorch(graph: nir.NIRGraph, _steps: int, _adjusted: bool) -> tuple[torch.nn.Module, Callable[[], Step]]:
    from snntorch import utils
    from snntorch.import_nir import import_from_nir

    with contextlib.redirect_stdout(io.StringIO()):
        network = import_from_nir(graph)

    def start() -> Step:
        utils.reset(network)
        return stepper(network)

    return network, start


def stepper(network: torch.nn.Module) -> Step:
    """Passes the state from step to step."""
    state = None

    def step(x: torch.Tensor) -> torch.Tensor:
        nonlocal state
        output, state = network(x) if state is None else network(x, state)
        return output

    return step


def sinabs(graph: nir.NIRGraph, steps: int, adjusted: bool) -> tuple[torch.nn.Module, Callable[[], Step]]:
    import sinabs.activation
    import sinabs.layers
    import sinabs.nir

    for node in graph.nodes.values():
        # it takes thresholds as tensors
        if isinstance(node, nir.IF):
            node.v_threshold = torch.from_numpy(node.v_threshold)
    network = sinabs.nir.from_nir(graph, batch_size=1, num_timesteps=steps)
    for m in network.modules():
        if adjusted and isinstance(m, sinabs.layers.IAFSqueeze):
            m.spike_fn, m.min_v_mem = sinabs.activation.SingleSpike, None

    def start() -> Step:
        for m in network.modules():
            if isinstance(m, sinabs.layers.IAFSqueeze):
                m.reset_states()
        # all steps at once, in the place of the batch
        return lambda x: network(x.repeat(steps, *[1] * (x.dim() - 1)))[0]

    return network, start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", choices=["norse", "sinabs", "snntorch", "spikingjelly"])
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--adjusted", action="store_true")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    # 1.0.4 checks types always
    graph = nir.read(options.file)
    entries = {
        name: entry.decode() if isinstance(entry, bytes) else entry for name, entry in graph.metadata["spikeconverter"].items()
    }
    steps, skip = int(entries["time_steps"]), int(entries["skip"])
    names = entries["populations"].split("\n")
    network, start = globals()[options.program](graph, steps, options.adjusted)
    network.eval()
    counter = Counter(network, names)
    samples = np.load(options.folder / "input.npy")
    if "sample_order" in entries:
        samples = samples.reshape(len(samples), -1)[:, entries["sample_order"]]
    shape = next(node for node in graph.nodes.values() if isinstance(node, nir.Input)).input_type["input"]
    samples = torch.from_numpy(samples.reshape(len(samples), *shape))
    outputs, codes = [], []
    with torch.no_grad():
        for sample in samples:
            step = start()
            if options.program == "sinabs":
                sent = step(sample[None])[skip:]
            else:
                sent = torch.stack([step(sample[None]).reshape(-1) for _ in range(steps)])[skip:]
            outputs.append(sent.mean(0).reshape(-1).numpy())
            codes.append(counter.take())
    np.save(options.folder / "output.npy", np.stack(outputs))
    for number in range(len(names)):
        np.save(options.folder / f"codes_{number}.npy", np.stack([of[number] for of in codes]))
    print(importlib.metadata.version(options.program))


if __name__ == "__main__":
    main()
