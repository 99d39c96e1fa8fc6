"""What the documentation site's own extensions do."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def extension(monkeypatch):
    """Imports one of them."""
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    for name in ("docstrings", "links"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return __import__


def page(folder, name, body):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"<html><body>{body}</body></html>")


def test_links_that_lead_nowhere_and_loads_from_elsewhere_are_faults(tmp_path, extension):
    page(
        tmp_path,
        "a.html",
        '<h1 id="here"></h1><a href="#here"></a><a href="b/c.html#there"></a><a href="https://x.org">',
    )
    page(tmp_path, "b/c.html", '<h1 id="there"></h1><a href="../a.html"></a><img src="data:image/png;base64,">')
    assert list(extension("links").faults(tmp_path)) == []
    page(
        tmp_path, "d.html", '<a href="e.html"></a><a href="a.html#gone"></a><script src="https://x.org/x.js"></script>'
    )
    assert list(extension("links").faults(tmp_path)) == [
        "d.html links to e.html, which is not there",
        "d.html links to a.html#gone, a place that is not there",
        "d.html loads https://x.org/x.js",
    ]


def test_equations_of_a_docstring_are_literal_and_marks_are_text(extension):
    lines = ["Mean |y - f|, with `a*b` kept.", "", "    w = a * b", "", "Args:", "    x_: One.", "", ">>> 2 * 3", "6"]
    assert extension("docstrings").convert(lines) == [
        r"Mean \|y - f\|, with `a*b` kept.",
        "",
        ".. code-block:: text",
        "",
        "    w = a * b",
        "",
        "Args:",
        r"    x\_: One.",
        "",
        ">>> 2 * 3",
        "6",
    ]
