"""The Chinese part of the site: as the rest, in its own language."""

import runpy
from pathlib import Path

globals().update(runpy.run_path(str(Path(__file__).parents[1] / "conf.py")))

language = "zh_CN"
extensions = [
    name for name in globals()["extensions"] if name not in {"links", "llms", "reference", "sphinx_gallery.gen_gallery"}
]
exclude_patterns: list[str] = []
html_sidebars: dict[str, list[str]] = {"**": []}
html_static_path = ["../_static"]
