"""Hostile and damaged model files: each is a ModelFileError, within bounds, and nothing else happens."""

import os
import subprocess
import sys

import numpy as np
import pytest
from tests.model.attacks import ATTACKS, GOLDEN

from grucast.errors import ModelFileError
from grucast.model.file import load_model

FILES = sorted(GOLDEN.glob("*.safetensors"))
AUDIT = """
import sys, grucast.model.file as file
from grucast.errors import ModelFileError
events, on = [], False

def hook(event, arguments):
    if on and not (event == "open" and str(arguments[0]) in sys.argv):
        events.append((event, arguments))

sys.addaudithook(hook)
for path in sys.argv[1:]:
    on = True
    try:
        file.load_model(path)
    except ModelFileError:
        pass
    on = False
assert "torch" not in sys.modules
print(events)
"""
LIMITS = """
import resource, sys, time
from pathlib import Path
import grucast.model.file as file
from grucast.errors import ModelFileError

most = 0
for path in sys.argv[1:]:
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + Path(path).stat().st_size + 50 * 2**20, -1))
    start = time.process_time()
    try:
        file.load_model(path)
        print("loaded", path)
    except ModelFileError:
        pass
    most = max(most, time.process_time() - start)
assert most < 2, most  # measured: 0.05 s
print("done")
"""


def run(code, *paths):
    command = [sys.executable, "-c", code, *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def attacks(tmp_path_factory):
    """Every attack as a file."""
    folder = tmp_path_factory.mktemp("attacks")
    paths = [folder / f"{number}.safetensors" for number in range(len(ATTACKS))]
    for path, (content, _) in zip(paths, ATTACKS.values(), strict=True):
        path.write_bytes(content)
    return paths


@pytest.mark.parametrize("case", ATTACKS)
def test_hostile_file_is_refused_by_a_short_message(case, tmp_path):
    content, wanted = ATTACKS[case]
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=wanted) as caught:
        load_model(path)
    assert len(str(caught.value).replace(str(tmp_path), "")) < 500
    assert "\n" not in str(caught.value)


def test_load_executes_imports_and_opens_nothing_but_the_file(attacks):
    assert run(AUDIT, *FILES, *attacks) == "[]"


def test_audit_sees_what_is_forbidden(tmp_path):
    code = AUDIT.replace("file.load_model(path)", "exec('1'); import pty; open('/dev/null').close()")
    assert {"compile", "exec", "import", "open"} <= set(run(code, tmp_path / "x").replace("'", " ").split())


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and RLIMIT_AS")
def test_no_hostile_file_takes_more_memory_than_its_size_and_50_mb(attacks):
    assert run(LIMITS, *attacks) == "done"


def test_file_truncated_at_any_byte_is_refused(tmp_path):
    path, content = tmp_path / "model.safetensors", (GOLDEN / "format1-regressor.safetensors").read_bytes()
    path.write_bytes(content)
    for size in reversed(range(len(content))):
        os.truncate(path, size)
        with pytest.raises(ModelFileError):
            load_model(path)


@pytest.mark.parametrize("golden", FILES, ids=lambda path: path.stem)
def test_flipped_bit_gives_an_error_or_a_model_of_finite_weights(golden, tmp_path, rng):
    path, content = tmp_path / "model.safetensors", golden.read_bytes()
    refused = 0
    for bit in rng.integers(8 * len(content), size=200):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(changed)
        try:
            model = load_model(path)
        except ModelFileError:
            refused += 1
        else:
            assert all(np.isfinite(tensor).all() for tensor in model.weights.values())
    assert refused > 20


@pytest.mark.parametrize("kind", ["folder", "absent", "device"])
def test_what_is_no_file_is_refused(kind, tmp_path):
    path = {"folder": tmp_path, "absent": tmp_path / "absent", "device": "/dev/zero"}[kind]
    with pytest.raises(ModelFileError, match="not a file"):
        load_model(path)
