"""Progress bars, by tqdm where it is there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeAlias

#: What arguments named ``progress`` take: whether to show bars (unless said, where tqdm is installed and somebody looks: a
#: terminal or a notebook), or a function that is told what is being done, units done and units in all.
Progress: TypeAlias = "bool | Callable[[str, int, int], object] | None"

#: Seconds before a bar appears: short work needs none.
_DELAY = 0.5


def _tqdm(wanted: bool | None) -> Any:
    """The class of bars, if there are to be any."""
    if wanted is False:
        return None
    if wanted is None and not (sys.stderr is not None and sys.stderr.isatty()) and "ipykernel" not in sys.modules:
        return None
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        if wanted is None:
            return None
        raise ImportError("progress bars need tqdm: pip install tqdm") from error
    return tqdm


class Bars:
    """A bar for each thing that is being done, one at a time; used as a context, which gives what to call."""

    def __init__(self, progress: Progress) -> None:
        self._call = progress if callable(progress) else None
        self._tqdm = None if self._call else _tqdm(progress)  # type: ignore[arg-type]
        self._bar: Any = None
        self._doing = ""

    def __enter__(self) -> Callable[[str, int, int], object] | None:
        return self._call or (self._tell if self._tqdm else None)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _tell(self, doing: str, done: int, total: int) -> None:
        bar = self._bar
        if bar is not None and doing != self._doing:
            if bar.total == total and done >= bar.n:
                bar.set_description(doing)
            else:
                self._close()
                bar = None
        if bar is None and self._tqdm is not None:
            bar = self._bar = self._tqdm(total=total, desc=doing, leave=False, delay=_DELAY)
        self._doing = doing
        bar.total = total
        # a forecast may grow; a bar that goes back would only confuse
        bar.update(max(done - bar.n, 0))
