"""Pictures that a page's own code draws: its Python blocks run in a folder of their own before the site is built."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sphinx.errors import ExtensionError

BLOCK = re.compile(r"^```python\n(.*?)^```", re.S | re.M)
PICTURE = re.compile(r"!\[[^\]]*\]\(([\w-]+\.png)\)")


def draw(page: Path) -> None:
    """Run a page that shows pictures which are not there yet, or are older than it."""
    text = page.read_text()
    wanted = [page.parent / name for name in PICTURE.findall(text)]
    if all(path.exists() and path.stat().st_mtime >= page.stat().st_mtime for path in wanted):
        return
    code = "\n".join(BLOCK.findall(text))
    environment = os.environ | {"MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(command, check=False, cwd=page.parent, env=environment, capture_output=True, text=True)
    missing = [path.name for path in wanted if not path.exists()]
    if run.returncode or missing:
        raise ExtensionError(f"the code of {page} does not draw {missing or wanted}: {run.stderr[-800:]}")


def draw_all(app: Any) -> None:
    """Run the pages that show pictures."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(draw, sorted(Path(app.srcdir).glob("**/*.md"))))


def setup(app: Any) -> dict[str, Any]:
    """Do so before pages are read."""
    app.connect("builder-inited", draw_all)
    return {"parallel_read_safe": True}
