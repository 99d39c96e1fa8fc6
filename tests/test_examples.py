"""The scripts of examples/ run as they are, without a warning; the page of pictures shows each that there is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grucast import plotting

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
APART = {"forecast_onnx.py"}  # takes files: tests/onnx/test_export.py runs it


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py") if path.name not in APART))
def test_example_runs(name, tmp_path):
    environment = os.environ | {"MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", str(EXAMPLES / name)]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_example_is_short(name):
    assert len((EXAMPLES / name).read_text().splitlines()) <= 80


def test_page_of_pictures_has_each_function_of_plotting():
    page = (ROOT / "docs" / "reference" / "pictures.md").read_text()
    assert [name for name in vars(plotting) if name.startswith("plot_") and f"plotting.{name}(" not in page] == []
