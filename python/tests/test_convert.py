"""Converting, running, saving."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import spikeconverter as sc
from conftest import Digits


def test_a_converted_network_classifies(digits: Digits, net: sc.Network) -> None:
    logits = net(digits.images)
    assert logits.shape == (600, 10) and logits.dtype == np.float32
    assert (logits.argmax(axis=1) == digits.labels).mean() > 0.98
    predicted = net.predict(digits.images)
    assert predicted.dtype == np.int64
    np.testing.assert_array_equal(predicted, logits.argmax(axis=1))


@pytest.mark.parametrize("kind", ["net", "stream", "integers"])
def test_engines_agree(digits: Digits, kind: str, request: pytest.FixtureRequest) -> None:
    net: sc.Network = request.getfixturevalue(kind)
    images = digits.images[:4]
    found, literal = net(images), net(images, engine="reference")
    if kind == "integers":
        np.testing.assert_array_equal(found, literal)
    else:
        np.testing.assert_allclose(found, literal, rtol=1e-4, atol=1e-4)


def test_saved_and_loaded_it_is_the_same(digits: Digits, net: sc.Network, folder: Path) -> None:
    net.save("net.snn")
    loaded = sc.load("net.snn")
    np.testing.assert_array_equal(loaded(digits.images), net(digits.images))
    assert loaded.conversion is None
    assert [path.name for path in folder.iterdir()] == ["net.snn"]
    moved = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(moved(digits.images[:8]), net(digits.images[:8]))


def test_what_was_decided_is_told(net: sc.Network) -> None:
    found = net.conversion
    assert found is not None
    assert found.method == "spikeconverter" and found.schedule.time_steps == 4
    assert found.schedule.kind == "window" and found.schedule.latency_steps == 4 * found.schedule.stages
    assert found.calibration["samples"] == 256
    assert sum(layer.neurons for layer in found.layers) == found.neurons
    assert "calibrated on 256 of 256 samples of the calibration array" in str(found)
    about = net.describe()
    assert about.input_shape == [1, 8, 8] and about.weights == "f32"
    assert [layer.name for layer in about.layers] == [layer.name for layer in found.layers]
    assert "T = 4 steps a window" in str(net)
    assert repr(net).startswith("Network(") and "T=4" in repr(net)


def test_options_are_those_of_the_command_line(digits: Digits, integers: sc.Network) -> None:
    assert integers.describe().weights == "i8" and integers.describe().encoding == "pixels"
    net = digits.convert(time_steps=6, base=1.5, thresholds="layer", half_step=False, seed=3, calibrate=32)
    assert net.conversion is not None
    assert net.conversion.calibration["samples"] == 32 and net.conversion.calibration["seed"] == 3
    options = net.describe().provenance["options"]
    assert options["base"] == "1.5" and options["thresholds"] == "layer" and options["half_step"] == "false"
    early = digits.convert(time_steps=4, delay=2, base=2.0)
    assert early.describe().schedule.delay_steps == 2
    earlier = digits.convert(time_steps=4, delay=2, max_latency=early.describe().schedule.latency_steps - 1, base=2.0)
    assert earlier.describe().schedule.latency_steps == early.describe().schedule.latency_steps - 1
    shorter = digits.convert(time_steps=4, max_latency=17)
    schedule = shorter.describe().schedule
    assert schedule.latency_steps == 17 and schedule.least_window_steps in (1, 2, 3)
    assert any(layer.window_steps == schedule.least_window_steps for layer in shorter.describe().layers)
    ternary = digits.convert(time_steps=2, base=3)
    assert all(layer.signed and layer.base == 3 for layer in ternary.describe().layers)
    many = digits.convert(time_steps=4, copies=2)
    assert many.describe().provenance["options"]["copies"] == "2"
    assert many.describe().neurons == 2 * early.describe().neurons


def test_the_same_call_gives_the_same_network(digits: Digits, net: sc.Network) -> None:
    np.testing.assert_array_equal(digits.convert(time_steps=4)(digits.images[:16]), net(digits.images[:16]))


def test_without_data_images_are_made_up(digits: Digits) -> None:
    net = sc.convert(digits.model, time_steps=8, calibrate=64, preprocessing={"scale": 1 / 255})
    assert net.conversion is not None
    assert any("no data were given" in note for note in net.conversion.notes)


@pytest.mark.parametrize("kind", ["net", "stream", "early"])
def test_spikes_and_membranes_are_recorded(digits: Digits, kind: str, request: pytest.FixtureRequest) -> None:
    net: sc.Network = request.getfixturevalue(kind)
    images = digits.images[:3]
    record = net.run(images, record=("spikes", "membrane"))
    np.testing.assert_allclose(record.results, net(images), rtol=1e-4, atol=1e-4)
    about = net.describe()
    assert list(record.layers) == [layer.name for layer in about.layers]
    for layer in about.layers:
        found = record.layers[layer.name]
        shape = (3, record.time_steps, *layer.shape)
        assert found.spikes is not None and found.membranes is not None
        assert found.spikes.shape == shape and found.membranes.shape == shape
        assert found.first_step == layer.emits_at + 1
        assert np.isfinite(found.membranes).all()
        assert set(np.unique(found.spikes)) <= ({-1, 0, 1} if layer.signed else {0, 1})
    assert record.layers[about.layers[0].name].spikes.any()
    # the mean number of spikes is what an evaluation counts
    total = sum(np.abs(spikes).sum() for spikes in record.spikes.values())
    assert total / 3 == pytest.approx(net.evaluate(images).spikes_per_image, rel=0.01)


def test_membranes_obey_the_neuron(digits: Digits, net: sc.Network) -> None:
    """v after a step is k (v before - threshold s); it fired where that was at the threshold."""
    layer = next(layer for layer in net.describe().layers if layer.thresholds == 1 or not layer.signed)
    record = net.run(digits.images[:2], record=("spikes", "membrane"), layers=[layer.name])
    assert list(record.layers) == [layer.name]
    membranes, spikes = record.layers[layer.name].membranes, record.layers[layer.name].spikes
    assert membranes is not None and spikes is not None
    before, after, fired = membranes[:, :-1], membranes[:, 1:], spikes[:, 1:]
    silent = fired == 0
    np.testing.assert_allclose(after[silent], layer.base * before[silent], rtol=1e-5)
    threshold = (before - after / layer.base)[~silent]
    assert (threshold >= layer.threshold_min * 0.999).all() and (threshold <= layer.threshold_max * 1.001).all()
    assert (before[~silent] >= layer.threshold_min * 0.999).all()


def test_only_what_was_asked_for_is_recorded(digits: Digits, net: sc.Network) -> None:
    spikes = net.run(digits.images[:70])
    assert spikes.membranes == {} and set(spikes.spikes) == set(spikes.layers)
    name = next(iter(spikes.layers))
    one = net.run(digits.images[:70], layers=[name])
    np.testing.assert_array_equal(one.spikes[name], spikes.spikes[name])
    frame = spikes.to_frame()
    assert list(frame["name"]) == list(spikes.layers) and frame["firing_rate"].between(0, 1).all()
    with pytest.raises(ValueError, match="voltage is none of"):
        net.run(digits.images[:1], record=("voltage",))  # type: ignore[arg-type]
