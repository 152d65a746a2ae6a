"""A runner (see runner.py) made of ONNX Runtime, to test the oracle scripts themselves.

Where ONNX Runtime does not know an op's newest version, the reference evaluator of the `onnx` package answers.

    python scripts/oracle/conformance.py --runner "python scripts/oracle/ort_runner.py"
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from onnx.reference import ReferenceEvaluator
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NotKnown


def answer(model: Path) -> np.ndarray:
    def read(i: int) -> np.ndarray:
        return np.load(model.with_name(f"input_{i}.npy"))

    try:
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    except NotKnown:
        reference = ReferenceEvaluator(str(model))
        return reference.run(None, {name: read(i) for i, name in enumerate(reference.input_names)})[0]
    return session.run(None, {x.name: read(i) for i, x in enumerate(session.get_inputs())})[0]


def main() -> None:
    onnxruntime.set_default_logger_severity(4)
    for model in sorted(Path(sys.argv[1]).glob("*/model.onnx")):
        try:
            np.save(model.with_name("output_0.npy"), np.asarray(answer(model), np.float32))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this case's answer
            model.with_name("error.txt").write_text(" ".join(str(error).split()), encoding="utf-8")


if __name__ == "__main__":
    main()
