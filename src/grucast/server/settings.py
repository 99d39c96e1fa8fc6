"""What a server is told at its start."""

import ipaddress
import math
import re
from dataclasses import dataclass, field
from pathlib import Path

from grucast.errors import ConfigError

SUFFIX = ".safetensors"
NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)  # of a model


@dataclass(frozen=True)
class Limits:
    """What a client can take.

    Attributes:
        body: Bytes of a request's body.
        seconds: Time for a request to arrive, and to be answered.
        queue: Requests at work at once; beyond that those that send data are told to come again.
        memory: Bytes of bodies held at once; beyond that, too.
        rows: Rows of data in a request.
        batch: Requests that are forecast together.
        series: Series of a model that the store takes.
        fits: Trainings that run or wait.
        fit_seconds: Time for a training.
        kept: Files and trainings that are kept, the last ones.
        grace: Seconds from SIGTERM, when /v2/health/ready turns 503, until no connection is taken any more.
    """

    body: int = 16 * 2**20
    seconds: float = 30.0
    queue: int = 256
    memory: int = 128 * 2**20
    rows: int = 1_000_000
    batch: int = 128
    series: int = 100_000
    fits: int = 8
    fit_seconds: float = 600.0
    kept: int = 16
    grace: float = 1.0


@dataclass(frozen=True)
class ServerSettings:
    """Where a server listens, what it serves, and whom it lets in.

    Attributes:
        models: Model files by the name that clients know them by.
        host: Address it listens at.
        port: Port; 0 takes a free one.
        token: What clients must send as `Authorization: Bearer ...`; nothing when None.
        limits: What a client can take.
        store: URL of the database that keeps streams, as `grucast.store.open_store` takes it; no streams when None.
        idle: Seconds without an observation after which a series is dropped from the store; never when None.

    Raises:
        ConfigError: Others than this machine could connect without a token, or `idle` is no time or has no store.

    >>> ServerSettings(host="0.0.0.0")
    Traceback (most recent call last):
    grucast.errors.ConfigError: 0.0.0.0 lets other machines in: give a token that they must know (--token)
    """

    models: dict[str, Path] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    limits: Limits = Limits()
    store: str | None = None
    idle: float | None = None

    def __post_init__(self) -> None:
        if self.idle is not None and (self.store is None or not 0 < self.idle < math.inf):
            raise ConfigError("--idle is the time after which series of a --store are dropped: give both, such as 30d")
        if not self.token and not is_loopback(self.host):
            raise ConfigError(f"{self.host} lets other machines in: give a token that they must know (--token)")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find_models(paths: list[str], folder: str | None) -> dict[str, Path]:
    """Model files by name, which is that of the file without its suffix: those given, and all of a folder.

    Raises:
        ConfigError: A file or the folder is not there, a name is no name for an address, or two are the same.
    """
    files = [Path(path) for path in paths]
    if folder is not None:
        if not Path(folder).is_dir():
            raise ConfigError(f"--models {folder} is not a folder: give the one that holds the models")
        files += sorted(path for path in Path(folder).iterdir() if path.suffix == SUFFIX)
    found: dict[str, Path] = {}
    for path in files:
        name = path.name.removesuffix(SUFFIX)
        if not path.is_file():
            raise ConfigError(f"there is no model file {path}")
        if not NAME.fullmatch(name):
            raise ConfigError(f"{path} cannot be served by that name: use letters, digits, points, - and _")
        if name in found:
            raise ConfigError(f"two models are called {name}: rename one of {found[name]} and {path}")
        found[name] = path
    return found
