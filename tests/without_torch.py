"""A plugin for pytest: with `-p tests.without_torch` torch is not installed, and tests that ask for it are skipped."""

import sys

import pytest

from grucast.errors import MissingExtraError


def pytest_load_initial_conftests():
    """Before tests/conftest.py looks for it; not where doctest only imports this file."""
    sys.modules["torch"] = None


def pytest_ignore_collect(collection_path):
    """The files whose tests all ask for it."""
    return (collection_path.suffix == ".py" and "\nimport torch" in collection_path.read_text()) or None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    """Leave out the test if one of its fixtures asks for it."""
    return (yield from _less_torch())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Leave out the test if it asks for it."""
    return (yield from _less_torch())


def _less_torch():
    try:
        return (yield)
    except (MissingExtraError, ModuleNotFoundError) as error:
        if "torch" not in str(error):
            raise
        pytest.skip("needs torch")
