"""The table of conversion methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _core
from ._record import flat, frame
from .results import Method

if TYPE_CHECKING:
    import pandas

__all__ = ["Methods", "methods", "parts"]


class Methods(dict[str, Method]):
    """Methods by name, in the order of the table."""

    def __str__(self) -> str:
        return "\n\n".join(str(method) for method in self.values())

    def __repr__(self) -> str:
        return f"Methods({list(self)})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self) if cycle else str(self))

    def to_frame(self) -> pandas.DataFrame:
        """A row for each method."""
        return frame(map(flat, self.values()))


def methods() -> Methods:
    """The conversion methods that there are, by name: a dictionary that prints as ``spikeconverter methods`` does."""
    rows = [Method._of(values, _text=text) for values, text in _core.methods()]
    return Methods({method.name: method for method in rows})


def parts() -> str:
    """The parts of streaming methods that `convert` can replace, and which of them combine, as text."""
    return _core.parts()[1]
