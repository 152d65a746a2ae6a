"""The folder of exported models: NAME.onnx, NAME.input.npy, NAME.output.npy (float32, C order) and manifest.json."""

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import onnx
import onnxruntime

BATCH = 4
MANIFEST = "manifest.json"


class Zoo:
    """Adds models to a folder. `source` names who adds; entries of other sources in the manifest are kept."""

    def __init__(self, folder: Path, source: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.source = folder, source
        self.models: list[dict[str, Any]] = []
        self.not_made: list[dict[str, str]] = []

    def __enter__(self) -> Self:
        return self

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.onnx"

    def add(self, name: str, inputs: np.ndarray, companions: tuple[str, ...] = ()) -> None:
        """Records the model written at `path(name)`, with the output that ONNX Runtime computes."""
        file = self.path(name)
        onnx.checker.check_model(file, full_check=True)
        # The optimiser would quantise the activations of layers whose weights are dequantised.
        literally = onnxruntime.SessionOptions()
        literally.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(file, literally, providers=["CPUExecutionProvider"])
        inputs = np.asarray(inputs, np.float32, order="C")
        feed = session.get_inputs()[0]
        output = np.asarray(session.run(None, {feed.name: inputs})[0], np.float32, order="C")
        if not np.isfinite(output).all():
            raise ValueError(f"{name}: the output is not finite")
        np.save(self.folder / f"{name}.input.npy", inputs)
        np.save(self.folder / f"{name}.output.npy", output)
        model = onnx.load(file, load_external_data=False)
        self.models.append(
            {
                "name": name,
                "source": self.source,
                "opset": next(o.version for o in model.opset_import if o.domain == ""),
                "input_shape": list(inputs.shape),
                "dynamic_batch": not isinstance(feed.shape[0], int),
                "companions": list(companions),
                "ops": sorted({node.op_type for node in model.graph.node}),
            }
        )
        print(f"made     {name}")

    def cannot(self, name: str, reason: str) -> None:
        """Records a model that its exporter cannot write."""
        self.path(name).unlink(missing_ok=True)
        self.not_made.append({"name": name, "source": self.source, "reason": reason})
        print(f"not made {name}: {reason}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            return
        manifest = self.folder / MANIFEST
        old = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {"models": [], "not_made": []}
        new = {
            key: sorted([e for e in old[key] if e["source"] != self.source] + added, key=lambda e: e["name"])
            for key, added in (("models", self.models), ("not_made", self.not_made))
        }
        manifest.write_text(json.dumps(new, indent=1) + "\n", encoding="utf-8")
        print(f"{len(self.models)} models made, {len(self.not_made)} not made")
