"""Comparing methods and searching among them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

from . import _core
from ._progress import Bars, Progress
from .conversion import AnyPreprocessing, Model, _shape, model_file, words_of
from .data import Data, samples_of
from .network import Network
from .preprocessing import values_of
from .results import Comparison, Search

__all__ = ["compare", "search"]


def compare(
    model: Model,
    data: Data,
    calibration: Data,
    *,
    methods: Sequence[str] = (),
    time_steps: Sequence[int] = (1, 2, 4, 8, 16, 32),
    preprocessing: AnyPreprocessing = None,
    calibrate: int = 1024,
    seed: int = 0,
    resume: str | os.PathLike[str] | None = None,
    report: str | os.PathLike[str] | None = None,
    raster: Sequence[int] = (0,),
    input_shape: Sequence[int] | None = None,
    example: Any = None,
    progress: Progress = None,
) -> Comparison:
    """Convert and evaluate a network by several methods over several T, on the same samples.

    Parameters
    ----------
    model
        An ONNX file, or a network of PyTorch.
    data
        Samples to test on, with labels or not, as for `Network.evaluate`; all of them at once in memory.
    calibration
        Other samples to calibrate on, as for `convert`.
    methods
        Names of methods; all that need no training unless said.
    time_steps
        Numbers of time steps.
    preprocessing, calibrate, seed, input_shape, example
        As for `convert`.
    resume
        Keep finished cells in this file, and go on from it.
    report
        Write a page of charts to this HTML file.
    raster
        Test samples whose spikes the page shows.
    progress
        Whether to show a bar, or a function to tell.

    Returns
    -------
    Comparison
        A cell for each method and T; one that could not be converted says why.

    Raises
    ------
    MethodError, TrainingNeededError, RequestError
        When a method is not there or needs training, or there is nothing to compare.
    StateError
        When `resume` is the file of another comparison.
    ModelError, DataError
        When the network or the samples are not in order.
    KeyboardInterrupt
        On Ctrl-C, after the batch that is being worked on.
    """
    fit = samples_of(calibration, name="calibration", otherwise="train", enough=calibrate)
    samples = samples_of(data, name="test")
    with model_file(model, example, input_shape, fit) as path, Bars(progress) as tell:
        values, text = _core.compare(
            path,
            samples,
            fit,
            input_shape=_shape(input_shape, model),
            preprocessing=values_of(preprocessing, path),
            methods=list(methods),
            time_steps=list(time_steps),
            options={},
            calibrate=calibrate,
            seed=seed,
            resume=resume,
            report=report,
            raster=list(raster),
            progress=tell,
        )
    return Comparison._of(values, _text=text)


def search(
    model: Model,
    data: Data,
    labels: Any = None,
    *,
    max_drop: float = 0.005,
    max_latency: int | None = None,
    minimise: Literal["energy", "latency", "spikes"] = "energy",
    methods: Sequence[str] = (),
    time_steps: Sequence[int] = (),
    weights: Literal["f32", "i8"] = "f32",
    thresholds: Literal["channel", "layer", "neuron"] | None = None,
    preprocessing: AnyPreprocessing = None,
    calibrate: int = 1024,
    held_out: int = 2048,
    seed: int = 0,
    input_shape: Sequence[int] | None = None,
    example: Any = None,
    progress: Progress = None,
) -> Search:
    """Find the cheapest conversion whose loss of accuracy stays within a bound.

    Parameters
    ----------
    model
        An ONNX file, or a network of PyTorch.
    data, labels
        Samples to calibrate, choose and confirm on, each on others; best such that the network was not trained on. Never give
        test samples. Without labels, the loss is disagreement with the trained network.
    max_drop
        The most accuracy that may be lost, as a share of samples: 0.005 is half a point.
    max_latency
        The most steps from a sample's first input to its result.
    minimise
        What is made as small as the bounds allow.
    methods, time_steps
        What is tried; a choice that is usual unless said.
    weights, thresholds, preprocessing, calibrate, seed, input_shape, example
        As for `convert`.
    held_out
        Samples to measure on, half of them to choose and half to confirm.
    progress
        Whether to show a bar, or a function to tell.

    Returns
    -------
    Search
        True where a network was found, which is its `network`.

    Raises
    ------
    EmptyDataError
        When there are too few samples.
    MethodError, TrainingNeededError, RequestError, ModelError, DataError, KeyboardInterrupt
        As for `compare`.
    """
    samples = samples_of(data, labels, name="calibration", otherwise="train")
    with model_file(model, example, input_shape, samples) as path, Bars(progress) as tell:
        values, text, core = _core.search(
            path,
            samples,
            input_shape=_shape(input_shape, model),
            preprocessing=values_of(preprocessing, path),
            max_drop=max_drop,
            max_latency=max_latency,
            minimise=minimise,
            methods=list(methods),
            time_steps=list(time_steps),
            options=words_of({"weights": weights, "thresholds": thresholds}),
            calibrate=calibrate,
            held_out=held_out,
            seed=seed,
            progress=tell,
        )
    network = None if core is None else Network(core)
    return Search._of(values, network=network, _text=text)
