"""Networks of the neuromorphic intermediate representation: what they are, and what came of running them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from .._record import Record, Result, flat, frame, listed

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, kw_only=True, repr=False)
class NirNode(Record):
    """A node of a NIR file.

    Attributes
    ----------
    name : str
        Those of inner graphs are ``outer.inner``.
    kind : str
        As NIR calls it.
    shape : list of int
        Of what it sends.
    hears : list of str
        The nodes that it hears.
    parameters : list of tuple
        Name, shape, and the number where all are the same.
    """

    name: str
    kind: str
    shape: list[int]
    hears: list[str]
    parameters: list[tuple[str, list[int], float | None]]


@dataclass(frozen=True, kw_only=True, repr=False)
class NirDescription(Result):
    """What a NIR file holds.

    Attributes
    ----------
    file : str
    neurons : int
        Neurons that fire.
    parameters : int
        Numbers of all parameters.
    nodes : list of NirNode
    metadata : dict of str
        Of the graph: ``group/entry``, with its text or numbers.
    """

    _made_by: ClassVar = {"nodes": listed(NirNode), "metadata": dict}
    _shown: ClassVar = ("file", "neurons", "parameters")

    file: str
    neurons: int
    parameters: int
    nodes: list[NirNode]
    metadata: dict[str, str]

    def to_frame(self) -> pandas.DataFrame:
        """A row for each node."""
        rows = (flat(node, without=("parameters",)) for node in self.nodes)
        return frame(rows, {"file": self.file, "neurons": self.neurons, "parameters": self.parameters})


@dataclass(frozen=True, kw_only=True, repr=False)
class FiringNode(Record):
    """A node that fires.

    Attributes
    ----------
    name : str
    neurons : int
    spikes_per_neuron : float
        On a sample.
    """

    name: str
    neurons: int
    spikes_per_neuron: float


@dataclass(frozen=True, kw_only=True, repr=False)
class NirEvaluation(Result):
    """What came of running a NIR file.

    Attributes
    ----------
    file : str
    time_steps : int
    semantics : str
        How neurons were taken step by step, in words.
    images : int
    accuracy : float, optional
        0 to 1; none without labels.
    spikes_per_neuron : float
        On a sample.
    layers : list of FiringNode
        In the order of the file.
    """

    _made_by: ClassVar = {"layers": listed(FiringNode)}
    _shown: ClassVar = ("images", "time_steps", "accuracy", "spikes_per_neuron")

    file: str
    time_steps: int
    semantics: str
    images: int
    accuracy: float | None
    spikes_per_neuron: float
    layers: list[FiringNode]

    def to_frame(self) -> pandas.DataFrame:
        """A row for each node that fires."""
        return frame(map(flat, self.layers), {name: value for name, value in flat(self).items() if name != "layers"})
