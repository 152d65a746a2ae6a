"""Networks for other programs, and what these make of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spikeconverter as sc
from conftest import Digits
from spikeconverter.results import Export


@pytest.fixture(scope="module")
def plain(digits: Digits, tmp_path_factory: pytest.TempPathFactory) -> sc.Network:
    """A streaming network without a maximum, whose accuracy nobody minds."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    draw = np.random.default_rng(0)
    weights = {"w1": draw.normal(size=(64, 32)) / 8, "b1": np.zeros(32), "w2": draw.normal(size=(32, 10)) / 6, "b2": np.zeros(10)}
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"], name="flatten"),
        helper.make_node("Gemm", ["flat", "w1", "b1"], ["sum"], name="fc1"),
        helper.make_node("Relu", ["sum"], ["hidden"], name="relu"),
        helper.make_node("Gemm", ["hidden", "w2", "b2"], ["y"], name="fc2"),
    ]
    graph = helper.make_graph(
        nodes,
        "plain",
        [helper.make_tensor_value_info("x", kind, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("y", kind, ["batch", 10])],
        [onnx.numpy_helper.from_array(values.astype(np.float32), name) for name, values in weights.items()],
    )
    path = tmp_path_factory.mktemp("plain") / "plain.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return sc.convert(path, digits.train, method="rueckauer2017", time_steps=32, preprocessing=digits.preprocessing)


def test_exports_are_written(net: sc.Network, integers: sc.Network, folder: Path) -> None:
    found = net.export("net.onnx")
    assert found.files == ["net.onnx"] and found.facts["form"] == "folded"
    found = integers.export("net.c", to="c")
    assert found.format == "c" and found.files == ["net.c", "net.h"] and found.facts["function"] == "net_run"
    assert found.verdicts == [] and "net_run" in str(found)
    assert integers.export("net.c", to="c", steps="spikes").facts["steps"] == "spikes"
    assert sorted(path.name for path in folder.iterdir()) == ["net.c", "net.h", "net.onnx"]
    assert sc.check("net.onnx").opset == 17


def test_nir_comes_with_a_verdict_on_each_program(plain: sc.Network, folder: Path) -> None:
    found = plain.export("net.nir", to="nir")
    assert isinstance(found, Export) and found.format == "nir" and found.files == ["net.nir"]
    assert found.facts["time steps"] == "32" and "IF" in found.facts["kinds"]
    verdicts = {verdict.target: verdict for verdict in found.verdicts}
    assert list(verdicts) == ["nir", "sinabs", "norse", "snntorch", "spikingjelly"]
    assert {verdict.verdict for verdict in verdicts.values()} <= {"faithful", "approximate", "unsupported"}
    norse = verdicts["norse"]
    assert norse.verdict == "unsupported" and norse.adjustment is None
    assert any("by subtraction" in reason for reason in norse.reasons)
    assert str(norse).startswith("in norse: unsupported, ") and str(norse) in str(found)
    assert repr(norse) == "Verdict(target='norse', verdict='unsupported')"
    jelly = verdicts["spikingjelly"].adjustment
    assert jelly is not None and "v_reset = None" in jelly.code and jelly.code in str(found)
    pytest.importorskip("pandas")
    frame = found.to_frame()
    assert list(frame["target"]) == list(verdicts) and frame.attrs["format"] == "nir"


def test_what_the_target_would_not_run_is_written_by_force_only(plain: sc.Network, folder: Path) -> None:
    with pytest.raises(sc.errors.UnfaithfulError, match=r"in norse: unsupported, .*--force") as caught:
        plain.export("net.nir", to="nir", target="norse")
    assert isinstance(caught.value, sc.errors.ExportError) and list(folder.iterdir()) == []
    forced = plain.export("net.nir", to="nir", target="norse", force=True)
    assert [verdict.verdict for verdict in forced.verdicts] == ["unsupported"] and Path("net.nir").exists()
    other = plain.export("other.nir", to="nir", target="sinabs", pooling="convolution")
    assert [verdict.target for verdict in other.verdicts] == ["sinabs"]


def test_options_of_other_forms_are_refused(net: sc.Network, folder: Path) -> None:
    with pytest.raises(sc.errors.OptionError, match=r"option --target belongs to exports to nir; leave it out .* to onnx"):
        net.export("net.onnx", target="norse")
    with pytest.raises(ValueError, match="to: unknown variant `hdf5`"):
        net.export("net.h5", to="hdf5")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="target: unknown variant `lava`"):
        net.export("net.nir", to="nir", target="lava")  # type: ignore[arg-type]
    assert list(folder.iterdir()) == []


def test_windows_and_maxima_have_no_form_in_nir(net: sc.Network, stream: sc.Network, folder: Path) -> None:
    with pytest.raises(sc.errors.ExportError, match="NIR has nothing that waits"):
        net.export("net.nir", to="nir")
    with pytest.raises(sc.errors.ExportError, match="NIR has no maximum"):
        stream.export("net.nir", to="nir")
    assert list(folder.iterdir()) == []
