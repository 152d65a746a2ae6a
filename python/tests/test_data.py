"""Samples in every form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import spikeconverter as sc
from conftest import DEMO, SCALE, Digits


def batches(digits: Digits, size: int = 100) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    for start in range(0, len(digits.images), size):
        yield digits.images[start : start + size], digits.labels[start : start + size]


def test_all_forms_evaluate_alike(digits: Digits, net: sc.Network) -> None:
    whole = net.evaluate(digits.images, digits.labels)
    assert whole.images == 600
    forms = {
        "pair": (digits.images, digits.labels),
        "list": list(batches(digits)),
        "generator": batches(digits, 64),
        "lists in a list": [[x, y.astype(np.int64)] for x, y in batches(digits)],
        "path": DEMO / "digits-test.npz",
        "file": sc.open_data(DEMO / "digits-test.npz"),
    }
    for name, form in forms.items():
        found = net.evaluate(form)
        counts = [(e.images, e.ann_accuracy, e.snn_accuracy, e.agreement, e.spikes_per_image) for e in (found, whole)]
        assert counts[0] == counts[1], name


def test_calls_take_all_forms_too(digits: Digits, net: sc.Network) -> None:
    wanted = net(digits.images)
    np.testing.assert_array_equal(net(list(batches(digits))), wanted)
    np.testing.assert_array_equal(net(DEMO / "digits-test.npz"), wanted)
    np.testing.assert_array_equal(net(sc.open_data(DEMO / "digits-test.npz", rows=(10, 20))), wanted[10:20])


def test_number_types_and_layouts_of_memory(digits: Digits) -> None:
    """Floating-point samples are not scaled unless it is said; neither order of bytes nor strides matter."""
    images = digits.train.astype(np.float32) * np.float32(SCALE)
    plain = sc.convert(digits.model, images, time_steps=4)
    wanted = plain(digits.images[:8].astype(np.float32) * np.float32(SCALE))
    for name, kind in {"double": np.float64, "half": np.float16, "big": ">f4"}.items():
        shown = (digits.images[:8] * SCALE).astype(kind)
        np.testing.assert_array_equal(plain(shown), wanted, name)
    strided = np.asfortranarray(digits.images[:8] * SCALE)
    np.testing.assert_array_equal(plain(strided), wanted)


def test_anything_with_dlpack_is_taken(digits: Digits, net: sc.Network) -> None:
    class Tensor:
        def __init__(self, array: NDArray[np.uint8]) -> None:
            self.array = array

        def __dlpack__(self, **options: object) -> object:
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self) -> tuple[int, int]:
            return self.array.__dlpack_device__()

    np.testing.assert_array_equal(net(Tensor(digits.images)), net(digits.images))


def test_a_loader_is_read_no_further_than_needed(digits: Digits) -> None:
    seen = 0

    def loader() -> Iterator[NDArray[np.uint8]]:
        nonlocal seen
        for start in range(0, 256, 32):
            seen += 32
            yield digits.train[start : start + 32]

    net = sc.convert(digits.model, loader(), time_steps=4, calibrate=64, preprocessing=digits.preprocessing)
    assert seen == 64 and net.conversion is not None and net.conversion.calibration["samples"] == 64


def test_samples_know_themselves() -> None:
    samples = sc.open_data(DEMO / "digits-test.npz", limit=7)
    assert (len(samples), samples.sample_shape, samples.element, samples.labelled) == (7, [8, 8], "u8", True)
    assert samples.name.endswith("digits-test.npz")


def test_preprocessing_in_every_form(digits: Digits, net: sc.Network, folder: Path) -> None:
    Path("digits.toml").write_text("scale = 0.0625\n")
    wanted = net(digits.images[:4])
    for preprocessing in ({"scale": SCALE}, "digits.toml", sc.Preprocessing.read("digits.toml")):
        np.testing.assert_array_equal(digits.convert(time_steps=4, preprocessing=preprocessing)(digits.images[:4]), wanted)
    Path("many.toml").write_text('[model."a"]\nscale = 2\nresize = { shorter_side = 9 }\ncrop = [8, 8]\nlayout = "NHWC"\n')
    assert sc.Preprocessing.read("many.toml", "folder/a.onnx") == sc.Preprocessing(
        scale=2.0, mean=[], std=[], resize=9, crop=(8, 8), layout="NHWC"
    )
    everything = sc.Preprocessing(
        scale=0.5, mean=1.0, std=[2.0], zero_point=3, channel_order="BGR", resize=(9, 8), crop=7, layout="NHWC", label_offset=1
    )
    assert everything._values() == {
        "scale": 0.5,
        "mean": [1.0],
        "std": [2.0],
        "zero_point": 3,
        "channel_order": "BGR",
        "resize": {"exact": [9, 8]},
        "crop": [7, 7],
        "layout": "NHWC",
        "label_offset": 1,
    }


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (5, "an array, a tuple"),
        ((np.zeros(1), np.zeros(1), np.zeros(1)), "this one has 3 entries"),
        ([{"x": 1}], "a batch is an array or a pair"),
        (np.array(["a"]), "samples and labels are numbers"),
    ],
)
def test_what_are_no_samples_is_said(net: sc.Network, data: object, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        net.evaluate(data)  # type: ignore[arg-type]
