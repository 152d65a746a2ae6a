"""The cheapest conversion within a bound, and what was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from .._record import Record, Result, flat, frame, listed

if TYPE_CHECKING:
    import pandas

    from ..network import Network


@dataclass(frozen=True, kw_only=True, repr=False)
class Interval(Record):
    """An estimate and its 95 % confidence interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, repr=False)
class Figures(Record):
    """Figures of a network on some samples.

    Attributes
    ----------
    images : int
    drop : Interval
        Accuracy lost, as a share of samples; without labels, disagreement with the trained network.
    agreement : float
    accuracy : float, optional
        Of the spiking network.
    latency_steps : int
    spikes_per_image, spikes_per_neuron : float
    energy_joule, ann_energy_joule : float
        Estimates, a sample.
    fitted : int
        Samples that the conversion was fitted on.
    seconds : float
    """

    _made_by: ClassVar = {"drop": Interval._of}

    images: int
    drop: Interval
    agreement: float
    accuracy: float | None
    latency_steps: int
    spikes_per_image: float
    spikes_per_neuron: float
    energy_joule: float
    ann_energy_joule: float
    fitted: int
    seconds: float


@dataclass(frozen=True, kw_only=True, repr=False)
class Candidate(Record):
    """A method with its options."""

    method: str
    options: dict[str, Any]


@dataclass(frozen=True, kw_only=True, repr=False)
class Trial(Candidate):
    """A candidate and what the last round that it was in showed.

    Attributes
    ----------
    round : int
        The last round that it was in, counted from 1.
    figures : Figures, optional
        What that round showed, if it could be run.
    latency_steps : int, optional
        Where it takes more steps than it may, and was not run.
    error : str, optional
        Where it could not be converted or run: why.
    sketched : bool
        Whether the figures are of weights calibrated layer by layer, where the candidate asks for all layers together.
    front : bool
        Whether it is on the Pareto front of what is minimised and the drop.
    """

    round: int
    figures: Figures | None = None
    latency_steps: int | None = None
    error: str | None = None
    sketched: bool
    front: bool

    @classmethod
    def _of(cls, values: Mapping[str, Any], **more: Any) -> Trial:
        values = dict(values)
        ((kind, result),) = values.pop("result").items()
        match kind:
            case "measured":
                return cls(**values, figures=Figures._of(result))
            case "too_slow":
                return cls(**values, **result)
            case _:
                return cls(**values, error=result)


@dataclass(frozen=True, kw_only=True, repr=False)
class Chosen(Candidate):
    """The candidate that was taken.

    Attributes
    ----------
    figures : Figures
        On samples that neither fitted nor chose it.
    attempts : int
        Candidates that were tried on these samples, itself included.
    trial : int
        Its place among the trials.
    """

    _made_by: ClassVar = {"figures": Figures._of}

    figures: Figures
    attempts: int
    trial: int


@dataclass(frozen=True, kw_only=True, repr=False)
class Search(Result):
    """The cheapest conversion within a bound, and all that were tried. True where one was found.

    Attributes
    ----------
    setting : dict
        What was asked for, and on how many samples.
    trials : list of Trial
    chosen : Chosen, optional
        The candidate that was taken, if one stays within the bound.
    network : Network, optional
        Its network.
    seconds : float
    """

    _made_by: ClassVar = {"trials": listed(Trial), "chosen": Chosen._of}
    _shown: ClassVar = ("chosen", "network")

    setting: dict[str, Any]
    trials: list[Trial]
    chosen: Chosen | None
    seconds: float
    network: Network | None = None

    def __bool__(self) -> bool:
        return self.chosen is not None

    def to_frame(self) -> pandas.DataFrame:
        """A row for each candidate."""
        return frame(map(_row_of_trial, self.trials), self.setting)


def _row_of_trial(trial: Trial) -> dict[str, Any]:
    row = {"method": trial.method, "time_steps": trial.options["time_steps"], "options": trial.options}
    if trial.figures is not None:
        row |= flat(trial.figures)
    else:
        row["latency_steps"] = trial.latency_steps
    return row | {"round": trial.round, "sketched": trial.sketched, "front": trial.front, "error": trial.error}
