"""What was written for other programs, and what they make of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from .._record import Record, Result, frame

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, kw_only=True, repr=False)
class Adjustment(Record):
    """A change to an imported network that makes it another verdict.

    Attributes
    ----------
    code : str
        Python, for each module ``m`` of the imported network.
    verdict : str
        The verdict with it.
    """

    code: str
    verdict: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Verdict(Result):
    """What a program makes of an exported network.

    Attributes
    ----------
    target : str
        The program: ``sinabs``, ``norse``, ``snntorch``, ``spikingjelly``, or ``nir`` for NIR's own words.
    verdict : str
        ``faithful``: the network's spikes; ``approximate``: other spikes, and much the same result; ``unsupported``: it does not
        load, or another network runs.
    reasons : list of str
        Why; none where it is faithful.
    adjustment : Adjustment, optional
        What to do after the import.
    """

    _made_by: ClassVar = {"adjustment": Adjustment._of}
    _shown: ClassVar = ("target", "verdict")

    target: str
    verdict: str
    reasons: list[str]
    adjustment: Adjustment | None


@dataclass(frozen=True, kw_only=True, repr=False)
class Export(Result):
    """What was written for other programs.

    Attributes
    ----------
    format : str
        ``onnx``, ``c`` or ``nir``.
    files : list of str
        The files.
    facts : dict of str
        What to know of them.
    verdicts : list of Verdict
        What the target makes of a NIR file; where none was named, what each program makes of it.
    """

    _made_by: ClassVar = {"facts": dict}
    _shown: ClassVar = ("format", "files", "verdicts")

    format: str
    files: list[str]
    facts: dict[str, str]
    verdicts: list[Verdict] = field(default_factory=list)

    @classmethod
    def _with(cls, values: Mapping[str, Any], text: str, sentences: Iterable[str]) -> Export:
        verdicts = zip(values.get("verdicts", []), sentences, strict=True)
        own = [Verdict._of(verdict, _text=sentence) for verdict, sentence in verdicts]
        return cls._of({**values, "verdicts": own}, _text=text)

    def to_frame(self) -> pandas.DataFrame:
        """A row for each verdict."""
        return frame(map(_row_of_verdict, self.verdicts), {"format": self.format, "files": self.files, **self.facts})


def _row_of_verdict(verdict: Verdict) -> dict[str, Any]:
    row = {"target": verdict.target, "verdict": verdict.verdict, "reasons": "; ".join(verdict.reasons)}
    if verdict.adjustment is not None:
        row |= {"adjustment": verdict.adjustment.code, "adjusted_verdict": verdict.adjustment.verdict}
    return row
