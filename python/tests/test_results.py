"""What is found: evaluations, explanations, checks, the table of methods; as records, text and frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import spikeconverter as sc
from conftest import Digits
from spikeconverter.results import Evaluation, Explanation


@pytest.fixture(scope="module")
def evaluation(digits: Digits, net: sc.Network) -> Evaluation:
    return net.evaluate(digits.images, digits.labels)


@pytest.fixture(scope="module")
def explanation(digits: Digits, net: sc.Network) -> Explanation:
    return net.explain(digits.images[:64], digits.labels[:64], advice=False)


def test_an_evaluation_counts_what_the_network_does(digits: Digits, net: sc.Network, evaluation: Evaluation) -> None:
    assert evaluation.snn_accuracy == (net.predict(digits.images) == digits.labels).mean()
    assert evaluation.ann_accuracy == pytest.approx(599 / 600)
    assert evaluation.gap == pytest.approx(evaluation.ann_accuracy - evaluation.snn_accuracy)
    assert evaluation.schedule == "window" and evaluation.delay_steps is None and evaluation.steps_used is None
    spikes = sum(layer.spikes_per_neuron * layer.neurons for layer in evaluation.layers)
    assert spikes == pytest.approx(evaluation.spikes_per_image)


def test_without_labels_there_are_no_accuracies(digits: Digits, net: sc.Network) -> None:
    found = net.evaluate(digits.images[:50])
    assert found.ann_accuracy is None and found.snn_accuracy is None and found.gap is None
    assert found.agreement > 0.9 and "no labels; agreement" in str(found)


def test_streams_stop_when_their_class_is_stable(digits: Digits, stream: sc.Network) -> None:
    found = stream.evaluate(digits.images[:50], digits.labels[:50], until_stable=8)
    assert found.steps_used is not None and found.steps_used.min < found.steps_used.max <= 32


def test_results_print_as_the_command_line_prints(evaluation: Evaluation) -> None:
    text = str(evaluation)
    assert text.splitlines()[0].split() == ["ANN", "SNN"] and "T = 4 steps a window" in text
    assert repr(evaluation).startswith("Evaluation(method='spikeconverter', time_steps=4, images=600, ann_accuracy=0.998")

    class Printer:
        shown = ""

        def text(self, text: str) -> None:
            self.shown += text

    printer = Printer()
    evaluation._repr_pretty_(printer, False)
    assert printer.shown == text


def test_an_explanation_adds_up(explanation: Explanation, digits: Digits, net: sc.Network, folder: Path) -> None:
    assert explanation.samples == 64 and explanation.labelled and explanation.advice == []
    for layer in explanation.layers:
        parts = layer.error
        total = parts.clipping + parts.quantisation + parts.unevenness + parts.inherited + parts.weight_rounding
        assert total == pytest.approx(parts.total, rel=1e-6, abs=1e-9)
    assert "64 samples of the test array" in str(explanation)
    net.explain(digits.images[:8], advice=False, report="digits.html")
    assert "<html" in Path("digits.html").read_text()


def test_advice_is_measured(digits: Digits) -> None:
    short = digits.convert(time_steps=1, weight_calibration="none", half_step=False, calibrate=64)
    advice = short.explain(digits.images[:96], digits.labels[:96]).advice
    assert advice and all(a.gain > 0 and a.samples == 48 for a in advice)
    assert advice[0].command.startswith("spikeconverter convert digits.onnx")


def test_a_check_names_every_node(digits: Digits) -> None:
    found = sc.check(digits.model)
    assert found and found.converts
    assert found.totals.nodes == len(found.nodes) and {node.verdict for node in found.nodes} <= {"converts", "folded"}
    assert found.input == {"name": "input", "shape": [1, 8, 8]} and found.outputs == 10
    assert "The model converts." in str(found)


def test_a_check_says_what_does_not_convert(folder: Path) -> None:
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [helper.make_node("Relu", ["x"], ["a"], name="first"), helper.make_node("Erf", ["a"], ["y"], name="second")]
    value = [helper.make_tensor_value_info(name, kind, ["batch", 4]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "small", value[:1], value[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), "small.onnx")
    found = sc.check("small.onnx")
    assert not found and found.totals.unsupported == 1
    assert [node.verdict for node in found.nodes if node.name == "second"] == ["unsupported"]
    with pytest.raises(sc.errors.UnsupportedError, match="node `second`"):
        sc.convert("small.onnx", np.ones((4, 4), np.float32))


def test_the_table_of_methods() -> None:
    table = sc.methods()
    assert next(iter(table)) == "spikeconverter" and len(table) > 20
    method = table["rueckauer2017"]
    assert method.year == 2017 and method.schedule == "stream" and method.recipe is not None
    assert "rueckauer2017" in str(method) and str(method) in str(table)
    assert "--neuron" in sc.parts()


FRAMES: dict[str, Callable[[Digits, sc.Network, Evaluation, Explanation], object]] = {
    "check": lambda d, n, v, x: sc.check(d.model),
    "conversion": lambda d, n, v, x: n.conversion,
    "description": lambda d, n, v, x: n.describe(),
    "evaluation": lambda d, n, v, x: v,
    "explanation": lambda d, n, v, x: x,
    "methods": lambda d, n, v, x: sc.methods(),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames(name: str, digits: Digits, net: sc.Network, evaluation: Evaluation, explanation: Explanation) -> None:
    pytest.importorskip("pandas")
    frame = FRAMES[name](digits, net, evaluation, explanation).to_frame()  # type: ignore[attr-defined]
    assert len(frame) > 3 and "name" in frame.columns and frame["name"].is_unique
    if name == "evaluation":
        assert frame.attrs["snn_accuracy"] == evaluation.snn_accuracy
    if name == "explanation":
        assert {"error_total", "error_clipping", "accuracy_cost", "firing_rates_mean"} <= set(frame.columns)
