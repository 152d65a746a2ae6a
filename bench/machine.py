"""What the figures were measured on."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

FLAGS = ["avx2", "fma", "avx512f", "avx512bw", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "asimddp", "i8mm", "sve"]
"""Instructions that matter to networks, as Linux names them."""


def describe() -> dict[str, Any]:
    """The processor, the machine's load at this moment, and the versions of all programs."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = set((facts.get("flags") or facts.get("Features") or "").split())
    return {
        "processor": facts.get("model name", platform.machine()),
        "cores": len(os.sched_getaffinity(0)),
        "flags": [flag for flag in FLAGS if flag in flags],
        "load": [os.getloadavg()[0]],
        "system": f"{platform.system()} {platform.machine()}",
        "spikeconverter": commit(),
        "versions": {"python": platform.python_version(), "onnxruntime": version("onnxruntime"), "numpy": version("numpy")},
    }


def commit() -> str:
    """The commit of this program, and whether its files were changed since."""
    answer = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"
