"""What becomes of each node of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from .._record import Record, Result, flat, frame, listed

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, kw_only=True, repr=False)
class CheckTotals(Record):
    """How many nodes share a verdict."""

    nodes: int
    converts: int
    #: Of those that convert.
    with_note: int
    #: Folded into their neighbours, computed beforehand, or unused.
    folded: int
    unsupported: int
    #: By those.
    blocked: int
    #: Until the others convert.
    open: int


@dataclass(frozen=True, kw_only=True, repr=False)
class NodeVerdict(Record):
    """What becomes of a node of a model.

    Attributes
    ----------
    name, op : str
        Its name in the file (where it has none, that of its first output) and its operator.
    verdict : str
        ``converts``, ``folded``, ``unused``, ``open`` (until the others convert), ``blocked`` (by one that does not convert),
        ``unsupported`` or ``invalid``.
    becomes, note, remedy : str, optional
        What it becomes, what to know about it or why it does not convert, and what helps.
    """

    name: str
    op: str
    verdict: str
    becomes: str | None
    note: str | None
    remedy: str | None


@dataclass(frozen=True, kw_only=True, repr=False)
class Check(Result):
    """What becomes of each node of a model's file. True where all of it converts.

    Attributes
    ----------
    file, sha256 : str
        The file and its SHA-256.
    opset : int
        Version of the ONNX operator set.
    producer : str, optional
        The program that wrote the file.
    input : dict, optional
        Name and shape (of a sample) of the input, if the model could be read.
    outputs, parameters, macs : int, optional
        Values of the output, trained parameters after folding, and multiply-accumulate operations a sample.
    converts : bool
        Whether all of it converts.
    reason : str, optional
        Why not, where no single node is to blame.
    totals : CheckTotals
    nodes : list of NodeVerdict
        All nodes of the file, in its order.
    """

    _made_by: ClassVar = {"totals": CheckTotals._of, "nodes": listed(NodeVerdict)}
    _shown: ClassVar = ("file", "converts", "totals")

    file: str
    sha256: str
    opset: int
    producer: str | None
    input: dict[str, Any] | None
    outputs: int | None
    parameters: int | None
    macs: int | None
    converts: bool
    reason: str | None
    totals: CheckTotals
    nodes: list[NodeVerdict]

    def __bool__(self) -> bool:
        return self.converts

    def to_frame(self) -> pandas.DataFrame:
        """A row for each node."""
        return frame(map(flat, self.nodes), {"file": self.file, "converts": self.converts})
