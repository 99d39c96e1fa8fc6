"""The extension's stub, by which mypy judges every call, lists what the extension has."""

import ast
import re
from pathlib import Path

import pytest

import grucast
from grucast.kernels import native

pytestmark = pytest.mark.skipif(not native.available(), reason="the extension was not built")


def test_the_stub_has_the_functions_and_parameters_of_the_extension():
    stub = ast.parse((Path(grucast.__file__).parent / "_native.pyi").read_text())
    stated = {f.name: [a.arg for a in f.args.args] for f in stub.body if isinstance(f, ast.FunctionDef)}
    functions = {name: f for name, f in vars(native._native).items() if hasattr(f, "__nb_signature__")}
    actual = {name: parameters(f.__nb_signature__[0][0]) for name, f in functions.items()}
    assert stated == actual


def parameters(signature):
    """Names in `def f(x: ndarray[dtype=float32], n: int) -> None`; brackets are cut away from the inside out."""
    inside, count = signature.partition("(")[2].rpartition(") ->")[0], 1
    while count:
        inside, count = re.subn(r"\[[^][]*\]", "", inside)
    return re.findall(r"(\w+): ", inside)
