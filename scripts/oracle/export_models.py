"""Makes a folder of small ONNX files in the styles that users bring, with the outputs ONNX Runtime computes for them.

    python scripts/oracle/export_models.py OUT_DIR

Weights are random and seeded. The PyTorch networks (nets_torch.py) pass through both exporters of PyTorch in several versions
of the operator set; the others (nets_onnx.py) are built node by node. Keras models are added by export_keras.py. For every
model there are NAME.onnx, NAME.input.npy and NAME.output.npy; manifest.json lists them, and what could not be made.
The status is 1 when an export failed that EXPECTED does not list.
"""

import argparse
import contextlib
import io
import logging
import re
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch

import nets_onnx
import nets_torch
from zoo import BATCH, Zoo

LEGACY_MAX, DYNAMO_MAX = 20, 23
"""Latest operator sets that the pinned PyTorch writes."""

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Style:
    """How a PyTorch network is exported."""

    exporter: str
    opset: int
    dynamic: bool = True
    raw: bool = False
    """Nothing folded: batch normalisation and constant arithmetic stay nodes (TorchScript), or no optimiser runs (dynamo)."""
    weights_as_inputs: bool = False

    @property
    def tag(self) -> str:
        parts = [
            f"{self.exporter}{self.opset}",
            "raw" * self.raw,
            "static" * (not self.dynamic),
            "weights_as_inputs" * self.weights_as_inputs,
        ]
        return "_".join(filter(None, parts))


EVERY = [Style("legacy", 17), Style("dynamo", 18), Style("dynamo", 20)]
RAW = [Style("legacy", 17, raw=True), Style("dynamo", 20, raw=True)]
OPSETS = [
    *(Style("legacy", opset) for opset in (9, 11, 13, 18, LEGACY_MAX)),
    *(Style("dynamo", opset) for opset in (17, 21, DYNAMO_MAX)),  # no network can be converted down to 13 or less
]
STATIC = [Style("legacy", 17, dynamic=False), Style("dynamo", 20, dynamic=False)]

STYLES: list[tuple[list[Style], set[str]]] = [
    (EVERY, set(nets_torch.NETS)),
    (RAW, set(nets_torch.NETS)),
    (OPSETS, {"plain", "residual_a", "mobilenet_v2", "decoder", "leaky", "avgpools", "mean", "view", "log_softmax"}),
    (STATIC, {"plain", "residual_a", "mobilenet_v2", "squeezenet", "view", "reshape", "mean", "mlp", "conv1d", "upsample_size"}),
    ([Style("legacy", 13, weights_as_inputs=True)], {"plain", "mlp"}),
]

# Exports that the pinned versions cannot do: pattern of the name -> why.
EXPECTED: dict[str, str] = {
    r"(residual_a|mobilenet_v2|mean)-dynamo17": "the dynamo exporter writes operator set 18 and later, and cannot convert this network down",
    r"residual_a-legacy9": "the TorchScript exporter writes slices with a step from operator set 10 on",
}


def export(name: str, style: Style, path: Path) -> np.ndarray:
    """Writes one PyTorch network; the input to try it on. Raises whatever the exporter raises."""
    net = nets_torch.build(name)
    shape = nets_torch.NETS[name][2]
    x = torch.randn(BATCH if style.dynamic else 1, *shape, generator=torch.Generator().manual_seed(1))
    common = {"opset_version": style.opset, "input_names": ["input"], "output_names": ["output"], "verbose": False}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        if style.exporter == "legacy":
            mode = torch.onnx.TrainingMode
            torch.onnx.export(
                net, (x,), path, dynamo=False,
                training=mode.PRESERVE if style.raw else mode.EVAL,
                do_constant_folding=not style.raw,
                keep_initializers_as_inputs=style.weights_as_inputs,
                dynamic_axes={"input": {0: "N"}, "output": {0: "N"}} if style.dynamic else None,
                **common,
            )  # fmt: skip
        else:
            torch.onnx.export(
                net, (x,), path, dynamo=True, external_data=False, optimize=not style.raw,
                dynamic_shapes=({0: torch.export.Dim("N")},) if style.dynamic else None,
                **common,
            )  # fmt: skip
    written = next(o.version for o in onnx.load(path).opset_import if o.domain == "")
    if written != style.opset:
        raise ValueError(f"the exporter wrote operator set {written}")
    return x.numpy()


def check_against_torch(zoo: Zoo, name: str, model: str, x: np.ndarray) -> None:
    """ONNX Runtime on the exported file has to agree with PyTorch, else it is no oracle."""
    with torch.no_grad():
        expected = nets_torch.build(name)(torch.from_numpy(x)).numpy()
    got = np.load(zoo.folder / f"{model}.output.npy")
    difference = float(np.abs(got - expected).max())
    if difference > TOLERANCE * max(float(np.ptp(expected)), 1e-6):
        zoo.models.pop()
        raise ValueError(f"ONNX Runtime differs from PyTorch by {difference:.3g}")


def torch_models(folder: Path) -> int:
    unexpected = 0
    with Zoo(folder, "torch") as zoo:
        for name in nets_torch.NETS:
            for style in dict.fromkeys(s for styles, names in STYLES if name in names for s in styles):
                model = f"{name}-{style.tag}"
                try:
                    x = export(name, style, zoo.path(model))
                    zoo.add(model, x)
                    check_against_torch(zoo, name, model, x)
                except Exception as error:  # noqa: BLE001 - exporters raise anything
                    known = next((why for pattern, why in EXPECTED.items() if re.fullmatch(pattern, model)), None)
                    unexpected += known is None
                    zoo.cannot(model, known or " ".join(str(error).split())[:300])
    return unexpected


def built_models(folder: Path) -> None:
    with Zoo(folder, "onnx.helper") as zoo:
        for name, make in nets_onnx.NETS.items():
            model = make(name)
            onnx.save(model, zoo.path(name))
            batch, *shape = (d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim)
            zoo.add(name, np.random.default_rng(1).standard_normal((batch or BATCH, *shape)))
        external = "plain_external"
        model = onnx.load(zoo.path("plain-legacy17"))
        location = f"{external}.onnx.data"
        (folder / location).unlink(missing_ok=True)
        onnx.save(model, zoo.path(external), save_as_external_data=True, location=location, size_threshold=0)
        zoo.add(external, np.load(folder / "plain-legacy17.input.npy"), (location,))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir", type=Path)
    folder = parser.parse_args().out_dir
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    unexpected = torch_models(folder)
    built_models(folder)
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
