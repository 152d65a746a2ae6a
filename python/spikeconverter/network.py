"""A converted network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._progress import Bars, Progress
from .data import Data, is_batched, parts_of, samples_of
from .nir import Importer
from .recording import Recording
from .results import Conversion, Description, Evaluation, Explanation, Export

__all__ = ["Engine", "Network", "load"]

#: Engines: what suits the network; a window in one pass; step by step; the literal simulation.
Engine = Literal["auto", "folded", "clocked", "reference"]
#: What `Network.run` records.
Recorded = Literal["spikes", "membrane"]


class Network:
    """A converted network, with the trained network that it came from and how its samples are preprocessed.

    Made by `convert`, `load` and `search`. Call it to run it; ``print`` says what it is.

    Attributes
    ----------
    conversion : Conversion or None
        What the conversion decided, where this network was converted just now.
    """

    def __init__(self, core: _core.Network, conversion: Conversion | None = None) -> None:
        self._core = core
        self.conversion = conversion

    def __call__(self, images: Data, *, engine: Engine = "auto", progress: Progress = None) -> NDArray[np.float32]:
        """Run the network.

        Parameters
        ----------
        images
            Samples as they were given to `convert`: not yet preprocessed. An array, an iterable of batches, or a path.
        engine
            How it is run; all engines give the same spikes.
        progress
            Whether to show a bar, or a function to tell.

        Returns
        -------
        ndarray
            The result for each sample, ``(samples, *outputs)``: for a classifier the logits.

        Raises
        ------
        DataError
            When the samples do not suit the network.
        KeyboardInterrupt
            On Ctrl-C, after the batch that is being worked on.
        """
        with Bars(progress) as tell:
            parts = [self._core.run(part, engine=engine, progress=tell) for part in parts_of(images, name="input")]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def predict(self, images: Data, *, engine: Engine = "auto", progress: Progress = None) -> NDArray[np.int64]:
        """The label of each sample: the index of its largest logit, less the label offset of the preprocessing.

        Parameters and exceptions are those of a call.

        Returns
        -------
        ndarray
            ``(samples,)``; -1 where no logit is a number.
        """
        with Bars(progress) as tell:
            parts = [self._core.predict(part, engine=engine, progress=tell) for part in parts_of(images, name="input")]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def run(
        self,
        images: Data,
        *,
        record: Sequence[Recorded] = ("spikes",),
        layers: Sequence[str] = (),
        engine: Engine = "auto",
        progress: Progress = None,
    ) -> Recording:
        """Run the network and record what its neurons do.

        Parameters
        ----------
        images
            Samples, as for a call; all of them at once in memory.
        record
            What to record: ``spikes``, ``membrane``. Membranes of networks with windows need the literal simulation, which is
            slow: give it a few samples.
        layers
            Names of the layers to record; all unless said.
        engine, progress
            As for a call.

        Returns
        -------
        Recording
            Results, and for each layer arrays of ``(samples, steps, *shape)``.

        Raises
        ------
        RecordingError
            When there is no such layer, or the record would take more than 8 GiB.
        DataError, KeyboardInterrupt
            As for a call.
        """
        wanted = {record} if isinstance(record, str) else set(record)
        if unknown := wanted - {"spikes", "membrane"}:
            raise ValueError(f"record: {', '.join(sorted(unknown))} is none of: spikes, membrane")
        samples = samples_of(images, name="input")
        with Bars(progress) as tell:
            found = self._core.record(
                samples,
                spikes="spikes" in wanted,
                membranes="membrane" in wanted,
                layers=list(layers),
                engine=engine,
                progress=tell,
            )
        return Recording._of(found)

    def evaluate(
        self,
        data: Data,
        labels: Any = None,
        *,
        engine: Engine = "auto",
        batch: int | None = None,
        until_stable: int | None = None,
        progress: Progress = None,
    ) -> Evaluation:
        """Run the trained and the spiking network side by side.

        Parameters
        ----------
        data
            Samples: an array, a pair ``(samples, labels)``, an iterable of such batches (of which one is in memory at a time),
            or a path.
        labels
            Class numbers, where `data` is an array without; or their file, where it is a path. Without labels there are no
            accuracies, and the two networks are compared with each other.
        engine
            How the spiking network is run.
        batch
            Samples that are processed together; chosen by memory unless said.
        until_stable
            Stop a sample when its class has not changed for so many steps; streaming networks only.
        progress
            Whether to show a bar, or a function to tell.

        Returns
        -------
        Evaluation
            Accuracies, agreement, spikes, synaptic operations, energy, latency, and the layers' part in them.

        Raises
        ------
        DataError, LabelError
            When the samples do not suit the network, or a label is no class of it.
        EngineChoiceError
            When the engine does not run such networks.
        KeyboardInterrupt
            On Ctrl-C, after the batch that is being worked on.
        """
        parts = parts_of(data, labels, name="test")
        first = next(parts, None)
        if first is None:
            first = samples_of([], name="test")
        more = (lambda: next(parts, None)) if is_batched(data) else None
        with Bars(progress) as tell:
            values, text = self._core.evaluate(
                first, more=more, engine=engine, batch=batch, until_stable=until_stable, progress=tell
            )
        return Evaluation._of(values, _text=text)

    def explain(
        self,
        data: Data,
        labels: Any = None,
        *,
        advice: bool = True,
        report: str | os.PathLike[str] | None = None,
        progress: Progress = None,
    ) -> Explanation:
        """Say where accuracy went, layer by layer, and what would win it back.

        Parameters
        ----------
        data, labels
            Samples, as for `evaluate`; all of them at once in memory.
        advice
            Whether other settings are tried, which takes a conversion each.
        report
            Write a page of charts to this HTML file.
        progress
            Whether to show a bar, or a function to tell.

        Returns
        -------
        Explanation

        Raises
        ------
        DataError, LabelError, KeyboardInterrupt
            As for `evaluate`.
        """
        samples = samples_of(data, labels, name="test")
        with Bars(progress) as tell:
            values, text = self._core.explain(samples, advice=advice, report=report, progress=tell)
        return Explanation._of(values, _text=text)

    def describe(self) -> Description:
        """What the network is and where it comes from."""
        values, text = self._core.describe()
        return Description._of(values, _text=text)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a file: all of it or, on failure, nothing.

        Parameters
        ----------
        path
            Usually named ``….snn``. The command line reads it too.

        Raises
        ------
        FileError
            When it cannot be written.
        """
        self._core.save(path)

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        to: Literal["onnx", "c", "nir"] = "onnx",
        unrolled: bool = False,
        steps: Literal["folded", "spikes"] | None = None,
        target: Importer | None = None,
        pooling: Literal["sum", "average", "convolution"] | None = None,
        force: bool = False,
    ) -> Export:
        """Write the network for other programs.

        Parameters
        ----------
        path
            The file.
        to
            Standard ONNX operators; of integer networks (``weights="i8"``) one C99 file and its header; of streaming networks
            a graph of the neuromorphic intermediate representation.
        unrolled
            ONNX: with nodes for every time step.
        steps
            C: how a window is run, as a code (unless said) or spike by spike.
        target
            NIR: the program that is to import it. A network that it does not run as it is meant is not written.
        pooling
            NIR: how means over windows are written; as the target reads them unless said, otherwise as sums.
        force
            NIR: write it although the target would run another network.

        Returns
        -------
        Export
            The files that were written, and for NIR a verdict on the target, or on each program there is.

        Raises
        ------
        ExportError
            When the network has no such form.
        UnfaithfulError
            When the target would run another network, with the reason and what to do.
        OptionError
            When an option belongs to another form.
        FileError
            When a file cannot be written.
        """
        found = self._core.export(path, to=to, unrolled=unrolled, steps=steps, target=target, pooling=pooling, force=force)
        return Export._with(*found)

    def __str__(self) -> str:
        return str(self.describe())

    def __repr__(self) -> str:
        about = self.describe()
        method, schedule = about.provenance["method"], about.schedule
        return f"Network({self._core.name!r}, {method}, {schedule.kind}, T={schedule.time_steps}, {about.neurons} neurons)"

    def __reduce__(self) -> tuple[Any, ...]:
        return _of_bytes, (self._core.to_bytes(), self._core.name)


def _of_bytes(content: bytes, name: str) -> Network:
    return Network(_core.Network.from_bytes(content, name))


def load(path: str | os.PathLike[str]) -> Network:
    """Read a network that was saved here or written by the command line.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Network

    Raises
    ------
    FileError
        When it cannot be read.
    NetworkFormatError
        When it is no such file.
    """
    return Network(_core.Network.load(path))
