"""Checking and converting trained networks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias

from . import _core
from ._progress import Bars, Progress
from ._torch import exported, is_module
from .data import Data, samples_of
from .network import Network
from .preprocessing import Preprocessing, values_of
from .results import Check, Conversion

__all__ = ["check", "convert"]

#: A trained network: an ONNX file, or a network of PyTorch.
Model: TypeAlias = Any
#: How the trained network wants its samples: as an object, as a dictionary of the same names, or in a TOML file.
AnyPreprocessing: TypeAlias = "Preprocessing | dict[str, Any] | str | os.PathLike[str] | None"


def check(model: Model, *, input_shape: Sequence[int] | None = None, example: Any = None) -> Check:
    """Say for each node of a trained network what becomes of it, or why it does not convert. No data are needed.

    Parameters
    ----------
    model
        An ONNX file, or a network of PyTorch (which needs `example` or `input_shape`).
    input_shape
        Shape of a sample, where the file leaves it open.
    example
        A batch that a network of PyTorch takes.

    Returns
    -------
    Check
        True where all of it converts.

    Raises
    ------
    ModelError, FileError
        When the file is no model that can be read. A model that does not convert is an answer.
    """
    with model_file(model, example, input_shape) as path:
        values, text = _core.check(path, input_shape=_shape(input_shape, model))
    return Check._of(values, _text=text)


def convert(
    model: Model,
    calibration: Data | None = None,
    *,
    time_steps: int = 8,
    method: str = "spikeconverter",
    weights: Literal["f32", "i8"] = "f32",
    preprocessing: AnyPreprocessing = None,
    base: float | Literal["auto"] = "auto",
    thresholds: Literal["channel", "layer", "neuron"] | None = None,
    half_step: bool = True,
    bias_correction: bool = True,
    weight_calibration: Literal["none", "layer", "network"] | None = None,
    delay: int | None = None,
    max_latency: int | None = None,
    copies: int = 1,
    percentile: float = 99.9,
    input: Literal["analog", "pixels", "poisson"] | None = None,
    neuron: str | None = None,
    levels: int | None = None,
    threshold_rule: str | None = None,
    initial: str | None = None,
    calibration_rule: str | None = None,
    max_pool: str | None = None,
    rehearsal: str | None = None,
    rehearsal_steps: int | None = None,
    skip_steps: int | None = None,
    calibrate: int = 1024,
    seed: int = 0,
    input_shape: Sequence[int] | None = None,
    example: Any = None,
    progress: Progress = None,
) -> Network:
    """Convert a trained network into a spiking network.

    Parameters
    ----------
    model
        An ONNX file, or a network of PyTorch, which is exported to one.
    calibration
        Samples to calibrate on, labels not needed: an array, an iterable of batches (a torch ``DataLoader``; the first that
        make `calibrate` samples are taken, so let it shuffle), or a path. Where there are none, made-up images stand in.
    time_steps
        T: the length of the window, 1 to 16; of the simulation in streaming methods, 1 to 4096.
    method
        A method's name; `methods` lists them.
    weights
        Numbers of the spiking network. ``i8``: integers throughout; samples are then 8-bit pixels.
    preprocessing
        How the trained network wants its samples; see `Preprocessing`.
    base
        Base of the spike code: the best up to 2 for each layer, or one from 1 (rate) through 2 (binary) to 3 (balanced ternary:
        spikes of both signs).
    thresholds
        What shares a threshold; what the method has unless said.
    half_step
        Round to the nearest spike train instead of truncating.
    bias_correction
        Give channels an initial membrane potential of least error.
    weight_calibration
        How weights are calibrated in methods with windows; what is worth its time at this T unless said.
    delay
        Fire so many steps into the window instead of after it.
    max_latency
        Have the result after so many steps, by layers with shorter windows or, with a delay, by layers that fire earlier.
    copies
        Neurons for each activation, their potentials staggered.
    percentile
        Of a layer's positive activations, in methods that normalise so.
    input
        How samples enter; ``analog``, or ``pixels`` with ``weights="i8"``, unless said.
    neuron, levels, threshold_rule, initial, calibration_rule, max_pool, rehearsal, rehearsal_steps, skip_steps
        Parts of a streaming method that are replaced; `parts` lists them.
    calibrate
        Calibrate on at most so many samples.
    seed
        Of the choice of samples, and of random input spikes.
    input_shape
        Shape of a sample as the network takes it, where the file leaves it open.
    example
        A batch that a network of PyTorch takes; zeros of the samples' shape unless said.
    progress
        Whether to show bars (unless said, where somebody looks and tqdm is installed), or a function that is told what is being
        done, units done and units in all.

    Returns
    -------
    Network
        Its `conversion` says what was decided.

    Raises
    ------
    UnsupportedError, ModelError
        When the network cannot be read or a node does not convert.
    OptionError, MethodError, TrainingNeededError
        When the method or an option cannot be had.
    DataError
        When the samples do not suit the network.
    KeyboardInterrupt
        On Ctrl-C, after the layer that is being fitted.

    Examples
    --------
    >>> net = convert("model.onnx", images, time_steps=4)  # doctest: +SKIP
    >>> net.save("net.snn")  # doctest: +SKIP
    """
    options = {
        "time_steps": time_steps,
        "weights": weights,
        "base": base,
        "thresholds": thresholds,
        "half_step": half_step,
        "bias_correction": bias_correction,
        "weight_calibration": weight_calibration,
        "delay": delay,
        "max_latency": max_latency,
        "copies": copies,
        "percentile": percentile,
        "encoding": input,
        "seed": seed,
        "neuron": neuron,
        "levels": levels,
        "threshold_rule": threshold_rule,
        "initial": initial,
        "calibration_rule": calibration_rule,
        "max_pool": max_pool,
        "rehearsal": rehearsal,
        "rehearsal_steps": rehearsal_steps,
        "skip_steps": skip_steps,
    }
    samples = None
    if calibration is not None:
        samples = samples_of(calibration, name="calibration", otherwise="train", enough=calibrate)
    with model_file(model, example, input_shape, samples) as path, Bars(progress) as tell:
        core, values, text = _core.convert(
            path,
            samples,
            input_shape=_shape(input_shape, model),
            preprocessing=values_of(preprocessing, path),
            method=method,
            options=words_of(options),
            calibrate=calibrate,
            seed=seed,
            progress=tell,
        )
    return Network(core, Conversion._of(values, _text=text))


def words_of(options: dict[str, Any]) -> dict[str, str]:
    """Options as words; those that are not given are left out."""
    words = {}
    for name, value in options.items():
        if isinstance(value, bool):
            words[name] = "true" if value else "false"
        elif value is not None:
            words[name] = str(value)
    return words


@contextlib.contextmanager
def model_file(
    model: Model,
    example: Any = None,
    input_shape: Sequence[int] | None = None,
    samples: _core.Samples | None = None,
) -> Iterator[str]:
    """The path of a model's file, which a network of PyTorch has only as long as the context."""
    if is_module(model):
        shape = input_shape if input_shape is not None else samples.sample_shape if samples is not None else None
        with exported(model, example, shape) as path:
            yield str(path)
    elif isinstance(model, str | os.PathLike):
        yield os.fspath(model)
    else:
        raise TypeError(f"a model is the path of an ONNX file or a torch.nn.Module, not {type(model).__name__}")


def _shape(input_shape: Sequence[int] | None, model: Model) -> list[int] | None:
    # an exported network says it itself
    return None if input_shape is None or is_module(model) else list(input_shape)
