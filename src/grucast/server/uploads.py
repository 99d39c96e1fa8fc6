"""Files that clients brought: a few, each in a folder of its own, under names that nobody guesses."""

import shutil
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grucast.server.look import file_name
from grucast.server.problems import NotThere


@dataclass
class Upload:
    """A file, and how it is read.

    Attributes:
        id: Under which the client knows it.
        folder: Where it is.
        name: What it is called there.
        options: Of `read`.
    """

    id: str
    folder: Path
    name: str
    options: dict[str, Any] = field(default_factory=dict)


class Uploads:
    """The files that came last.

    Args:
        root: Folder of theirs.
        most: How many are kept.
    """

    def __init__(self, root: Path, most: int) -> None:
        self._root, self._most = root, most
        self._kept: OrderedDict[str, Upload] = OrderedDict()

    def __getitem__(self, key: str) -> Upload:
        if key not in self._kept:
            raise NotThere("there is no such file here any more: send it again")
        self._kept.move_to_end(key)
        return self._kept[key]

    def add(self, name: str, content: bytes) -> Upload:
        """Keep a file; those used longest ago go."""
        key = uuid.uuid4().hex
        upload = Upload(key, self._root / key, file_name(name))
        upload.folder.mkdir(parents=True)
        (upload.folder / upload.name).write_bytes(content)
        self._kept[key] = upload
        while len(self._kept) > self._most:
            self.drop(next(iter(self._kept)))
        return upload

    def drop(self, key: str) -> None:
        """Forget a file."""
        shutil.rmtree(self._kept.pop(key).folder, ignore_errors=True)
