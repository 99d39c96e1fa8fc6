"""What the targets share: seeds, a file to write to, bounds of time and memory."""

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["grucast"]):  # before anything else imports it
    from grucast.errors import GrucastError

FOLDER = Path("build/fuzz")  # inputs that broke something are put here


def fuzz(
    read: Callable[[str], object],
    suffix: str,
    seeds: Iterable[bytes],
    words: Iterable[str],
    content: Callable[[bytes], bytes],
) -> None:
    """Feed a reader of files for as many seconds as the command line says; ends the process.

    Args:
        read: Takes a path.
        suffix: Of the path.
        seeds: Inputs to start from.
        words: What the inputs are made of.
        content: Makes a file's content of an input.
    """
    warnings.simplefilter("ignore")
    folder = FOLDER / suffix.strip(".")
    corpus = folder / "corpus"  # what is found there the next run starts from
    corpus.mkdir(parents=True, exist_ok=True)
    path = folder / f"input{suffix}"

    def one(data: bytes) -> None:
        path.write_bytes(content(data))
        with contextlib.suppress(GrucastError):
            read(str(path))

    for number, seed in enumerate(seeds):
        (corpus / f"seed{number}").write_bytes(seed)
    escaped = ["".join(f"\\x{byte:02x}" for byte in word.encode()) for word in words]
    (folder / "words").write_text("".join(f'"{word}"\n' for word in escaped))
    options = {
        "max_total_time": sys.argv[1] if len(sys.argv) > 1 else "20",
        "dict": folder / "words",
        "artifact_prefix": f"{FOLDER}/",
        "timeout": 10,
        "rss_limit_mb": 2048,
        "max_len": 20_000,
        "verbosity": 0,
        "print_final_stats": 1,
    }
    atheris.Setup([sys.argv[0], *(f"-{name}={value}" for name, value in options.items()), str(corpus)], one)
    atheris.Fuzz()
