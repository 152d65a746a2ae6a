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


def test_nir_files_run_here_as_other_programs_run_them(plain: sc.Network, digits: Digits, folder: Path) -> None:
    plain.export("net.nir", to="nir", target="norse", force=True)
    nir = sc.load_nir("net.nir")
    about = nir.describe()
    assert about.neurons == 32 and about.metadata["spikeconverter/time_steps"] == "32"
    assert [node.kind for node in about.nodes] == ["Input", "Affine", "IF", "Affine", "Output"]
    assert repr(nir) == f"Nir('net.nir', {len(about.nodes)} nodes, 32 neurons)" and str(nir) == str(about)
    images, labels = digits.images[:40], digits.labels[:40]
    # as its metadata say it is the network that was written
    own, found = plain.run(images), nir.run(images)
    (name,) = found.spikes
    assert found.time_steps == 32 and found.results.shape == (40, 10) and found.spikes[name].shape == (40, 32)
    (sent,) = own.spikes.values()
    assert (found.spikes[name] == sent.sum(axis=1)).all()
    assert (nir(images).argmax(axis=1) == own.results.argmax(axis=1)).all()
    # others make another network of it
    norse = nir.run(images, semantics="norse")
    assert (norse.spikes[name] != found.spikes[name]).any()
    evaluated = nir.evaluate(images, labels, time_steps=16)
    assert evaluated.time_steps == 16 and evaluated.images == 40 and evaluated.accuracy is not None
    assert [layer.neurons for layer in evaluated.layers] == [32] and "16" in str(evaluated)
    assert "to v_reset" in nir.evaluate(images, semantics="nir").semantics
    pytest.importorskip("pandas")
    assert list(found.to_frame()["name"]) == [name] == list(evaluated.to_frame()["name"])
    assert len(about.to_frame()) == len(about.nodes)


def test_what_is_no_nir_is_said(folder: Path) -> None:
    Path("net.nir").write_bytes(b"no HDF5")
    with pytest.raises(sc.errors.NetworkFormatError, match=r"net\.nir"):
        sc.load_nir("net.nir")
    with pytest.raises(sc.errors.FileError, match=r"other\.nir"):
        sc.load_nir("other.nir")


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
