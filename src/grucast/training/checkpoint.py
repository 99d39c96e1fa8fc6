"""Checkpoints: a folder each, complete once its manifest is there, and a pointer to the last one."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from grucast.errors import CheckpointError, GrucastError
from grucast.model.config import CheckpointConfig
from grucast.model.writing import write_whole
from grucast.training.state import State, Tensors, unpack

FORMAT, LIBRARY = 1, version("grucast")
STATE, MANIFEST, LATEST = "state.safetensors", "manifest.json", "latest"
COMPLETE = "complete"
NAMES = re.compile(rf"step-\d{{6,}}|{COMPLETE}")


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one training run.

    Attributes:
        folder: Where they lie; it exists.
        every: Steps from one to the next.
        run: What a run that goes on from them must have in common with this one, as JSON.
    """

    folder: Path
    every: int
    run: Mapping[str, Any]

    def save(self, name: str, tensors: Tensors, facts: Mapping[str, Any]) -> None:
        """Write a checkpoint, move the pointer to it, and keep only the one before.

        At every moment the pointer names a complete one: its files come first, then the manifest, then the pointer.

        Raises:
            GrucastError: It cannot be written; the one before is still there.
        """
        target, before = self.folder / name, newest(self.folder)
        header = {"format": FORMAT, "library": LIBRARY, "run": self.run, "state": facts}
        content = save(tensors, metadata={"grucast": json.dumps(header)})
        with refusing(target):
            remove(target)
            target.mkdir()
            write_whole(target / STATE, content)
            write_whole(target / MANIFEST, manifest(content))
            synchronise(target)
            synchronise(self.folder)
            write_whole(self.folder / LATEST, name.encode())
            synchronise(self.folder)
            for other in folders(self.folder):
                if other not in (target, before):
                    remove(other)
            for unfinished in self.folder.glob(f".{LATEST}.*"):
                unfinished.unlink()

    def restore(self, network: nn.Module) -> State | None:
        """Bring network, generator and state to the newest checkpoint; None where there is none yet.

        Raises:
            CheckpointError: It is damaged, in another format, or of another run.
        """
        path = newest(self.folder)
        if path is None:
            return None
        header, tensors = read(path)
        if header["format"] != FORMAT:
            raise CheckpointError(
                f"{path} has format {header['format']}, written by grucast {header['library']}; this version reads "
                f"format {FORMAT}: go on with that grucast, or begin anew in another folder"
            )
        if different := "; ".join(differences(header["run"], self.run)):
            raise CheckpointError(
                f"cannot resume from {path}: {different}; give what that run was started with, or another folder"
            )
        try:
            return unpack(tensors, header["state"], network)
        except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(f"{path} holds a state that cannot be used: {error}") from error


def open_checkpoints(config: CheckpointConfig, run: Mapping[str, Any]) -> Checkpoints:
    """Make the folder, or find it with the checkpoints of this run.

    Raises:
        CheckpointError: There are checkpoints, and nobody asked to go on from them.
        GrucastError: There can be no such folder.
    """
    with refusing(config.folder):
        config.folder.mkdir(parents=True, exist_ok=True)
        if newest(config.folder) and not config.resume:
            raise CheckpointError(
                f"{config.folder} holds the checkpoints of an earlier run: go on from them with resume=True "
                "(--resume), or give another folder"
            )
    return Checkpoints(config.folder, config.every, json.loads(json.dumps(run)))


def newest(folder: Path) -> Path | None:
    """The checkpoint that the pointer names; if somebody removed that, the last one that is complete."""
    pointer = folder / LATEST
    named = folder / pointer.read_text(errors="replace") if pointer.exists() else None
    found = folders(folder)
    if named in found:
        return named
    return max((path for path in found if (path / MANIFEST).exists()), key=age, default=None)


def folders(folder: Path) -> list[Path]:
    """All that are named like checkpoints."""
    return [path for path in folder.iterdir() if NAMES.fullmatch(path.name)]


def age(path: Path) -> tuple[int, str]:
    """Orders checkpoints by their steps, a complete run last."""
    return (path.name == COMPLETE) * 10**9 + len(path.name), path.name


def manifest(content: bytes) -> bytes:
    """What proves that a checkpoint is whole."""
    return json.dumps({"sha256": {STATE: sha256(content).hexdigest()}}).encode()


def read(path: Path) -> tuple[dict[str, Any], Tensors]:
    """The header and the tensors of a checkpoint, if it is as it was written."""
    try:
        content, proof = (path / STATE).read_bytes(), (path / MANIFEST).read_bytes()
    except OSError as error:
        raise CheckpointError(damage(path, f"{Path(error.filename or path).name}: {error.strerror}")) from error
    if proof != manifest(content):
        raise CheckpointError(damage(path, f"{STATE} does not have the sha256 that {MANIFEST} names"))
    try:
        tensors, end = load(content), 8 + int.from_bytes(content[:8], "little")
        header = json.loads(json.loads(content[8:end])["__metadata__"]["grucast"])
        return {"run": dict(header["run"])} | {name: header[name] for name in ("format", "library", "state")}, tensors
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(damage(path, f"{STATE} is no checkpoint of grucast")) from error


def damage(path: Path, reason: str) -> str:
    """What is wrong, and how to go on from what is left."""
    left = [p for p in folders(path.parent) if p != path and (p / MANIFEST).exists()]
    other = f"go on from {max(left, key=age)}" if left else "begin anew"
    return f"{path} is damaged: {reason}; remove that folder to {other}"


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What differs between two runs, in words."""
    for name in sorted(then.keys() | now.keys()):
        was, new = then.get(name), now.get(name)
        if was != new:
            yield f"the data differ: fingerprint {was}, now {new}" if name == "data" else f"{name} was {was}, now {new}"


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Name the checkpoint where the system refuses to write it."""
    try:
        yield
    except OSError as error:
        raise GrucastError(f"cannot write the checkpoint {path}: {error.strerror}") from error


def synchronise(folder: Path) -> None:
    """Bring a folder's entries to the disk; Windows has no way, and no need."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a checkpoint, whole or not; its manifest first, so that nothing takes the rest for one."""
    if not path.exists():
        return
    for name in (MANIFEST, STATE):
        (path / name).unlink(missing_ok=True)
        for unfinished in path.glob(f".{name}.*"):
            unfinished.unlink()
    path.rmdir()
