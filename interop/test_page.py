"""The page in a browser, as people use it: what they see, click, drop and download."""

import io
import re
import shutil
from pathlib import Path

import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright
from tests.conftest import TINY
from tests.server.conftest import Running, make_series

import grucast
from grucast import GRUForecaster

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(100)
MINUTE = 60_000


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server with a model of hours and a store."""
    folder = tmp_path_factory.mktemp("served")
    GRUForecaster(6, 48, 24, **TINY).fit(make_series(1)).save(folder / "small.safetensors")
    running = Running(folder, "grace=0.1", store=f"sqlite:///{folder}/streams.db")
    yield f"http://127.0.0.1:{running.port}"
    assert running.end() == 0


@pytest.fixture(scope="module")
def browser():
    """A browser without a window."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def visit(served, browser):
    """Opens the page; in the end, it has loaded nothing from elsewhere and complained of nothing."""
    contexts, complaints, asked = [], [], []

    def begin(path: str = "/", width: int = 1280, **options) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(served + path)
        page.wait_for_load_state("networkidle")
        return page

    yield begin
    for context in contexts:
        context.close()
    assert [said for said in complaints if " 422 " not in said and " 404 " not in said] == []
    assert {url for url in asked if not url.startswith((served, "blob:", "data:"))} == set()


def csv_of(name: str, frame: pl.DataFrame) -> dict:
    """A file to choose."""
    return {"name": name, "mimeType": "text/csv", "buffer": frame.write_csv().encode()}


def choose(page: Page, name: str = "two.csv", frame: pl.DataFrame | None = None) -> None:
    """Choose a file and wait until it is read."""
    page.set_input_files("#file", csv_of(name, pl.concat([make_series(1), make_series(2)]) if frame is None else frame))
    expect(page.locator("#summary")).to_contain_text(name)


def train(page: Page, h: int = 6) -> None:
    """Train, and wait for the forecast."""
    page.fill("#h", str(h))
    page.fill("#season", "24")
    page.click("#start")
    expect(page.locator("#result")).to_be_visible(timeout=MINUTE)
    expect(page.locator("#verdict")).not_to_be_empty()


def downloaded(page: Page, key: str) -> tuple[str, bytes]:
    """A file's name and content."""
    with page.expect_download() as waiting:
        page.click(f"#download-{key}")
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def violations(page: Page) -> str:
    """What axe-core finds wrong."""
    found = Axe().run(page)
    return found.generate_report() if found.violations_count else ""


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def test_from_a_file_to_a_forecast_and_its_downloads(visit, tmp_path):
    page = visit()
    choose(page)
    expect(page.locator("#summary")).to_contain_text("598 rows, 2 series")
    expect(page.locator("#h")).to_have_value("24")
    expect(page.locator("#season-help")).to_contain_text("24 + 168")
    train(page)
    expect(page.locator("#scores tbody tr").first).to_be_visible()
    expect(page.locator("#gates-chart .heatmaplayer image")).to_be_attached()
    name, content = downloaded(page, "csv")
    table = pl.read_csv(content, try_parse_dates=True)
    assert (name, len(table)) == ("two-forecast.csv", 12)
    assert pl.read_excel(io.BytesIO(downloaded(page, "xlsx")[1]))["GRU"].to_list() == pytest.approx(
        table["GRU"].to_list()
    )
    (tmp_path / "m.safetensors").write_bytes(downloaded(page, "model")[1])
    pl.concat([make_series(1), make_series(2)]).write_csv(tmp_path / "two.csv")
    again = grucast.load(tmp_path / "m.safetensors").predict(str(tmp_path / "two.csv"))
    assert again["GRU"].to_list() == pytest.approx(table["GRU"].to_list(), rel=1e-5)
    assert downloaded(page, "picture")[1].startswith(b"\x89PNG")
    assert 'grucast.forecast("two.csv", h=6, season_length=24)' in downloaded(page, "python")[1].decode()
    page.locator("summary", has_text="The numbers").click()
    expect(page.locator("#numbers tbody tr")).to_have_count(6)
    page.locator("#result-field select").select_option("s2")
    expect(page.locator("#fan-chart")).to_have_attribute("aria-label", re.compile("forecast of s2"))


def test_a_file_may_be_dropped(visit):
    page = visit()
    transfer = page.evaluate_handle(
        "text => { const data = new DataTransfer(); data.items.add(new File([text], 'dropped.csv')); return data; }",
        make_series(1).write_csv(),
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    expect(page.locator("#summary")).to_contain_text("dropped.csv")


def test_the_example_is_there_without_a_file(visit):
    page = visit()
    page.click("#example")
    expect(page.locator("#summary")).to_contain_text("17,379 rows")


def test_what_is_no_table_is_said(visit):
    page = visit()
    page.set_input_files("#file", {"name": "cat.csv", "mimeType": "text/csv", "buffer": PICTURE})
    expect(page.locator("#data-error")).to_contain_text("cat.csv is a picture (PNG), not text")
    expect(page.locator("#train")).to_be_hidden()


def test_a_button_repairs_what_is_ambiguous(visit):
    page = visit()
    days = pl.DataFrame({"day": ["01/02/2024", "02/02/2024", "05/02/2024"], "sold": [1, 2, 3]})
    page.set_input_files("#file", csv_of("days.csv", days))
    expect(page.locator("#data-error")).to_contain_text("day/month/year")
    page.get_by_role("button", name="%d/%m/%Y").click()
    expect(page.locator("#data-error")).to_be_hidden()
    expect(page.locator("#summary")).to_contain_text("from 2024-02-01")


def test_columns_are_changed_by_a_click(visit):
    page = visit()
    choose(page, frame=make_series(1).with_columns(other=pl.col("y") * 2))
    target = page.locator("#roles select").last
    expect(target).to_contain_text("automatic: y")
    target.select_option("other")
    expect(page.locator("#series-chart")).to_have_attribute("aria-label", re.compile(r"the last is 2\d"))


def test_names_of_columns_and_series_are_text_not_markup(visit):
    page, evil = visit(), "<img src=x onerror=alert(1)>"
    page.on("dialog", lambda _: pytest.fail("a script ran"))
    frame = make_series(1).with_columns(pl.lit(evil).alias("unique_id")).rename({"y": f"{evil}y"})
    choose(page, "evil.csv", frame)
    train(page)
    expect(page.locator("#roles")).to_contain_text(evil)
    assert page.locator("img[src=x]").count() == 0


def test_a_training_is_stopped(visit):
    page = visit()
    choose(page, frame=pl.concat([make_series(seed, 2000) for seed in range(20)]))
    page.click("#start")
    expect(page.locator("#stop")).to_be_enabled()
    page.click("#stop")
    expect(page.locator("#left")).to_have_text("Stopped.")
    expect(page.locator("#start")).to_be_enabled()
    expect(page.locator("#result")).to_be_hidden()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(("locale", "scheme"), [("en-US", "light"), ("zh-CN", "dark")])
def test_the_page_is_for_everyone(visit, width, locale, scheme):
    page = visit(width=width, locale=locale, color_scheme=scheme)
    page.evaluate(
        """window.shift = 0; new PerformanceObserver(list => {
             for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
           }).observe({type: "layout-shift", buffered: true})"""
    )
    assert page.locator("html").get_attribute("lang") == locale[:2]
    assert violations(page) == ""
    choose(page)
    train(page)
    page.wait_for_timeout(300)
    for details in page.locator("summary").all():
        details.click()
    assert violations(page) == ""
    assert overflow(page) <= 0
    assert page.evaluate("window.shift") < 0.1  # what is called good, web.dev/articles/cls
    texts = page.locator("main").inner_text()
    assert "undefined" not in texts
    assert "{" not in texts.replace(page.locator("#code").inner_text(), "")


def test_the_language_is_changed_at_any_time(visit):
    page = visit()
    choose(page)
    train(page)
    page.select_option("#language", "zh")
    expect(page.locator("#h-result")).to_have_text("3. 预测结果")
    expect(page.locator("#verdict")).to_contain_text("检验")
    page.reload()
    expect(page.locator("#tab-forecast")).to_have_text("预测")


def test_all_is_reached_by_keyboard(visit):
    page = visit()
    page.focus("#tab-forecast")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-streams")).to_be_focused()
    expect(page.locator("#streams")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#forecast")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#file")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#summary")).to_contain_text("bikes.csv")
    page.focus("#h")
    page.fill("#h", "3")
    page.keyboard.press("Enter")
    expect(page.locator("#h-result")).to_be_focused(timeout=MINUTE)


def test_streams_forecast_after_each_observation_and_alarm(visit):
    page = visit("/#streams")
    for hour, value in enumerate((10, 11, 12, 11, 10, 900)):
        page.fill("#stream-name", "north/1 %")
        page.fill("#stream-time", f"2024-05-01 0{hour}:00")
        page.fill("#stream-value", str(value))
        page.click("#observation button")
        expect(page.locator("#stream-value")).to_have_value("")
    expect(page.locator("#streams-status")).to_contain_text("Alarm: 900 lies outside")
    expect(page.locator("#alarms")).to_contain_text("900 at 2024-05-01 05:00:00")
    expect(page.locator("#kept-list tbody tr")).to_have_count(1)
    assert violations(page) == ""
    page.fill("#stream-time", "2024-04-01 00:00")
    page.fill("#stream-value", "1")
    page.click("#observation button")
    expect(page.locator("#streams-error")).not_to_be_empty()
    page.click("#stream-remove")
    expect(page.locator("#kept")).to_be_hidden()
    expect(page.locator("#stream")).to_be_hidden()


def test_a_token_is_asked_for_once(browser, tmp_path):
    GRUForecaster(6, 48, 24, **TINY).fit(make_series(1)).save(tmp_path / "small.safetensors")
    running = Running(tmp_path, "grace=0.1", token="s3cret")
    try:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{running.port}")
        for word in ("wrong", "s3cret"):
            expect(page.locator("#ask-token")).to_be_visible()
            page.fill("#token", word)
            page.keyboard.press("Enter")
        expect(page.locator("#ask-token")).to_be_hidden()
        choose(page)
        page.close()
    finally:
        running.end()
