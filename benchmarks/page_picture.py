"""The picture of the page of `grucast serve`, taken in headless Chromium: the example, trained and forecast.

python benchmarks/page_picture.py
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

DOCS = Path(__file__).parents[1] / "docs"
START = """
from grucast.server.running import run
from grucast.server.settings import ServerSettings
if __name__ == "__main__":
    run(ServerSettings(port=0))
"""


def main() -> None:
    """Start a server, use the page, take the picture."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        program, log = Path(folder, "start.py"), Path(folder, "log")
        program.write_text(START)
        with log.open("w") as told:
            server = subprocess.Popen([sys.executable, program], stderr=told)
        try:
            while not (found := re.search(r"page is at (http://\S+)", log.read_text())):
                pass
            take(playwright, found[1])
        finally:
            server.terminate()
            server.wait()


def take(playwright: object, address: str) -> None:
    """Forecast the example and show its third part."""
    chromium = playwright.chromium  # type: ignore[attr-defined]
    browser = chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": 1060, "height": 1000})
    page.goto(address)
    page.click("#example")
    page.click("#start")
    page.wait_for_selector("#downloads button", timeout=120_000)
    page.wait_for_timeout(500)
    page.evaluate("document.getElementById('result').scrollIntoView()")
    page.screenshot(path=DOCS / "page.png")
    browser.close()


if __name__ == "__main__":
    main()
