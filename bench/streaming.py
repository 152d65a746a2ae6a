"""Compares the clocked engine with SpikingJelly: the same network, inputs, steps, one thread each.

Prints the processor time a sample of both, the ratio, and how many spike counts differ: the two add the same terms in
another order, so that membranes within rounding of a threshold fire in one of them only. Where any differ, every spike of
both is compared, and neurons whose spikes differ are traced to such membranes (bench/trace.py). SpikingJelly runs in both step modes, each with PyTorch's two memory
formats; the fastest counts.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from spikingjelly.activation_based import functional, neuron

from trace import Trace, Train, trace

ROOT = Path(__file__).resolve().parent.parent


def read_network(path):
    """The header and the tensors of a .snn file (safetensors)."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    network = json.loads(header.pop("__metadata__")["spikeconverter"])
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[8 + size + begin : 8 + size + end], dtype="<f4")
        tensors[name] = torch.from_numpy(values.copy()).reshape(entry["shape"])
    return network, tensors


class Network(torch.nn.Module):
    """A streaming network of ours as SpikingJelly's IF nodes between PyTorch's operations."""

    def __init__(self, network, tensors, step_mode):
        super().__init__()
        self.step_mode = step_mode
        self.steps = network["time_steps"]
        self.nodes = network["nodes"]
        self.output = network["output"]
        self.input_shape = network["input"]["shape"]
        self.tensors = tensors
        self.neurons = torch.nn.ModuleDict()
        for number, node in enumerate(self.nodes, start=1):
            if "streaming" in node["kind"]:
                population = node["kind"]["streaming"]
                (threshold,) = population["threshold"]
                reset = {"subtract": None, "zero": 0.0}[population["reset"]]
                assert not population["initial"], "SpikingJelly's neurons start at 0"
                self.neurons[str(number)] = neuron.IFNode(threshold, reset, step_mode=step_mode)

    def synapse(self, op, inputs):
        """An operation on [N, ...] (in multi-step mode, N holds all steps)."""
        (kind, fields), x = next(iter(op.items())), inputs[0]
        get = lambda name: None if fields.get(name) is None else self.tensors[fields[name]]  # noqa: E731
        if kind == "Conv":
            window = fields["window"]
            assert window["pad_begin"] == window["pad_end"]
            return F.conv2d(
                x, get("weight"), get("bias"), window["stride"], window["pad_begin"], window["dilation"], fields["groups"]
            )
        if kind == "Linear":
            return F.linear(x, get("weight"), get("bias"))
        if kind == "Add":
            assert all(c == 1.0 for c in fields["coefficients"])
            return sum(inputs[1:], x)
        if kind == "AvgPool":
            window = fields["window"]
            return F.avg_pool2d(
                x, window["kernel"], window["stride"], window["pad_begin"], fields["ceil"], fields["count_include_pad"]
            )
        if kind == "Mean":
            return x.mean([axis + 1 for axis in fields["axes"]], keepdim=fields["keep"])
        if kind == "Reshape":
            return x.reshape(x.shape[0], *fields["shape"])
        if kind == "Concat":
            return torch.cat(inputs, fields["axis"] + 1)
        if kind == "Pad":
            sides = [side for pair in zip(fields["before"][::-1], fields["after"][::-1]) for side in pair]
            return F.pad(x, sides, value=fields["value"])
        if kind == "Select":
            for axis, chosen in enumerate(fields["maps"]):
                if chosen is not None:
                    x = x.index_select(axis + 1, torch.tensor(chosen))
            return x
        raise NotImplementedError(kind)

    def reach(self, op, inputs):
        """Which elements of an operation's result depend on marked elements of the inputs."""
        weights = self.tensors
        self.tensors = {name: torch.full_like(t, 1.0 if t.dim() > 1 else 0.0) for name, t in weights.items()}
        result = self.synapse(op, inputs)
        self.tensors = weights
        return (result > 0).float()

    def pass_through(self, x, counts):
        """One step, or all of them; `counts` receives each population's spikes."""
        values = [x]
        for number, node in enumerate(self.nodes, start=1):
            inputs = [values[i] for i in node["inputs"]]
            kind = node["kind"]
            if "synapse" in kind:
                values.append(self.synapse(kind["synapse"], inputs))
            elif "streaming" in kind:
                x = inputs[0]
                layer = self.neurons[str(number)]
                if self.step_mode == "m":
                    spikes = layer(x.unflatten(0, (self.steps, -1))).flatten(0, 1)
                else:
                    spikes = layer(x)
                if counts is not None:
                    counts.setdefault(number, []).append(spikes)
                values.append(spikes * layer.v_threshold)
            elif "readout" in kind:
                values.append(inputs[0])
            else:
                values.append(None)  # what follows the read-out
        return values

    def forward(self, x, counts=None):
        """The mean current of the read-out."""
        functional.reset_net(self)
        read = next(n for n, node in enumerate(self.nodes, start=1) if "readout" in node["kind"])
        if self.step_mode == "m":
            x = x.unsqueeze(0).expand(self.steps, *x.shape).flatten(0, 1)
            return self.pass_through(x, counts)[read].unflatten(0, (self.steps, -1)).mean(0)
        total = 0
        for _ in range(self.steps):
            total = total + self.pass_through(x, counts)[read]
        return total / self.steps


def count(model, x):
    """Each population's spike counts for one sample."""
    counts = {}
    with torch.inference_mode():
        model(x, counts)
    return [torch.cat(spikes).sum(0).to(torch.int32).flatten().numpy() for spikes in counts.values()]


def record(model, x):
    """Each population's train for one sample; the model is in multi-step mode."""
    for layer in model.neurons.values():
        layer.store_v_seq = True
    counts = {}
    with torch.inference_mode():
        model(x, counts)
    trains = {}
    for number, spikes in counts.items():
        layer = model.neurons[str(number)]
        trains[number] = Train(torch.cat(spikes) != 0, layer.v_seq.flatten(0, 1), layer.v_threshold)
    return trains


def recorded(folder, alike):
    """The clocked engine's trains for each sample; `alike` are the other simulation's."""
    spikes = torch.from_numpy(np.fromfile(folder / "spikes.u8", dtype="u1"))
    membranes = torch.from_numpy(np.fromfile(folder / "membranes.f32", dtype="<f4"))
    at, trains = 0, []
    for other in alike:
        of_sample = {}
        for number, train in other.items():
            shape, part = train.spikes.shape, slice(at, at + train.spikes.numel())
            of_sample[number] = Train(spikes[part].reshape(shape) != 0, membranes[part].reshape(shape), train.threshold)
            at = part.stop
        trains.append(of_sample)
    return trains


def measure(model, samples, repeat):
    """Seconds of processor time a sample, the best of several runs."""
    best = float("inf")
    with torch.inference_mode():
        model(samples[:1])
        for _ in range(repeat):
            started = time.process_time()
            for sample in samples:
                model(sample[None])
            best = min(best, (time.process_time() - started) / len(samples))
    return best


def ours(program, folder, arguments, steps, threshold, *options):
    """Runs the clocked engine and leaves its files in the folder."""
    command = [program, "--out", folder, "--network", arguments.network, "-T", str(steps)]
    command += ["--samples", str(arguments.samples), "--threshold", str(threshold), "--repeat", str(arguments.repeat)]
    command += options
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def theirs(folder, arguments, steps):
    """SpikingJelly's times by mode, and its spike counts."""
    network, tensors = read_network(folder / "net.snn")
    shape = network["input"]["shape"]
    samples = torch.from_numpy(np.fromfile(folder / "inputs.f32", dtype="<f4")).reshape(-1, *shape)
    times = {}
    for step_mode in ["s", "m"]:
        for name, form in [("contiguous", torch.contiguous_format), ("channels last", torch.channels_last)]:
            changed = {k: t.to(memory_format=form) if t.dim() == 4 else t for k, t in tensors.items()}
            model = Network(network, changed, step_mode).eval()
            times[f"step mode {step_mode}, {name}"] = measure(model, samples.to(memory_format=form), arguments.repeat)
    model = Network(network, tensors, "m").eval()
    counts = [np.concatenate(count(model, sample[None])) for sample in samples]
    return times, np.concatenate(counts)


def traced(folder):
    """Where the differences between the recorded trains and SpikingJelly's come from."""
    network, tensors = read_network(folder / "net.snn")
    samples = torch.from_numpy(np.fromfile(folder / "inputs.f32", dtype="<f4")).reshape(-1, *network["input"]["shape"])
    model = Network(network, tensors, "m").eval()
    theirs = [record(model, sample[None]) for sample in samples]
    with torch.inference_mode():
        pairs = zip(recorded(folder, theirs), theirs, strict=True)
        return sum((trace(model, a, b) for a, b in pairs), Trace())


def compare(program, arguments, steps, threshold):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        answer = ours(program, folder, arguments, steps, threshold)
        line = f"{answer['network']:20} {steps:5} {100 * answer['spikes_per_neuron_and_step']:7.2f} %"
        line += f" {1e3 * answer['seconds_per_sample']:10.2f} ms"
        if not arguments.ours_only:
            times, counts = theirs(folder, arguments, steps)
            mode, best = min(times.items(), key=lambda item: item[1])
            found = np.fromfile(folder / "counts.i32", dtype="<i4")
            different = int((found != counts).sum())
            line += f" {1e3 * best:10.2f} ms {best / answer['seconds_per_sample']:7.1f} x"
            line += f"   {different} of {len(counts)} (sum {int(np.abs(found - counts).sum())})   {mode}"
            if different:
                ours(program, folder, arguments, steps, threshold, "--record")
                total = traced(folder)
                line += f"\n{'':20} neurons whose spikes differ: {total.begin} begin within rounding of the threshold,"
                line += f" {total.follow} follow others, {total.untraced} not traced"
        print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="vgg16", help="vgg16, or a model of models/preprocessing.toml")
    parser.add_argument("-T", "--time-steps", default="32", help="steps, separated by commas")
    parser.add_argument("--thresholds", default="1", help="factors of all thresholds, separated by commas")
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--ours-only", action="store_true", help="leave SpikingJelly out")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    build = ["cargo", "build", "--quiet", "--release", "-p", "spikeconverter-pipeline", "--example", "streaming"]
    subprocess.run(build, cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    program = target / "release" / "examples" / "streaming"
    print(f"SpikingJelly {version('spikingjelly')}, PyTorch {torch.__version__}, one thread each")
    print("network                  T  spikes/neuron/step  clocked  SpikingJelly  ratio  counts that differ")
    for steps in arguments.time_steps.split(","):
        for threshold in arguments.thresholds.split(","):
            compare(program, arguments, int(steps), float(threshold))


if __name__ == "__main__":
    main()
