"""Comparing and searching."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spikeconverter as sc
from conftest import Digits
from spikeconverter import errors


def test_a_comparison_has_a_cell_for_each_method_and_length(digits: Digits, folder: Path) -> None:
    found = sc.compare(
        digits.model,
        (digits.images[:100], digits.labels[:100]),
        digits.train,
        methods=["spikeconverter", "rueckauer2017"],
        time_steps=[4, 32],
        preprocessing=digits.preprocessing,
        resume="state.json",
        report="digits.html",
    )
    assert [(cell.method, cell.time_steps) for cell in found.cells] == [
        ("spikeconverter", 4),
        ("spikeconverter", 32),
        ("rueckauer2017", 4),
        ("rueckauer2017", 32),
    ]
    window, too_long, *streams = found.cells
    assert window.evaluation is not None and window.fronts is not None and window.seconds is not None
    assert too_long.evaluation is None and too_long.error is not None and "a window has 1 to 16" in too_long.error
    alone = digits.convert(time_steps=4).evaluate(digits.images[:100], digits.labels[:100])
    assert window.evaluation.snn_accuracy == alone.snn_accuracy
    assert window.evaluation.spikes_per_image == alone.spikes_per_image
    assert all(cell.evaluation is not None and cell.evaluation.schedule == "stream" for cell in streams)
    assert "trained network: accuracy" in str(found) and "4 cells" in repr(found)
    assert Path("state.json").exists() and "<html" in Path("digits.html").read_text()
    frame = found.to_frame()
    assert len(frame) == 4 and frame["snn_accuracy"].notna().sum() == 3
    with pytest.raises(errors.StateError, match="--resume"):
        sc.compare(digits.model, digits.images[:5], digits.train, methods=["snm"], time_steps=[4], resume="state.json")


def test_a_search_finds_the_cheapest(digits: Digits) -> None:
    images, labels = np.concatenate([digits.train] * 2), np.concatenate([digits.train[:, 0, 0] * 0] * 2)
    del labels
    found = sc.search(
        digits.model,
        images,
        max_drop=0.05,
        methods=["spikeconverter"],
        time_steps=[2, 4],
        preprocessing=digits.preprocessing,
        calibrate=64,
        held_out=192,
    )
    assert found and found.chosen is not None and found.network is not None
    assert found.chosen.figures.drop.estimate <= 0.05
    assert found.network.describe().schedule.time_steps == found.chosen.options["time_steps"]
    assert found.network(digits.images).shape == (600, 10)
    assert any(trial.front and trial.figures is not None for trial in found.trials)
    assert "chosen: " in str(found)
    frame = found.to_frame()
    assert len(frame) == len(found.trials) and frame["drop_estimate"].notna().any()


def test_a_search_may_find_nothing(digits: Digits) -> None:
    found = sc.search(
        digits.model,
        digits.train,
        max_latency=3,
        methods=["spikeconverter"],
        time_steps=[2],
        preprocessing=digits.preprocessing,
    )
    assert not found and found.network is None
    assert all(trial.figures is None and trial.latency_steps is not None for trial in found.trials)
    assert "None stays within" in str(found)
