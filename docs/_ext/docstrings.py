"""Our docstrings as reStructuredText: indented equations stay as they are, and marks of mathematics are no markup."""

import re
from typing import Any

CODE = re.compile(r"(`[^`]*`)")
MARKS = re.compile(r"([|*]|(?<=\w)_(?!\w))")


def escaped(line: str) -> str:
    """A line of text in which | * and a last _ mean themselves, outside backticks."""
    parts = CODE.split(line)
    parts[::2] = [MARKS.sub(r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def indent(line: str) -> int:
    """Blanks before a line."""
    return len(line) - len(line.lstrip())


def convert(lines: list[str]) -> list[str]:
    """The lines of a docstring: a block that is indented after an empty line is literal, examples stay."""
    found: list[str] = []
    text, literal = 0, False  # how far the paragraph before is indented
    for place, line in enumerate(lines):
        after_gap = place > 0 and not lines[place - 1].strip()
        if not line.strip():
            found.append("")
        elif line.lstrip().startswith(">>>") or (not after_gap and found and literal is None):
            literal = None  # an example, up to an empty line
            found.append(line)
        elif after_gap and indent(line) > text and not literal:
            literal = True
            found += [" " * text + ".. code-block:: text", "", line]
        elif literal and indent(line) > text:
            found.append(line)
        else:
            literal, text = False, indent(line)
            found.append(escaped(line))
    return found


def process(_app: Any, _what: str, _name: str, _thing: Any, _options: Any, lines: list[str]) -> None:
    """Convert a docstring in place."""
    lines[:] = convert(lines)


def skip(_app: Any, _what: str, _name: str, thing: Any, default: bool, _options: Any) -> bool:
    """Leave out the fields of named tuples, of which Python says but their number."""
    return default or type(thing).__name__ == "_tuplegetter"


def setup(app: Any) -> dict[str, Any]:
    """Do so before sections such as Args are read."""
    app.connect("autodoc-process-docstring", process, priority=100)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True}
