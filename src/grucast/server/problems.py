"""Errors as clients get them: a status, and a sentence without a path or a stack."""

from grucast.errors import GrucastError


class Problem(Exception):
    """A request that gets no answer; `status` is that of HTTP."""

    status = 400

    def __init__(self, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.headers = headers or {}


class NotThere(Problem):
    """There is no such thing."""

    status = 404


class Conflict(Problem):
    """The request does not fit what is there already."""

    status = 409


class TooLarge(Problem):
    """More than the server takes."""

    status = 413


class Unusable(Problem):
    """The request is well formed, but its data cannot be used."""

    status = 422

    @classmethod
    def of(cls, error: GrucastError) -> "Unusable":
        """What an error of the data says."""
        return cls(str(error))


class TooMany(Problem):
    """The server keeps as many things as it takes."""

    status = 429


class Damaged(Problem):
    """What the server keeps cannot be read."""

    status = 500


class StoreDown(Problem):
    """The store does not answer."""

    status = 503

    def __init__(self) -> None:
        super().__init__("the store does not answer: come again in a second", {"Retry-After": "1"})


class Overloaded(Problem):
    """Too many requests wait."""

    status = 503

    def __init__(self) -> None:
        super().__init__("too many requests wait: come again in a second", {"Retry-After": "1"})


class TooSlow(Problem):
    """The answer took too long."""

    status = 504
