"""What is compared: a program that runs a network on images as often as it is told."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from networks import Network


class Unavailable(Exception):
    """The engine cannot be measured, for a reason that is no fault: its row is left out."""


@dataclass(frozen=True)
class Setup:
    """What engines are prepared with."""

    programs: Path
    """Folder of this project's compiled programs."""
    batch: int
    """Number of images in the files that engines read."""


@dataclass(frozen=True)
class Engine:
    """A row of the table."""

    name: str
    title: str
    command: Callable[[Network, Setup], list[str]]
    """Prepares the network; the command that serves it as server.py describes, less the number of threads."""
