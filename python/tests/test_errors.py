"""Every error is an exception of its own class, with the sentence of the command line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import spikeconverter as sc
from conftest import Digits
from spikeconverter import _core, errors


def test_every_kind_has_its_class() -> None:
    classes = {name for name, thing in vars(errors).items() if inspect.isclass(thing) and issubclass(thing, sc.Error)}
    assert classes - {"Error"} == set(_core.ERROR_KINDS)
    assert set(errors.__all__) == classes
    assert all(cls.__doc__ for cls in sc.Error.__subclasses__())


def test_hierarchy() -> None:
    assert issubclass(errors.FileError, OSError)
    assert issubclass(errors.ShapeError, errors.DataError) and issubclass(errors.DataError, ValueError)
    assert issubclass(errors.OptionError, errors.ConversionError)


CASES: dict[str, tuple[Callable[[Digits, sc.Network], object], type[sc.Error], str]] = {
    "no file": (lambda d, n: sc.load("nowhere.snn"), errors.FileError, "cannot read `nowhere.snn`"),
    "no model": (lambda d, n: sc.check("nowhere.onnx"), errors.FileError, "cannot read `nowhere.onnx`"),
    "no network": (lambda d, n: sc.load("bad"), errors.NetworkFormatError, "`bad` is not a valid .snn file"),
    "no ONNX": (lambda d, n: sc.convert("bad", d.train), errors.ModelError, "`bad` is not an ONNX model"),
    "no data set": (lambda d, n: n.evaluate("bad"), errors.DataFormatError, "is no data set known here"),
    "no folder": (lambda d, n: n.save("no/net.snn"), errors.FileError, "cannot write `no/net.snn`"),
    "shape": (
        lambda d, n: n(np.zeros((2, 3, 8, 8), np.uint8)),
        errors.ShapeError,
        r"the input array: samples of shape \[3, 8, 8\]",
    ),
    "no samples": (lambda d, n: n.evaluate([]), errors.EmptyDataError, "the test data holds no samples"),
    "NaN": (
        lambda d, n: n(np.full((2, 8, 8), np.nan, np.float32)),
        errors.NotFiniteError,
        "row 0 of the input array holds NaN",
    ),
    "labels missing": (lambda d, n: n.evaluate(d.images, d.labels[:5]), errors.LabelError, "has 5 labels for the 600"),
    "negative label": (lambda d, n: n.evaluate(d.images[:1], [-1]), errors.LabelError, "label 0 of the test array is -1"),
    "label beyond": (lambda d, n: n.evaluate(d.images[:1], [10]), errors.LabelError, "label 10 of `the test array`"),
    "steps": (lambda d, n: d.convert(time_steps=17), errors.OptionError, "option --time-steps: 17 time steps"),
    "base": (lambda d, n: d.convert(base="two"), errors.OptionError, "option --base: `two` is no number"),
    "method": (lambda d, n: d.convert(method="none"), errors.MethodError, "there is no conversion method `none`"),
    "training": (lambda d, n: d.convert(method="qcfs"), errors.TrainingNeededError, "method qcfs"),
    "preprocessing": (
        lambda d, n: d.convert(preprocessing=sc.Preprocessing(scale=0)),
        errors.PreprocessingError,
        "scale must be",
    ),
    "pixels": (
        lambda d, n: d.convert(weights="i8").evaluate(d.images.astype(np.float32)),
        errors.PixelError,
        "was converted for 8-bit pixels from 0",
    ),
    "engine": (
        lambda d, n: d.convert(method="rueckauer2017", time_steps=4)(d.images, engine="folded"),
        errors.EngineChoiceError,
        "the folded engine",
    ),
    "stability": (lambda d, n: n.evaluate(d.images, until_stable=8), errors.EngineChoiceError, "schedule"),
    "layer": (lambda d, n: n.run(d.images, layers=["none"]), errors.RecordingError, "no layer of neurons called `none`"),
    "record": (
        lambda d, n: n.run(np.broadcast_to(d.images[:1], (500_000, 8, 8)), record=("membrane",)),
        errors.RecordingError,
        "takes .* GiB, more than 8",
    ),
    "export": (lambda d, n: n.export("net.c", to="c"), errors.ExportError, "integer"),
    "nothing": (
        lambda d, n: sc.compare(d.model, d.images, d.train, time_steps=[]),
        errors.RequestError,
        "there is nothing to compare",
    ),
    "few": (lambda d, n: sc.search(d.model, d.train[:10]), errors.EmptyDataError, "the calibration array.* has 10 samples"),
}


@pytest.mark.parametrize("case", CASES)
def test_sentences(case: str, digits: Digits, net: sc.Network, folder: Path) -> None:
    Path("bad").write_bytes(b"nothing of the kind")
    act, kind, said = CASES[case]
    with pytest.raises(kind, match=said) as caught:
        act(digits, net)
    assert type(caught.value) is kind
    assert isinstance(caught.value, sc.Error)
    assert [path.name for path in folder.iterdir()] == ["bad"], "no partial file is left"


def test_wrong_words_are_value_errors(digits: Digits, net: sc.Network) -> None:
    with pytest.raises(ValueError, match="engine: unknown variant `fast`"):
        net(digits.images, engine="fast")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`audio` is no data format"):
        sc.open_data("x", format="audio")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="preprocessing: unknown field `sclae`"):
        digits.convert(preprocessing={"sclae": 1})
