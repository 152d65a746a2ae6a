"""ONNX Runtime as a measured program (see server.py).

python bench/ort_server.py MODEL.onnx IMAGES.npy THREADS
"""

import json
import sys
import time

import numpy as np
import onnxruntime


def open_session(model: str, threads: int) -> onnxruntime.InferenceSession:
    """A session with all optimisations that leaves the cores alone between its runs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def main() -> None:
    model, images, threads = sys.argv[1:]
    session, samples = open_session(model, int(threads)), np.load(images)
    name = session.get_inputs()[0].name
    print(json.dumps({"classes": session.run(None, {name: samples})[0].argmax(axis=1).tolist()}), flush=True)
    for line in sys.stdin:
        batch, repeats = map(int, line.split())
        feed = {name: samples[:batch]}
        start = time.perf_counter()
        for _ in range(repeats):
            session.run(None, feed)
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


if __name__ == "__main__":
    main()
