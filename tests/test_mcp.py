import asyncio

import pytest
from mcp import Client

from grucast.data import example
from grucast.errors import ConfigError
from grucast.mcp import make_server


@pytest.fixture
def folder(tmp_path):
    example().tail(600).write_csv(tmp_path / "bikes.csv")
    (tmp_path / "till.csv").write_text("date,sold\n03/04/2023,105\n05/04/2023,111\n06/07/2023,118\n")
    return tmp_path


def call(folder, tool, **arguments):
    """What an assistant gets."""

    async def ask():
        async with Client(make_server(folder)) as client:
            return await client.call_tool(tool, arguments)

    return asyncio.run(ask())


def refusal(folder, tool, **arguments):
    answer = call(folder, tool, **arguments)
    assert answer.is_error
    return answer.content[0].text


def test_assistant_finds_three_tools_that_only_read(folder):
    async def ask():
        async with Client(make_server(folder)) as client:
            return (await client.list_tools()).tools

    tools = asyncio.run(ask())
    assert [tool.name for tool in tools] == ["check", "forecast", "backtest"]
    assert all(tool.annotations.read_only_hint for tool in tools)


def test_check_says_what_is_in_a_file(folder):
    report = call(folder, "check", file="bikes.csv").structured_content
    assert (report["usable"], report["rows"], report["grid"]["frequency"]) == (True, 600, "h")


def test_forecast_has_a_row_for_each_step_and_a_verdict(folder):
    result = call(folder, "forecast", file="bikes.csv", h=6, max_seconds=1).structured_content
    assert (result["rows"], len(result["forecast"]), result["forecast"][0]["ds"]) == (6, 6, "2013-01-01 00:00:00")
    assert "over 3 tests" in result["verdict"]


def test_backtest_compares_with_simple_forecasts(folder):
    result = call(folder, "backtest", file="bikes.csv", h=6, windows=1, max_seconds=1).structured_content
    assert {score["model"] for score in result["scores"]} >= {"GRU", "SeasonalNaive24", "Naive"}


def test_error_names_the_option_that_decides_and_the_option_works(folder):
    assert "time_format='%d/%m/%Y'" in refusal(folder, "check", file="till.csv", options={"skip_rows": 0, "wide": True})
    report = call(folder, "check", file="till.csv", options={"time_format": "%d/%m/%Y", "freq": "D"}).structured_content
    assert report["first"] == "2023-04-03 00:00:00"


def test_file_outside_the_folder_is_not_there(folder, tmp_path_factory):
    secret = tmp_path_factory.mktemp("other") / "secret.csv"
    secret.write_text("ds,y\n2024-01-01,1\n")
    (folder / "link.csv").symlink_to(secret)
    for name in (str(secret), f"../{secret.parent.name}/secret.csv", "link.csv", "nothing.csv", "", "\0"):
        assert "there is no file" in refusal(folder, "check", file=name)


def test_unknown_option_is_refused_by_name(folder):
    assert "nope" in refusal(folder, "forecast", file="bikes.csv", options={"nope": 1})


def test_folder_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match="not a folder"):
        make_server(tmp_path / "nothing")
