"""Where accuracy went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from .._record import Record, Result, flat, frame, listed

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, kw_only=True, repr=False)
class ErrorParts(Record):
    """The error of a population's decoded activation, relative to the mean square of the trained one; the parts add up.

    Attributes
    ----------
    total : float
    clipping : float
        Above the range of the code.
    quantisation : float
        Between what the code can express.
    unevenness : float
        By the order in which spikes arrive; 0 in windows.
    inherited : float
        In what the layer reads.
    weight_rounding : float
        By weights and potentials being integers.
    """

    total: float
    clipping: float
    quantisation: float
    unevenness: float
    inherited: float
    weight_rounding: float


@dataclass(frozen=True, kw_only=True, repr=False)
class FiringRates(Record):
    """Spikes a step over the neurons of a layer: their mean, and how many neurons lie in each tenth from 0 to 1."""

    mean: float
    histogram: list[int]


@dataclass(frozen=True, kw_only=True, repr=False)
class ExplainedLayer(Record):
    """What a population does to accuracy.

    Attributes
    ----------
    name : str
    neurons : int
    error : ErrorParts
    cosine : float
        Of the angle between decoded and trained activation.
    worst_channel : int
    worst_channel_error : float
    accuracy_cost : float
        Accuracy lost where only this layer spikes, as a share of samples.
    accuracy_recovered : float, optional
        Accuracy won back where only this layer is analog.
    dead_neurons, saturated_neurons : int
        Neurons that never fired, and those at the end of the code's range for half of the samples and more.
    firing_rates : FiringRates
    """

    _made_by: ClassVar = {"error": ErrorParts._of, "firing_rates": FiringRates._of}

    name: str
    neurons: int
    error: ErrorParts
    cosine: float
    worst_channel: int
    worst_channel_error: float
    accuracy_cost: float
    accuracy_recovered: float | None
    dead_neurons: int
    saturated_neurons: int
    firing_rates: FiringRates


@dataclass(frozen=True, kw_only=True, repr=False)
class WrongSample(Record):
    """What both networks said of a sample.

    Attributes
    ----------
    index : int
        Its number, from 0.
    label, ann, snn : int, optional
        Its label, and what the trained and the spiking network say.
    difference : float
        Distance of the spiking result from the trained one, relative to the latter.
    """

    index: int
    label: int | None
    ann: int | None
    snn: int | None
    difference: float


@dataclass(frozen=True, kw_only=True, repr=False)
class Advice(Record):
    """A change of settings and what it wins.

    Attributes
    ----------
    sentence : str
    gain : float
        Accuracy that it wins, as a share of samples.
    samples : int
        That it was measured on.
    command : str
        The command line that applies it.
    """

    sentence: str
    gain: float
    samples: int
    command: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Explanation(Result):
    """Where accuracy went.

    Attributes
    ----------
    file, method, data : str
    time_steps : int
    samples : int
    labelled : bool
        Where not, accuracies are agreement with the trained network.
    ann_accuracy, snn_accuracy, agreement : float
    layers : list of ExplainedLayer
        The populations, in topological order.
    worst : list of WrongSample
        The most wrong samples.
    advice : list of Advice
        What other settings win, measured, the most first.
    """

    _made_by: ClassVar = {
        "layers": listed(ExplainedLayer),
        "worst": listed(WrongSample),
        "advice": listed(Advice),
    }
    _shown: ClassVar = ("method", "time_steps", "samples", "ann_accuracy", "snn_accuracy", "agreement")

    file: str
    method: str
    time_steps: int
    data: str
    samples: int
    labelled: bool
    ann_accuracy: float
    snn_accuracy: float
    agreement: float
    layers: list[ExplainedLayer]
    worst: list[WrongSample]
    advice: list[Advice]

    def to_frame(self) -> pandas.DataFrame:
        """A row for each population."""
        return frame(map(flat, self.layers), flat(self, without=["layers", "worst", "advice"]))
