"""Rows of the table of methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .._record import Result


@dataclass(frozen=True, kw_only=True, repr=False)
class Method(Result):
    """A conversion method: a row of the table of methods.

    Attributes
    ----------
    name : str
    paper : str
    year : int
    neuron, code : str
        The neuron model, and the code of its trains.
    schedule : str
        ``window`` or ``stream``.
    needs_calibration, needs_training : bool
        Whether it needs calibration samples, and a network trained for it.
    structures_published, structures_here : str
        Structures that the paper is known to take, and those taken here.
    options : list of str
        Options that it uses, as the command line calls them.
    figures : str
        What is known of the paper's figures.
    when : str
        When to use it, and what else to look at.
    recipe : dict, optional
        The parts of a streaming method, which options replace.
    """

    _shown: ClassVar = ("name", "paper", "schedule")

    name: str
    paper: str
    year: int
    neuron: str
    code: str
    schedule: str
    needs_calibration: bool
    needs_training: bool
    structures_published: str
    structures_here: str
    options: list[str]
    figures: str
    when: str
    recipe: dict[str, Any] | None
