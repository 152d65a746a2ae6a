"""The notebooks run from top to bottom, and the pages of the book that show Python do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import spikeconverter as sc
from conftest import DEMO, ROOT


@pytest.mark.parametrize("path", sorted((ROOT / "python" / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("MPLBACKEND", "agg")
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "notebooks are kept without outputs"
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert len(shown) > 5 and not any(output["output_type"] == "error" for output in shown)


def blocks(page: str) -> list[str]:
    """The `python` blocks of a page of the book."""
    found: list[str] = []
    inside = False
    for line in page.splitlines(keepends=True):
        if line.startswith("```"):
            inside = line.strip() == "```python"
            found += [""] if inside else []
        elif inside:
            found[-1] += line
    return found


def test_the_page_on_the_file_reads_it(net: sc.Network, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net.save("net.snn")
    page = ROOT / "docs" / "src" / "file-format.md"
    (block,) = blocks(page.read_text())
    exec(compile(block, str(page), "exec"), {})  # noqa: S102
    told = capsys.readouterr().out
    assert "spikeconverter T = 4 on samples of shape [1, 8, 8]" in told
    assert all(layer.name in told for layer in net.describe().layers)


def test_the_page_of_the_book_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Block after block in one folder, which has what a fresh clone has in `demo`."""
    pytest.importorskip("pandas")
    shutil.copytree(DEMO, folder / "demo")
    page = ROOT / "docs" / "src" / "python.md"
    found = blocks(page.read_text())
    assert len(found) > 8
    names: dict[str, object] = {}
    for block in found:
        if "import torch" in block:
            pytest.importorskip("torch", reason="PyTorch is not installed, and what comes before its block ran")
        exec(compile(block, str(page), "exec"), names)  # noqa: S102
