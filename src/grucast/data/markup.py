"""What notebooks show: small tables in HTML that take font and colours from the page, light or dark."""

from collections.abc import Iterable, Sequence
from html import escape

from grucast.errors import plain

CELL = "padding:.1em 1em .1em 0;vertical-align:top"


class Strong(str):
    """Text that stands out."""

    __slots__ = ()


def page(title: object, *parts: str) -> str:
    """A title above parts that are HTML already.

    >>> page("a < b")
    '<div><div style="font-weight:600">a &lt; b</div></div>'
    """
    return f'<div><div style="font-weight:600">{safe(title)}</div>{"".join(parts)}</div>'


def paragraph(text: object) -> str:
    """A paragraph of text."""
    return f'<p style="margin:.3em 0">{cell(text)}</p>'


def table(rows: Iterable[Sequence[object]], head: Sequence[object] = ()) -> str:
    """A table of text; below a head all but the first column are numbers, which end at the same place."""
    sides = ("left", "right" if head else "left")

    def line(cells: Sequence[object], tag: str) -> str:
        styles = [f'style="text-align:{sides[place > 0]};{CELL}"' for place in range(len(cells))]
        parts = (f"<{tag} {style}>{cell(text)}</{tag}>" for style, text in zip(styles, cells, strict=True))
        return f"<tr>{''.join(parts)}</tr>"

    lines = ([line(head, "th")] if head else []) + [line(row, "td") for row in rows]
    return f'<table style="border-collapse:collapse;margin:.3em 0">{"".join(lines)}</table>'


def cell(text: object) -> str:
    """Text from anywhere as HTML."""
    return f"<b>{safe(text)}</b>" if isinstance(text, Strong) else safe(text)


def safe(text: object) -> str:
    """Text in which nothing is markup, or steers or hides what stands around it."""
    return escape(plain(text))
