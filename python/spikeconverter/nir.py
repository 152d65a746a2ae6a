"""Networks of the neuromorphic intermediate representation (NIR), whoever wrote them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from . import _core
from ._progress import Bars, Progress
from ._record import Result, frame
from .data import Data, samples_of
from .results import NirDescription, NirEvaluation

if TYPE_CHECKING:
    import numpy as np
    import pandas
    from numpy.typing import NDArray

__all__ = ["Importer", "Nir", "NirRecording", "load_nir"]

#: Programs that import NIR; ``nir`` stands for the words of its authors.
Importer = Literal["nir", "sinabs", "norse", "snntorch", "spikingjelly"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class NirRecording(Result):
    """What the neurons of a NIR network did on some samples.

    Attributes
    ----------
    results : ndarray of float32
        The mean of what left over all steps, for each sample.
    time_steps : int
        Steps that were run.
    spikes : dict of str to ndarray of float64
        How many spikes each neuron of a node sent, ``(samples, *shape)``.
    """

    _shown: ClassVar = ("time_steps",)

    results: NDArray[np.float32]
    time_steps: int
    spikes: dict[str, NDArray[np.float64]]

    def __repr__(self) -> str:
        return f"NirRecording({len(self.results)} samples, {self.time_steps} steps, nodes {list(self.spikes)})"

    def __str__(self) -> str:
        return repr(self)

    def to_frame(self) -> pandas.DataFrame:
        """A row for each node that fires: its shape, and the spikes of a neuron in a step."""
        rows: list[Mapping[str, Any]] = [
            {"name": name, "shape": sent.shape[1:], "firing_rate": float(sent.mean()) / self.time_steps}
            for name, sent in self.spikes.items()
        ]
        return frame(rows, {"time_steps": self.time_steps})


class Nir:
    """A network of a NIR file, run by an interpreter. Made by `load_nir`; ``print`` says what it is.

    NIR writes neurons as differential equations and leaves it to whoever imports them how these become steps. `semantics`, where
    a function has it, says whose choices are taken; unless said those of the file's metadata, where this program wrote it, and
    NIR's own words otherwise.
    """

    def __init__(self, core: _core.Nir) -> None:
        self._core = core

    def describe(self) -> NirDescription:
        """What it holds."""
        values, text = self._core.describe()
        return NirDescription._of(values, _text=text)

    def __call__(
        self,
        images: Data,
        *,
        semantics: Importer | None = None,
        time_steps: int | None = None,
        dt: float | None = None,
        progress: Progress = None,
    ) -> NDArray[np.float32]:
        """Run the network; parameters and exceptions are those of `run`.

        Returns
        -------
        ndarray
            The mean of what left over all steps, ``(samples, *outputs)``.
        """
        return self.run(images, semantics=semantics, time_steps=time_steps, dt=dt, progress=progress).results

    def run(
        self,
        images: Data,
        *,
        semantics: Importer | None = None,
        time_steps: int | None = None,
        dt: float | None = None,
        progress: Progress = None,
    ) -> NirRecording:
        """Run the network and count its spikes.

        Parameters
        ----------
        images
            Samples, which the network hears in every step. They are preprocessed as the metadata say.
        semantics
            Whose choices neurons follow.
        time_steps
            Steps to run, where the metadata do not say or others are wanted.
        dt
            Length of a step, in the unit of the file's time constants; 1 unless said.
        progress
            Whether to show a bar, or a function to tell.

        Returns
        -------
        NirRecording

        Raises
        ------
        NetworkFormatError
            When it cannot be run.
        RequestError
            When nothing says how many steps to run.
        DataError
            When the samples do not suit it.
        KeyboardInterrupt
            On Ctrl-C, after the batch that is being worked on.
        """
        samples = samples_of(images, name="input")
        with Bars(progress) as tell:
            return NirRecording._of(self._core.record(samples, semantics=semantics, time_steps=time_steps, dt=dt, progress=tell))

    def evaluate(
        self,
        data: Data,
        labels: Any = None,
        *,
        semantics: Importer | None = None,
        time_steps: int | None = None,
        dt: float | None = None,
        progress: Progress = None,
    ) -> NirEvaluation:
        """Run the network on labelled samples. The class is where the mean of what leaves is largest.

        Parameters
        ----------
        data, labels
            Samples: an array, a pair ``(samples, labels)``, or a path.
        semantics, time_steps, dt, progress
            As for `run`.

        Returns
        -------
        NirEvaluation

        Raises
        ------
        NetworkFormatError, RequestError, DataError, KeyboardInterrupt
            As for `run`.
        LabelError
            When a label is no class of the network.
        """
        samples = samples_of(data, labels, name="test")
        with Bars(progress) as tell:
            values, text = self._core.evaluate(samples, semantics=semantics, time_steps=time_steps, dt=dt, progress=tell)
        return NirEvaluation._of(values, _text=text)

    def __str__(self) -> str:
        return str(self.describe())

    def __repr__(self) -> str:
        about = self.describe()
        return f"Nir({self._core.name!r}, {len(about.nodes)} nodes, {about.neurons} neurons)"


def load_nir(path: str | os.PathLike[str]) -> Nir:
    """Read a network of the neuromorphic intermediate representation.

    Parameters
    ----------
    path
        The HDF5 file, as the ``nir`` package or an export wrote it. It is read again whenever it is run.

    Returns
    -------
    Nir

    Raises
    ------
    FileError
        When it cannot be read.
    NetworkFormatError
        When it is no such file, or its shapes do not fit.
    """
    return Nir(_core.Nir(path))
