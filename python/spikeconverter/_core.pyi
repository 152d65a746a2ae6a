"""The native part."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ERROR_KINDS",
    "Network",
    "Nir",
    "Samples",
    "__version__",
    "check",
    "compare",
    "convert",
    "methods",
    "parts",
    "read_preprocessing",
    "search",
]

__version__: str
ERROR_KINDS: list[str]

_Path: TypeAlias = str | os.PathLike[str]
_Array: TypeAlias = tuple[str, Sequence[int], NDArray[np.uint8]]
_Tell: TypeAlias = Callable[[str, int, int], object] | None
_Answer: TypeAlias = tuple[dict[str, Any], str]
_Engine: TypeAlias = Literal["auto", "folded", "clocked", "reference"]

@final
class Samples:
    @staticmethod
    def of_arrays(name: str, parts: Sequence[tuple[_Array, _Array | None]]) -> Samples: ...
    @staticmethod
    def open(
        path: _Path,
        *,
        format: str | None,
        split: str | None,
        labels: _Path | None,
        rows: tuple[int, int] | None,
        limit: int | None,
        otherwise: str,
    ) -> Samples: ...
    def __len__(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def sample_shape(self) -> list[int] | None: ...
    @property
    def element(self) -> str: ...
    @property
    def labelled(self) -> bool: ...

@final
class Network:
    @staticmethod
    def load(path: _Path) -> Network: ...
    @staticmethod
    def from_bytes(bytes: bytes, name: _Path) -> Network: ...
    def to_bytes(self) -> bytes: ...
    def save(self, path: _Path) -> None: ...
    @property
    def name(self) -> str: ...
    def run(self, samples: Samples, *, engine: _Engine, progress: _Tell) -> NDArray[np.float32]: ...
    def predict(self, samples: Samples, *, engine: _Engine, progress: _Tell) -> NDArray[np.int64]: ...
    def record(
        self,
        samples: Samples,
        *,
        spikes: bool,
        membranes: bool,
        layers: Sequence[str],
        engine: _Engine,
        progress: _Tell,
    ) -> dict[str, Any]: ...
    def evaluate(
        self,
        samples: Samples,
        *,
        more: Callable[[], Samples | None] | None,
        engine: _Engine,
        batch: int | None,
        until_stable: int | None,
        progress: _Tell,
    ) -> _Answer: ...
    def explain(self, samples: Samples, *, advice: bool, report: _Path | None, progress: _Tell) -> _Answer: ...
    def describe(self) -> _Answer: ...
    def export(
        self,
        path: _Path,
        *,
        to: str,
        unrolled: bool,
        steps: str | None,
        target: str | None,
        pooling: str | None,
        force: bool,
    ) -> tuple[dict[str, Any], str, list[str]]: ...

@final
class Nir:
    def __new__(cls, path: _Path) -> Nir: ...
    @property
    def name(self) -> str: ...
    def describe(self) -> _Answer: ...
    def evaluate(
        self, samples: Samples, *, semantics: str | None, time_steps: int | None, dt: float | None, progress: _Tell
    ) -> _Answer: ...
    def record(
        self, samples: Samples, *, semantics: str | None, time_steps: int | None, dt: float | None, progress: _Tell
    ) -> dict[str, Any]: ...

def check(model: _Path, *, input_shape: Sequence[int] | None) -> _Answer: ...
def read_preprocessing(file: _Path, model: _Path) -> dict[str, Any]: ...
def convert(
    model: _Path,
    samples: Samples | None,
    *,
    input_shape: Sequence[int] | None,
    preprocessing: Mapping[str, Any],
    method: str,
    options: Mapping[str, str],
    calibrate: int,
    seed: int,
    progress: _Tell,
) -> tuple[Network, dict[str, Any], str]: ...
def compare(
    model: _Path,
    samples: Samples,
    calibration: Samples,
    *,
    input_shape: Sequence[int] | None,
    preprocessing: Mapping[str, Any],
    methods: Sequence[str],
    time_steps: Sequence[int],
    options: Mapping[str, str],
    calibrate: int,
    seed: int,
    resume: _Path | None,
    report: _Path | None,
    raster: Sequence[int],
    progress: _Tell,
) -> _Answer: ...
def search(
    model: _Path,
    samples: Samples,
    *,
    input_shape: Sequence[int] | None,
    preprocessing: Mapping[str, Any],
    max_drop: float,
    max_latency: int | None,
    minimise: str,
    methods: Sequence[str],
    time_steps: Sequence[int],
    options: Mapping[str, str],
    calibrate: int,
    held_out: int,
    seed: int,
    progress: _Tell,
) -> tuple[dict[str, Any], str, Network | None]: ...
def methods() -> list[_Answer]: ...
def parts() -> tuple[list[dict[str, Any]], str]: ...
