"""A spiking network beside the trained one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from .._record import Record, Result, flat, frame, listed

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, kw_only=True, repr=False)
class EvaluatedLayer(Record):
    """What a population did, on average.

    Attributes
    ----------
    name : str
    neurons : int
    spikes_per_neuron : float
        On an image.
    negative_fraction : float
        Share of its spikes that are negative.
    synops_per_image : float
        Synaptic operations of its spikes.
    threshold_min, threshold_max, base : float
    saturated_fraction, silent_fraction : float
        Share of windows (or streams), over neurons and images, with the largest train that there is, and without a spike.
    """

    name: str
    neurons: int
    spikes_per_neuron: float
    negative_fraction: float
    synops_per_image: float
    threshold_min: float
    threshold_max: float
    base: float
    saturated_fraction: float
    silent_fraction: float


@dataclass(frozen=True, kw_only=True, repr=False)
class StepsUsed(Record):
    """Steps that samples took where they were stopped when their class was stable."""

    mean: float
    min: int
    median: int
    max: int


@dataclass(frozen=True, kw_only=True, repr=False)
class Evaluation(Result):
    """A spiking network beside the trained one.

    Attributes
    ----------
    method, engine : str
        Conversion method, and the engine that ran the spiking network.
    time_steps : int
        T: the window's length of a layer, or the steps of a streaming simulation.
    least_window_steps : int, optional
        The shortest window of its populations, where that is shorter than T.
    schedule : str
        ``window`` or ``stream``.
    latency_steps, period_steps, stages : int
        Steps to a result, steps between samples, and populations on the longest path with the read-out.
    delay_steps, least_delay_steps : int, optional
        The longest delay of its populations in steps, where they fire early, and the shortest where they differ.
    steps_used : StepsUsed, optional
        Where samples were stopped early.
    encoding : str or dict
        How samples enter.
    images : int
        Samples evaluated.
    ann_accuracy, snn_accuracy : float, optional
        Of the trained and the spiking network, 0 to 1; absent without labels.
    agreement : float
        Share of samples on which both say the same.
    max_difference : float
        Largest difference between results of the two.
    spikes_per_neuron, spikes_per_image, input_spikes_per_image : float
        On a sample.
    bits_per_spike : int
    synops_per_image : float
        Synaptic operations.
    input_macs_per_image, ann_macs_per_image : float
        Multiply-accumulate operations of the spiking network on analog input, and of the trained network.
    ann_energy_joule, snn_energy_joule : float
        Estimates at 45 nm, a sample.
    images_per_second, ann_images_per_second : float
    layers : list of EvaluatedLayer
    """

    _made_by: ClassVar = {"steps_used": StepsUsed._of, "layers": listed(EvaluatedLayer)}
    _shown: ClassVar = ("method", "time_steps", "images", "ann_accuracy", "snn_accuracy", "agreement")

    method: str
    engine: str
    time_steps: int
    least_window_steps: int | None = None
    schedule: str
    latency_steps: int
    delay_steps: int | None = None
    least_delay_steps: int | None = None
    period_steps: int
    steps_used: StepsUsed | None = None
    stages: int
    encoding: str | dict[str, Any]
    images: int
    ann_accuracy: float | None
    snn_accuracy: float | None
    agreement: float
    max_difference: float
    spikes_per_neuron: float
    spikes_per_image: float
    input_spikes_per_image: float
    bits_per_spike: int
    synops_per_image: float
    input_macs_per_image: float
    ann_macs_per_image: float
    ann_energy_joule: float
    snn_energy_joule: float
    images_per_second: float
    ann_images_per_second: float
    layers: list[EvaluatedLayer]

    @property
    def gap(self) -> float | None:
        """Accuracy lost, trained minus spiking, as a share of samples; absent without labels."""
        if self.ann_accuracy is None or self.snn_accuracy is None:
            return None
        return self.ann_accuracy - self.snn_accuracy

    def to_frame(self) -> pandas.DataFrame:
        """A row for each population; what is of the whole network are the frame's attributes."""
        return frame(map(flat, self.layers), flat(self, without=["layers"]))
