"""Progress, Ctrl-C, and threads."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

import spikeconverter as sc
from conftest import Digits


class Told:
    """What a call told."""

    def __init__(self) -> None:
        self.all: list[tuple[str, int, int]] = []

    def __call__(self, doing: str, done: int, total: int) -> None:
        self.all.append((doing, done, total))

    @property
    def doing(self) -> list[str]:
        return list(dict.fromkeys(doing for doing, _, _ in self.all))


def test_progress_is_told(digits: Digits, net: sc.Network) -> None:
    told = Told()
    digits.convert(time_steps=4, progress=told)
    assert told.doing == ["reading samples", "fitting layers"]
    assert told.all[-1][1] == told.all[-1][2]
    calls: dict[str, Callable[[Told], object]] = {
        "running": lambda told: net(digits.images, progress=told),
        "evaluating": lambda told: net.evaluate(digits.images, progress=told),
        "comparing layers": lambda told: net.explain(digits.images[:8], advice=False, progress=told),
    }
    for doing, call in calls.items():
        told = Told()
        call(told)
        assert told.doing == [doing] and told.all[-1][1] == told.all[-1][2]
    told = Told()
    sc.compare(
        digits.model,
        digits.images[:10],
        digits.train[:32],
        methods=["snm"],
        time_steps=[4],
        preprocessing=digits.preprocessing,
        progress=told,
    )
    assert any("snm T = 4" in doing for doing in told.doing)


def test_bars_are_drawn_where_they_are_wanted(
    digits: Digits, net: sc.Network, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tqdm")
    net(digits.images)
    assert capsys.readouterr().err == "", "nobody looks"
    monkeypatch.setattr("spikeconverter._progress._DELAY", 0)
    digits.convert(time_steps=4, progress=True)
    shown = capsys.readouterr().err
    assert "reading samples" in shown and "fitting layers" in shown
    digits.convert(time_steps=4, progress=False)
    assert capsys.readouterr().err == ""


def test_bars_need_tqdm(digits: Digits, net: sc.Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match="pip install tqdm"):
        net(digits.images, progress=True)


def long_work(digits: Digits, net: sc.Network) -> dict[str, Callable[[], object]]:
    """Calls that take minutes."""
    many = np.concatenate([digits.images] * 20)

    def forever() -> Iterator[NDArray[np.uint8]]:
        while True:
            yield digits.images

    return {
        "run": lambda: net(many, engine="reference"),
        "evaluate": lambda: net.evaluate(many, engine="reference"),
        "batches": lambda: net.evaluate(forever()),
        "record": lambda: net.run(many[:5000], record=("membrane",), layers=[net.describe().layers[-1].name]),
        "explain": lambda: net.explain(many, advice=False),
        "convert": lambda: digits.convert(method="li2021-light", time_steps=1024),
        "compare": lambda: sc.compare(digits.model, many, digits.train, preprocessing=digits.preprocessing),
        "search": lambda: sc.search(digits.model, many, preprocessing=digits.preprocessing),
    }


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
@pytest.mark.parametrize("kind", ["run", "evaluate", "batches", "record", "explain", "convert", "compare", "search"])
def test_ctrl_c_is_keyboard_interrupt(kind: str, digits: Digits, net: sc.Network) -> None:
    work = long_work(digits, net)[kind]
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        # work that was over early fails here, and must not have its signal end all other tests
        timer.cancel()
        timer.join()
    # all is as it was
    assert net(digits.images[:2]).shape == (2, 10)


def test_what_a_hook_raises_comes_out(digits: Digits, net: sc.Network) -> None:
    def progress(doing: str, done: int, total: int) -> None:
        raise RuntimeError(doing)

    def batches() -> Iterator[NDArray[np.uint8]]:
        yield digits.images[:10]
        raise LookupError("the loader's own")

    with pytest.raises(RuntimeError, match="evaluating"):
        net.evaluate(np.concatenate([digits.images] * 20), progress=progress)
    with pytest.raises(LookupError, match="the loader's own"):
        net.evaluate(batches())


def test_the_interpreter_is_free_meanwhile(digits: Digits, net: sc.Network) -> None:
    """Another thread goes on where threads do not take turns, so that only who lets go of the lock lets it."""
    turns, over, started = 0, threading.Event(), threading.Event()

    def other() -> None:
        nonlocal turns
        started.set()
        while not over.wait(0.001):
            turns += 1

    thread = threading.Thread(target=other)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        thread.start()
        started.wait()
        before = turns
        net(digits.images[:64], engine="reference")
        after = turns
    finally:
        sys.setswitchinterval(interval)
        over.set()
        thread.join()
    assert after > before


def test_threads_share_a_network(digits: Digits, net: sc.Network) -> None:
    found: dict[int, NDArray[np.float32]] = {}

    def run(start: int) -> None:
        found[start] = net(digits.images[start : start + 100])

    threads = [threading.Thread(target=run, args=(start,)) for start in range(0, 600, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(np.concatenate([found[start] for start in sorted(found)]), net(digits.images))
