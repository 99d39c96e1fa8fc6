"""Work on more than one machine, by Ray: `RayEngine`; needs the extra ray."""

from grucast.errors import MissingExtraError

try:
    import ray as _ray  # noqa: F401
except ImportError as error:
    raise MissingExtraError("Ray", "ray") from error

from grucast.distributed.engine import RayEngine as RayEngine

__all__ = ["RayEngine"]
