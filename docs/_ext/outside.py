"""Links out of this part of the site: another part's pages by their addresses, other files by their paths."""

import re
from pathlib import Path
from typing import Any

from sphinx.util import logging

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(((?:\.\./)+[\w./-]+)(?:#[\w-]+)?\)")


def replace(app: Any, name: str, source: list[str]) -> None:
    """Take such links of a page apart; warn of those that lead nowhere."""
    folder = Path(app.env.doc2path(name)).parent

    def shown(link: re.Match[str]) -> str:
        path = (folder / link[2]).resolve()
        if path.is_relative_to(app.srcdir) or not path.is_relative_to(ROOT):
            return link[0]
        if not path.exists():
            logging.getLogger(__name__).warning("link to %s, which is not there", link[2], location=name)
        if path.is_relative_to(DOCS):
            return f'<a href="{link[2].removesuffix(".md")}.html">{link[1]}</a>'
        return f"{link[1]} (`{path.relative_to(ROOT)}`)"

    source[0] = LINK.sub(shown, source[0])


def setup(app: Any) -> dict[str, Any]:
    """Do so when a page is read."""
    app.connect("source-read", replace)
    return {"parallel_read_safe": True}
