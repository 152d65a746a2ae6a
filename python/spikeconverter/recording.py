"""What neurons did, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ._record import Record, Result, frame

if TYPE_CHECKING:
    import numpy as np
    import pandas
    from numpy.typing import NDArray

__all__ = ["LayerRecording", "Recording"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class LayerRecording(Record):
    """What the neurons of a layer did.

    Attributes
    ----------
    shape : list of int
        Of its neurons.
    first_step : int
        The first of its steps, counted from 1 at a sample's first input: in networks with windows layers work one window
        behind the other.
    spikes : ndarray of int8 or int32, optional
        ``(samples, steps, *shape)``. Of windows: -1, 0 or 1. Of streaming networks (int32): what was sent, in quanta, 0 or 1
        where spikes are all alike.
    membranes : ndarray of float32, optional
        ``(samples, steps, *shape)``: membrane potentials after each step of generation, in units of the threshold's.
    """

    shape: list[int]
    first_step: int
    spikes: NDArray[np.int8] | NDArray[np.int32] | None = None
    membranes: NDArray[np.float32] | None = None


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Recording(Result):
    """What a network's neurons did on some samples.

    Attributes
    ----------
    results : ndarray of float32
        The result for each sample, as from a call of the network.
    time_steps : int
        T: steps of a layer on a sample.
    layers : dict of str to LayerRecording
        By name, in topological order.
    """

    _shown: ClassVar = ("time_steps",)

    results: NDArray[np.float32]
    time_steps: int
    layers: dict[str, LayerRecording]

    @classmethod
    def _of(cls, values: Mapping[str, Any], **more: Any) -> Recording:
        layers = {name: LayerRecording._of(layer) for name, layer in values["layers"].items()}
        return cls(**{**values, "layers": layers}, **more)

    @property
    def spikes(self) -> dict[str, Any]:
        """Spikes by layer, where they were recorded."""
        return {name: layer.spikes for name, layer in self.layers.items() if layer.spikes is not None}

    @property
    def membranes(self) -> dict[str, Any]:
        """Membrane potentials by layer, where they were recorded."""
        return {name: layer.membranes for name, layer in self.layers.items() if layer.membranes is not None}

    def __repr__(self) -> str:
        return f"Recording({len(self.results)} samples, {self.time_steps} steps, layers {list(self.layers)})"

    def __str__(self) -> str:
        return repr(self)

    def to_frame(self) -> pandas.DataFrame:
        """A row for each layer: its shape, its steps, and how often a neuron fires in a step, where spikes were recorded."""
        rows = []
        for name, layer in self.layers.items():
            row: dict[str, Any] = {"name": name, "shape": tuple(layer.shape), "first_step": layer.first_step}
            if layer.spikes is not None:
                row["firing_rate"] = float((layer.spikes != 0).mean())
            rows.append(row)
        return frame(rows, {"time_steps": self.time_steps})
