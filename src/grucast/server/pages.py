"""The page, and the files that it loads: all from here, none from elsewhere."""

import gzip
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response

from grucast.server.problems import NotThere

router = APIRouter(include_in_schema=False)
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "csv": "text/csv"}
OWN = {"index.html", "page.css", "icon.svg"} | {
    f"{name}.js" for name in ("main", "texts", "dom", "api", "charts", "data", "train", "result", "streams")
}
OTHERS = {  # by name: package, place in it
    "plotly.min.js": ("plotly", "package_data/plotly.min.js"),
    "bikes.csv": ("grucast.data", "bike_sharing.csv"),
}
POLICY = (  # plotly.js sets the style of what it draws
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@router.get("/")
async def index(accept_encoding: Annotated[str, Header()] = "") -> Response:
    """The page."""
    return sent("index.html", accept_encoding)


@router.get("/page/{name}")
async def part(name: str, accept_encoding: Annotated[str, Header()] = "") -> Response:
    """A file that it loads."""
    return sent(name, accept_encoding)


def sent(name: str, accept_encoding: str) -> Response:
    """A file of the page, packed where that is understood.

    Raises:
        NotThere: It is none of them.
    """
    if name not in OWN | OTHERS.keys():
        raise NotThere("there is no such part of the page")
    content, packed = contents(name)
    fits = "gzip" in accept_encoding
    headers = {"content-security-policy": POLICY, "cache-control": "no-cache", "vary": "accept-encoding"}
    headers |= {"content-encoding": "gzip"} if fits else {}
    kind = TYPES[name.rpartition(".")[2]]
    return Response(packed if fits else content, headers=headers, media_type=f"{kind}; charset=utf-8")


@lru_cache
def contents(name: str) -> tuple[bytes, bytes]:
    """A file as it is, and packed."""
    package, place = OTHERS.get(name, ("grucast.server", f"page/{name}"))
    folder: Any = files(package)
    content: bytes = folder.joinpath(*place.split("/")).read_bytes()
    return content, gzip.compress(content, 6)
