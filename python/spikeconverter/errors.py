"""What can go wrong: an exception of each kind, with the sentence that the command line prints.

The sentence names the file or array, the node where there is one, and what to do. Options are named as on the command line:
``--threshold-rule`` is the argument ``threshold_rule``.
"""

from __future__ import annotations

__all__ = [
    "CalibrationError",
    "ConversionError",
    "DataError",
    "DataFormatError",
    "EmptyDataError",
    "EngineChoiceError",
    "Error",
    "ExportError",
    "FileError",
    "Interrupted",
    "LabelError",
    "MethodError",
    "ModelError",
    "NetworkError",
    "NetworkFormatError",
    "NotFiniteError",
    "OptionError",
    "PixelError",
    "PreprocessingError",
    "RecordingError",
    "RequestError",
    "RunError",
    "ShapeError",
    "StateError",
    "TrainingNeededError",
    "UnfaithfulError",
    "UnsupportedError",
]


class Error(Exception):
    """Any of them."""


class FileError(Error, OSError):
    """A file cannot be read or written."""


class ModelError(Error):
    """The trained network's file is not in order."""


class UnsupportedError(ModelError):
    """A node of the trained network has no counterpart; `check` names all of them."""


class DataError(Error, ValueError):
    """The data do not serve."""


class DataFormatError(DataError):
    """The data are in no known format, damaged, or can be read in several ways."""


class EmptyDataError(DataError):
    """There are no samples, or too few."""


class ShapeError(DataError):
    """Samples have another shape than the network's input."""


class LabelError(DataError):
    """Labels are not those of the samples or of the network."""


class NotFiniteError(DataError):
    """A sample holds a value that is not finite or out of range."""


class PreprocessingError(DataError):
    """The preprocessing contradicts itself, the data or the network."""


class PixelError(DataError):
    """The data are not the 8-bit pixels that the network takes."""


class NetworkError(Error):
    """A spiking network is not in order."""


class NetworkFormatError(NetworkError):
    """A file is no spiking network's, or of a version that is not known here."""


class ConversionError(Error):
    """The trained network cannot be converted as asked for."""


class OptionError(ConversionError, ValueError):
    """An option is out of its range, or does not go with the others."""


class MethodError(ConversionError, ValueError):
    """There is no conversion method of that name."""


class TrainingNeededError(ConversionError):
    """The method converts only networks that were trained for it."""


class CalibrationError(ConversionError):
    """The samples do not serve to calibrate on."""


class RunError(Error):
    """The network cannot be run."""


class EngineChoiceError(RunError, ValueError):
    """The engine does not run such networks."""


class RecordingError(RunError, ValueError):
    """There is no such layer, or the record would be too large."""


class ExportError(Error):
    """The network has no such form."""


class UnfaithfulError(ExportError):
    """The program that the network is exported for would run another network."""


class StateError(Error):
    """A file does not hold the state of this comparison."""


class RequestError(Error, ValueError):
    """There is nothing to do, or something that does not exist was asked for."""


class Interrupted(Error):
    """Work was stopped from outside. Ctrl-C gives ``KeyboardInterrupt`` instead."""
