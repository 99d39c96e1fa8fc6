"""A plugin for pytest: with `-p tests.without_native` the tests run as if the extension had not been built."""

import sys
import warnings

sys.modules["grucast._native"] = None
with warnings.catch_warnings():  # it comes once, at import; kernels/test_fallback.py sees to that
    warnings.filterwarnings("ignore", "grucast was installed without its native kernels")
    import grucast  # noqa: F401


def pytest_ignore_collect(collection_path):
    """The examples of the module that calls the extension."""
    return collection_path.match("src/grucast/kernels/native.py") or None
