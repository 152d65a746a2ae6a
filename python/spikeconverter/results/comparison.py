"""Methods over several T."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from .._record import Record, Result, flat, frame, listed
from .evaluation import Evaluation

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, kw_only=True, repr=False)
class Fronts(Record):
    """Where a cell stands: the most accurate of all; on the Pareto front of accuracy and latency; and of energy."""

    best: bool
    latency: bool
    energy: bool


@dataclass(frozen=True, kw_only=True, repr=False)
class Cell(Record):
    """A method at a T.

    Attributes
    ----------
    method : str
    time_steps : int
    evaluation : Evaluation, optional
        Absent where the method could not convert or run the network.
    error : str, optional
        Why not.
    options : dict
        The method's options.
    conversion_seconds, seconds : float, optional
        That the conversion took, and with the evaluation.
    fronts : Fronts, optional
    """

    method: str
    time_steps: int
    evaluation: Evaluation | None = None
    error: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    conversion_seconds: float | None = None
    seconds: float | None = None
    fronts: Fronts | None = None

    @classmethod
    def _of(cls, values: Mapping[str, Any], **more: Any) -> Cell:
        if "error" in values:
            return cls(**values)
        values = dict(values)
        own: dict[str, Any] = {name: values.pop(name) for name in ("options", "conversion_seconds", "seconds")}
        fronts = Fronts._of(values.pop("fronts"))
        evaluation = Evaluation._of(values)
        method, time_steps = evaluation.method, evaluation.time_steps
        return cls(method=method, time_steps=time_steps, evaluation=evaluation, fronts=fronts, **own)


@dataclass(frozen=True, kw_only=True, repr=False)
class Skipped(Record):
    """A method that was left out, and why."""

    method: str
    reason: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparison(Result):
    """Methods over several T, on the same network and samples.

    Attributes
    ----------
    setting : dict
        What all cells have in common.
    cells : list of Cell
        Method by method in the order of the table of methods, each in ascending T.
    skipped : list of Skipped
    """

    _made_by: ClassVar = {"cells": listed(Cell), "skipped": listed(Skipped)}

    setting: dict[str, Any]
    cells: list[Cell]
    skipped: list[Skipped]

    def __repr__(self) -> str:
        return f"Comparison({self.setting['source']!r}, {len(self.cells)} cells)"

    def to_frame(self) -> pandas.DataFrame:
        """A row for each cell, in order; those without figures have their reason in ``error``."""
        return frame(map(_row_of_cell, self.cells), self.setting)


def _row_of_cell(cell: Cell) -> dict[str, Any]:
    row = {"method": cell.method, "time_steps": cell.time_steps}
    if cell.evaluation is not None:
        row |= flat(
            cell.evaluation, without=["layers", "encoding", "steps_used", "delay_steps", "least_delay_steps", "least_window_steps"]
        )
        row["gap"] = cell.evaluation.gap
    if cell.fronts is not None:
        row |= flat(cell.fronts)
    return row | {"conversion_seconds": cell.conversion_seconds, "seconds": cell.seconds, "error": cell.error}
