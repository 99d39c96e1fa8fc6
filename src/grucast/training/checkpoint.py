"""Checkpoints: a folder each, complete once its manifest is there, and a pointer to the last one."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load, save

from grucast.errors import CheckpointError, GrucastError
from grucast.model.config import CheckpointConfig
from grucast.model.header import parse
from grucast.training.folder import (
    LATEST,
    MANIFEST,
    STATE,
    age,
    clear,
    content_of,
    find_unfinished,
    folders,
    newest,
    point,
    pruning,
    put,
    remove,
    synchronise,
    warn,
)
from grucast.training.lock import locked
from grucast.training.members import Members
from grucast.training.state import State, Tensors, size_of, unpack

FORMAT, LIBRARY = 2, version("grucast")
MOST = 2**12  # lists and objects in the header, three for each tensor and each member's generator


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
        Nothing else in the folder is touched: where it has a checkpoint's name, that one is left out with a warning.

        Raises:
            GrucastError: It cannot be written; the one before is still there.
        """
        target = self.folder / name
        header = {"format": FORMAT, "library": LIBRARY, "run": self.run, "state": facts}
        content = save(tensors, metadata={"grucast": json.dumps(header)})
        with refusing(target):
            before = newest(self.folder)
            if target.is_symlink() or (target.exists() and not target.is_dir()):
                warn(f"{target} is no checkpoint, so none is saved there: move it away")
                return
            clear(target)
            target.mkdir(exist_ok=True)
            put(target / STATE, content)
            put(target / MANIFEST, manifest(content))
            synchronise(target)
            synchronise(self.folder)
            point(self.folder / LATEST, name)
            synchronise(self.folder)
        self.prune(target, before)

    def prune(self, *kept: Path | None) -> None:
        """Remove all checkpoints but those, and what a killed process left; what cannot be removed is a warning."""
        with pruning(self.folder):
            for path in (*find_unfinished(self.folder), *folders(self.folder)):
                if path not in kept:
                    with pruning(path):
                        remove(path)

    def restore(self, members: Members, steps: Sequence[int]) -> State | None:
        """Bring members and state to the newest checkpoint; None where there is none yet.

        Args:
            members: As they were made for the run.
            steps: Steps of each phase of the run.

        Raises:
            CheckpointError: It is damaged, in another format, or of another run.
        """
        path = newest(self.folder)
        if path is None:
            return None
        header, tensors = read(path, size_of(members, steps))
        if header["format"] != FORMAT:
            raise CheckpointError(
                f"{path} has format {header['format']}, written by grucast {header['library']}; this version reads "
                f"format {FORMAT}: go on with that grucast, or begin anew in another folder"
            )
        if different := "; ".join(differences(header["run"], self.run)):
            raise CheckpointError(
                f"cannot resume from {path}: {different}; give what that run was started with, or another folder"
            )
        if tensors is None:
            raise CheckpointError(damage(path, f"{STATE} has more bytes than the state of any such run"))
        try:
            return unpack(tensors, header["state"], members, steps)
        except ValueError as error:
            reason = str(error).removeprefix(".")
            raise CheckpointError(f"{path} holds a state that cannot be used: {reason}") from error


@contextmanager
def open_checkpoints(config: CheckpointConfig, run: Mapping[str, Any]) -> Iterator[Checkpoints]:
    """Make the folder, or find it with the checkpoints of this run, and keep other runs out while the block runs.

    Raises:
        CheckpointError: There are checkpoints, and nobody asked to go on from them; or another run is there.
        GrucastError: There can be no such folder.
    """
    with refusing(config.folder):
        config.folder.mkdir(parents=True, exist_ok=True)
    with locked(config.folder):
        with refusing(config.folder):
            found = newest(config.folder)
        if found and not config.resume:
            raise CheckpointError(
                f"{config.folder} holds the checkpoints of an earlier run: go on from them with resume=True "
                "(--resume), or give another folder"
            )
        yield Checkpoints(config.folder, config.every, json.loads(json.dumps(run)))


def manifest(content: bytes) -> bytes:
    """What proves that a checkpoint is whole."""
    return json.dumps({"sha256": {STATE: sha256(content).hexdigest()}}).encode()


def read(path: Path, most: int = 2**62) -> tuple[dict[str, Any], Tensors | None]:
    """The header and the tensors of a checkpoint, if it is as it was written.

    Of a file of more than `most` bytes only the header is read, and there are no tensors.
    """
    try:
        content, proof = content_of(path / STATE, most + 1), content_of(path / MANIFEST, 1000)
    except OSError as error:
        raise CheckpointError(damage(path, f"{Path(error.filename or path).name}: {error.strerror}")) from error
    whole = len(content) <= most
    if whole and proof != manifest(content):
        raise CheckpointError(damage(path, f"{STATE} does not have the sha256 that {MANIFEST} names"))
    try:
        tensors, end = load(content) if whole else None, 8 + int.from_bytes(content[:8], "little")
        header = parse(parse(content[8:end].decode(), MOST)["__metadata__"]["grucast"])
        return {"run": dict(header["run"])} | {name: header[name] for name in ("format", "library", "state")}, tensors
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
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
