"""How a trained network wants its samples."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from . import _core

__all__ = ["Preprocessing"]


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How a trained network wants its samples: ``x = ((raw - zero_point) * scale - mean) / std``, after resizing and cropping.

    It becomes part of the converted network, so that it is given once, when the network is converted.

    Attributes
    ----------
    scale : float, optional
        Factor on raw values. Unless said, 1/255 for unsigned 8-bit samples and 1 for any other.
    mean, std : float or sequence of float
        Of scaled values: one number, or one a channel in the order that the network takes.
    zero_point : float
        Subtracted from raw values first.
    channel_order : {"RGB", "BGR"}
        Order of the colour channels that the network takes; samples are RGB.
    resize : int or (int, int), optional
        Of 8-bit images: the shorter side, or exactly height and width, in pixels.
    crop : int or (int, int), optional
        Height and width of the centre that is kept, after resizing.
    layout : {"NCHW", "NHWC"}, optional
        Order of the axes that the network takes; read off its input's shape unless said.
    label_offset : int
        Predicted label = index of the largest output - this; 1 where output 0 is a background class.
    """

    scale: float | None = None
    mean: float | Sequence[float] = ()
    std: float | Sequence[float] = ()
    zero_point: float = 0.0
    channel_order: Literal["RGB", "BGR"] = "RGB"
    resize: int | tuple[int, int] | None = None
    crop: int | tuple[int, int] | None = None
    layout: Literal["NCHW", "NHWC"] | None = None
    label_offset: int = 0

    @classmethod
    def read(cls, path: str | os.PathLike[str], model: str | os.PathLike[str] = "model.onnx") -> Preprocessing:
        """Read a TOML file with these names, or with a table ``[model."name"]`` for each of several models.

        Parameters
        ----------
        path
            The file.
        model
            The model's file, whose name without ``.onnx`` is looked for where there are several.

        Returns
        -------
        Preprocessing

        Raises
        ------
        PreprocessingError, FileError
            When the file is not of this form or cannot be read.
        """
        values = _core.read_preprocessing(path, model)
        resize = values.pop("resize")
        if isinstance(resize, dict):
            exact = resize.get("exact")
            values["resize"] = tuple(exact) if exact else resize["shorter_side"]
        if "crop" in values:
            values["crop"] = tuple(values["crop"])
        return cls(**values)

    def _values(self) -> dict[str, Any]:
        values: dict[str, Any] = {
            "zero_point": self.zero_point,
            "mean": _channels(self.mean),
            "std": _channels(self.std),
            "channel_order": self.channel_order,
            "label_offset": self.label_offset,
        }
        if self.scale is not None:
            values["scale"] = self.scale
        if isinstance(self.resize, int):
            values["resize"] = {"shorter_side": self.resize}
        elif self.resize is not None:
            values["resize"] = {"exact": list(self.resize)}
        if self.crop is not None:
            values["crop"] = [self.crop, self.crop] if isinstance(self.crop, int) else list(self.crop)
        if self.layout is not None:
            values["layout"] = self.layout
        return values


def _channels(values: float | Sequence[float]) -> list[float]:
    return [float(values)] if isinstance(values, int | float) else [float(value) for value in values]


def values_of(preprocessing: Preprocessing | dict[str, Any] | str | os.PathLike[str] | None, model: str) -> dict[str, Any]:
    """What the native part takes."""
    if preprocessing is None:
        return {}
    if isinstance(preprocessing, Preprocessing):
        return preprocessing._values()
    if isinstance(preprocessing, dict):
        return preprocessing
    return Preprocessing.read(preprocessing, model)._values()
