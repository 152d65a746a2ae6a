"""Turns trained networks into spiking networks that keep their accuracy, and proves it.

>>> import spikeconverter as sc
>>> net = sc.convert("model.onnx", images, time_steps=8)  # doctest: +SKIP
>>> logits = net(images)  # doctest: +SKIP
>>> print(net.evaluate(test_images, test_labels))  # doctest: +SKIP
"""

from __future__ import annotations

from . import errors
from ._core import __version__
from .comparison import compare, search
from .conversion import check, convert
from .data import Samples, open_data
from .errors import Error
from .network import Network, load
from .nir import Nir, load_nir
from .preprocessing import Preprocessing
from .table import methods, parts

__all__ = [
    "Error",
    "Network",
    "Nir",
    "Preprocessing",
    "Samples",
    "__version__",
    "check",
    "compare",
    "convert",
    "errors",
    "load",
    "load_nir",
    "methods",
    "open_data",
    "parts",
    "search",
]
