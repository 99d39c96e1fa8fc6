"""The documentation site: Markdown pages, the reference from docstrings; nothing is loaded from elsewhere."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

project, author = "grucast", "The grucast developers"
copyright = author
version = release = version_of("grucast")
language = "en"
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "docstrings",
    "links",
    "llms",
    "mathml",
    "outside",
    "pictures",
    "reference",
]
exclude_patterns = ["_*", "zh"]  # zh/ is a site of its own within this one
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4

autodoc_mock_imports = ["sktime", "mlflow", "tensorboardX", "pyspark"]
highlight_language = "text"  # of blocks that name none: files, commands, what they print
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
default_role = "code"
napoleon_google_docstring = True
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "pydata_sphinx_theme"
html_title = "grucast"
html_static_path = ["_static"]
html_css_files = ["grucast.css"]
html_show_sourcelink = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 7,
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": str(HERE.parent / "examples"),
    "gallery_dirs": "examples",
    "filename_pattern": r"\.py$",
    "ignore_pattern": "forecast_onnx",
    "within_subsection_order": "figures.FirstToLast",
    "image_scrapers": ("figures.scrape",),
    "capture_repr": (),
    "reset_modules": (),
    "abort_on_example_error": True,
    "show_memory": False,
    "min_reported_time": 1e9,
    "download_all_examples": False,
    "remove_config_comments": True,
    "default_thumb_file": str(HERE / "forecast.png"),
    "write_computation_times": False,
    "show_signature": False,
}
