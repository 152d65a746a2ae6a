"""Networks of PyTorch as ONNX files. PyTorch is imported by whoever made the network, never here first."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def is_module(model: Any) -> bool:
    """Whether it is a network of PyTorch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


@contextlib.contextmanager
def exported(module: Any, example: Any, shape: Sequence[int] | None) -> Iterator[Path]:
    """The file of a network, which is there as long as the context.

    `example` is a batch that the network takes; where there is none, zeros of `shape`, that of a sample.
    """
    import torch

    parameter = next(module.parameters(), None)
    like = torch.zeros(()) if parameter is None else parameter
    if example is None:
        if shape is None:
            raise TypeError("a network of PyTorch is exported with an example: give calibration samples, example or input_shape")
        example = torch.zeros((1, *shape), dtype=like.dtype)
    example = torch.as_tensor(example).to(device=like.device, dtype=like.dtype)
    training = module.training
    with TemporaryDirectory(prefix="spikeconverter-") as folder:
        path = Path(folder, f"{type(module).__name__}.onnx")
        module.eval()
        try:
            with torch.no_grad(), warnings.catch_warnings():
                # the exporter speaks of its own future
                warnings.simplefilter("ignore")
                torch.onnx.export(
                    module,
                    (example,),
                    str(path),
                    dynamo=False,
                    input_names=["input"],
                    output_names=["output"],
                    dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}},
                )
        finally:
            module.train(training)
        yield path
