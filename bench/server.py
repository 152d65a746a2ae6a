"""How measured programs are spoken to.

A program gets the number of threads as its last argument, reads its network and images, runs all images once, and prints a
line of JSON: {"classes": [...]}, the position of the largest output for each image. Then, for each line `BATCH REPEATS` on its
standard input, it runs the first BATCH images together REPEATS times and prints {"seconds": ...}, the time of all repeats. It
ends with its standard input.
"""

import json
import subprocess
from types import TracebackType
from typing import Any, Self


class ServerError(Exception):
    """A program that did not answer."""


class Server:
    """A running program, bound to as many cores as it has threads."""

    def __init__(self, command: list[str], cores: list[int]) -> None:
        self.process = subprocess.Popen(
            ["taskset", "--cpu-list", ",".join(map(str, cores)), *command, str(len(cores))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.classes: list[int] = self._answer()["classes"]

    def seconds(self, batch: int, repeats: int) -> float:
        """Mean time of one repeat."""
        self.process.stdin.write(f"{batch} {repeats}\n")
        self.process.stdin.flush()
        return self._answer()["seconds"] / repeats

    def _answer(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise ServerError(f"`{' '.join(self.process.args)}` ended with status {self.process.returncode}")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
