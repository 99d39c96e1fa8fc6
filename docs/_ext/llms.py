"""llms.txt: the site's pages in a list, and llms-full.txt: their Markdown, for programs that read instead of people."""

from pathlib import Path
from typing import Any

SAYS = (
    "Forecast with GRUs at the speed of your CPU: a layer and a forecaster for Python, trained without GPU and PyTorch."
)


def write(app: Any, failure: Exception | None) -> None:
    """Write both beside the pages."""
    if failure or app.builder.name != "html":
        return
    titles = {name: app.env.titles[name].astext() for name in sorted(app.env.found_docs)}
    lines = [f"- [{title}]({name}.html)" for name, title in titles.items()]
    folder = Path(app.outdir)
    folder.joinpath("llms.txt").write_text("\n".join(["# grucast", "", f"> {SAYS}", "", "## Pages", "", *lines, ""]))
    texts = [f"<!-- {name} -->\n{Path(app.env.doc2path(name)).read_text()}" for name in titles]
    folder.joinpath("llms-full.txt").write_text("\n\n".join(texts))


def setup(app: Any) -> dict[str, Any]:
    """Write when the pages are written."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True}
