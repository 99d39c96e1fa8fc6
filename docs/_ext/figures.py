"""The figure in which a part of an example ends, for the gallery; it would look for pyplot's, which ours are not."""

from typing import Any

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst


def scrape(_block: Any, variables: Any, config: Any) -> str:
    """Write the value of the last line, if it is a figure."""
    found = variables["example_globals"].get("___")
    if not isinstance(found, Figure):
        return ""
    path = next(variables["image_path_iterator"])
    found.savefig(path, dpi=110)
    return str(figure_rst([path], config["src_dir"]))
