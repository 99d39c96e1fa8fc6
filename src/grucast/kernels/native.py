"""The native kernels, when the extension was built."""

import warnings

from grucast.errors import NoNativeWarning

try:
    from grucast import _native
except ImportError:
    _native = None  # type: ignore[assignment]
    warnings.warn(
        "grucast was installed without its native kernels (no C++ compiler worked): results are the same, only "
        "slower; install a compiler and run: pip install --force-reinstall --no-deps grucast",
        NoNativeWarning,
        stacklevel=2,
    )


def targets() -> list[str]:
    """Instruction sets that can run here, best first; empty when the extension is absent.

    >>> from grucast.kernels import targets
    >>> "baseline" in targets()
    True
    """
    return _native.targets() if _native else []
