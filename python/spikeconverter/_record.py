"""What results have in common: they are made of dictionaries, print as text, and become frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    import pandas
    from typing_extensions import Self

_R = TypeVar("_R", bound="Record")


@dataclass(frozen=True, kw_only=True, repr=False)
class Record:
    """A record with names, from a dictionary of exactly these names."""

    #: How values that are no plain ones are made.
    _made_by: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}

    @classmethod
    def _of(cls, values: Mapping[str, Any], **more: Any) -> Self:
        made_by = cls._made_by
        made = {name: made_by[name](value) if name in made_by and value is not None else value for name, value in values.items()}
        return cls(**made, **more)

    def __repr__(self) -> str:
        return _short(self, tuple(self.__dataclass_fields__))


@dataclass(frozen=True, kw_only=True, repr=False)
class Result(Record):
    """A record that prints as the command line prints it."""

    #: Names that the short form shows.
    _shown: ClassVar[tuple[str, ...]] = ()

    _text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self._text.rstrip("\n")

    def __repr__(self) -> str:
        return _short(self, self._shown)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Shows the text where a notebook shows the last value of a cell."""
        printer.text(repr(self) if cycle else str(self))


def _short(record: Record, names: Iterable[str]) -> str:
    shown = ", ".join(f"{name}={getattr(record, name)!r}" for name in names if not name.startswith("_"))
    return f"{type(record).__name__}({shown})"


def listed(record: type[_R]) -> Callable[[Iterable[Mapping[str, Any]]], list[_R]]:
    """Makes a list of records of a list of dictionaries."""
    return lambda values: [record._of(value) for value in values]


def flat(record: Record, *, without: Iterable[str] = ()) -> dict[str, Any]:
    """The values of a record as a row of a frame: records within it give their values, with a name in front."""
    row: dict[str, Any] = {}
    left_out = set(without)
    for name in record.__dataclass_fields__:
        if name.startswith("_") or name in left_out:
            continue
        value = getattr(record, name)
        if isinstance(value, Record):
            row.update({f"{name}_{inner}": of_inner for inner, of_inner in flat(value).items()})
        else:
            row[name] = value
    return row


def frame(rows: Iterable[Mapping[str, Any]], facts: Mapping[str, Any] | None = None) -> pandas.DataFrame:
    """A frame of rows; `facts` are its attributes."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError("frames need pandas: pip install pandas") from error
    made = pandas.DataFrame(list(rows))
    made.attrs.update(facts or {})
    return made
