"""What a conversion decided, and what a converted network is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from .._record import Record, Result, flat, frame, listed

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, kw_only=True, repr=False)
class Schedule(Record):
    """How a spiking network's time is organised, in time steps.

    Attributes
    ----------
    kind : str
        ``window``: each stage a window behind the one before; ``stream``: all in every step.
    time_steps : int
        T: the window's length, or the steps of a streaming simulation.
    least_window_steps : int, optional
        The shortest window of its populations, where that is shorter than T.
    stages : int
        Populations on the longest path, the read-out included.
    latency_steps : int
        From a sample's first input to its result.
    period_steps : int
        Between one sample and the next.
    delay_steps, least_delay_steps : int, optional
        The longest delay of its populations in steps, where they fire early, and the shortest where they differ.
    """

    kind: str
    time_steps: int
    least_window_steps: int | None = None
    stages: int
    latency_steps: int
    period_steps: int
    delay_steps: int | None = None
    least_delay_steps: int | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class ConvertedLayer(Record):
    """What was decided for a population.

    Attributes
    ----------
    name : str
    neurons : int
    base : float
        Base k of its code.
    threshold_min, threshold_max : float
        Smallest and largest threshold, in units of the activation.
    signed : bool
        Whether it sends negative spikes.
    error : float
        Mean square of what it sends minus the trained activation, relative to the mean square of the latter.
    largest_correction : float
        Largest initial membrane potential, in absolute value.
    """

    name: str
    neurons: int
    base: float
    threshold_min: float
    threshold_max: float
    signed: bool
    error: float
    largest_correction: float


@dataclass(frozen=True, kw_only=True, repr=False)
class Conversion(Result):
    """What a conversion decided.

    Attributes
    ----------
    source, source_sha256 : str
        The model's file and its SHA-256.
    method : str
    options : dict
        The options it ran with.
    schedule : Schedule
    calibration : dict
        The data, and how many samples there were, were wanted and were used.
    feed : dict
        How samples are fed: the preprocessing, with what was left open settled.
    layers : list of ConvertedLayer
        The populations, in topological order.
    neurons : int
        Neurons that fire, in all.
    notes : list of str
        What to know.
    seconds : float
    """

    _made_by: ClassVar = {"schedule": Schedule._of, "layers": listed(ConvertedLayer)}
    _shown: ClassVar = ("source", "method", "schedule", "neurons")

    source: str
    source_sha256: str
    method: str
    options: dict[str, Any]
    schedule: Schedule
    calibration: dict[str, Any]
    feed: dict[str, Any]
    layers: list[ConvertedLayer]
    neurons: int
    notes: list[str]
    seconds: float

    def to_frame(self) -> pandas.DataFrame:
        """A row for each population."""
        return frame(map(flat, self.layers), {"source": self.source, "method": self.method, **flat(self.schedule)})


@dataclass(frozen=True, kw_only=True, repr=False)
class Layer(Record):
    """What a population is.

    Attributes
    ----------
    name : str
    shape : list of int
        Of its neurons.
    neurons : int
    base : float
        Base k of its code.
    threshold_min, threshold_max : float
    thresholds : int
        How many there are: 1, one a channel, or one a neuron.
    transfer : str
        The activation that it stands for.
    window_steps : int, optional
        Steps of its window, where these are fewer than T.
    signed, half_step, max_pool : bool
        Whether it sends negative spikes, rounds to the nearest train, and takes a maximum before it fires.
    largest_correction : float
        Largest initial membrane potential, in absolute value.
    listens_at, emits_at : int
        First steps of its windows, counted from 0.
    """

    name: str
    shape: list[int]
    neurons: int
    base: float
    threshold_min: float
    threshold_max: float
    thresholds: int
    transfer: str
    signed: bool
    half_step: bool
    largest_correction: float
    max_pool: bool
    window_steps: int | None = None
    listens_at: int
    emits_at: int


@dataclass(frozen=True, kw_only=True, repr=False)
class Description(Result):
    """What a converted network is and where it comes from.

    Attributes
    ----------
    file : str
    provenance : dict
        Program, source, method, options and calibration.
    input : str
    input_shape : list of int
        Of a sample.
    encoding : str or dict
        How samples enter.
    weights : str
        ``i8`` where all numbers are integers and weights bytes, ``f32`` otherwise.
    feed : dict
        The preprocessing.
    outputs : int
        Values of a result.
    schedule : Schedule
    neurons, parameters, ann_macs : int
        Neurons that fire; parameters and multiply-accumulate operations of the trained network.
    layers : list of Layer
    head : list of str
        What is computed on the read-out, without spikes.
    """

    _made_by: ClassVar = {"schedule": Schedule._of, "layers": listed(Layer)}
    _shown: ClassVar = ("file", "weights", "schedule", "neurons")

    file: str
    provenance: dict[str, Any]
    input: str
    input_shape: list[int]
    encoding: str | dict[str, Any]
    weights: str
    feed: dict[str, Any]
    outputs: int
    schedule: Schedule
    neurons: int
    parameters: int
    ann_macs: int
    layers: list[Layer]
    head: list[str]

    def to_frame(self) -> pandas.DataFrame:
        """A row for each population."""
        return frame(map(flat, self.layers), {"file": self.file, **flat(self.schedule)})
